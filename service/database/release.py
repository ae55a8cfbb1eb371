"""Which releases may write to which schema: a process that is too old is turned away before it writes anything.

A database carries its schema's version, and the oldest release that may still write to it: PostgreSQL in the comment of
`alembic_version`, SQLite in `user_version`, so that both are there before the first migration. PostgreSQL asks each
connection once, when it is made; an upgrade that shuts older releases out ends theirs, and lets in nobody until it is
done. On SQLite there is nobody who could end a connection, so each transaction looks.
See docs/decisions/0025-old-writers.md.
"""

import sqlite3
from typing import Any

import psycopg
from sqlalchemy import Connection, text

HEAD = "0014"
"""The version of the schema that this release is made for, which is also this release's own name for itself."""

GATE = 0x07C4A2D0
"""PostgreSQL's advisory lock that who connects passes, and that an upgrade holds which shuts others out."""

_PASS = f"SELECT pg_advisory_xact_lock_shared({GATE});"
_OLDEST = "SELECT obj_description(to_regclass('alembic_version'), 'pg_class')"
_OTHERS = text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'orchard' AND pid <> pg_backend_pid()"
)
_END = text(
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid = :pid AND pg_has_role(usesysid, 'MEMBER')"
)
"""Waits up to ten seconds, so that nothing which was under way is left; passes over whom this role may not end."""


class Outdated(psycopg.OperationalError, sqlite3.OperationalError):
    """A later release has changed the database, and this one can no longer write to it."""

    def __init__(self, oldest: str) -> None:
        super().__init__(
            f"The database is of a later release: {oldest} and later may write to it, and this one is {HEAD}."
            " Start the later release."
        )
        self.oldest = oldest


class NotEnded(Exception):
    """Connections of older releases could not be ended, so that nothing was changed."""


def admit(connection: psycopg.Connection[Any]) -> None:
    """Let a new connection to PostgreSQL in once no upgrade stands at the gate. Raises Outdated."""
    connection.autocommit = True
    cursor = connection.execute(f"{_PASS} {_OLDEST}")
    cursor.nextset()
    row = cursor.fetchone()
    connection.autocommit = False
    _check(row[0] if row else None)


def admit_embedded(connection: sqlite3.Connection) -> None:
    """Let a transaction on SQLite go on. Raises Outdated."""
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    _check(f"{number:04}" if number else None)


def _check(oldest: str | None) -> None:
    if oldest is not None and oldest > HEAD:
        raise Outdated(oldest)


def oldest_writer(connection: Connection) -> str | None:
    """The oldest release that may write to this database; None where that was never said."""
    if connection.dialect.name == "sqlite":
        number = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        return f"{number:04}" if number else None
    said: str | None = connection.exec_driver_sql(_OLDEST).scalar_one()
    return said


def shut_out(connection: Connection, oldest: str) -> None:
    """From this transaction's end on, and on PostgreSQL from now on, no release before this one writes.

    Raises NotEnded where somebody is connected whom this role may not end.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {int(oldest)}")
        return
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({GATE})")
    inside = {row.pid for row in connection.execute(_OTHERS)}  # who comes now waits at the gate
    for pid in inside:
        connection.execute(_END, {"pid": pid})
    connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")  # a transaction sees them as they were at first
    if left := inside & {row.pid for row in connection.execute(_OTHERS)}:
        raise NotEnded(f"Processes of Orchard could not be ended, connections {sorted(left)}: stop them first.")
    connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{oldest}'")
