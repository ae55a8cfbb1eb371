"""Which releases may write to which schema: a process that is too old is turned away before it writes anything.

A database carries its schema's version, and the oldest release that may still write to it: PostgreSQL in the comment of
`alembic_version`, SQLite in `user_version`; where that was never said or got lost, its version is that release.
PostgreSQL asks each connection once, when it is made; an upgrade that shuts older releases out ends theirs, and lets in
nobody until it is done. On SQLite there is nobody who could end a connection, so each transaction looks.
See docs/decisions/0025-old-writers.md.
"""

import re
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import Connection, text

from service.database.driver import CheckoutConnection

HEAD = "0019"
"""The version of the schema that this release is made for, which is also this release's own name for itself."""

GATE = 0x07C4A2D0
"""PostgreSQL's advisory lock that who connects passes, and that an upgrade holds which shuts others out."""

_ADMIT = f"""
    BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL lock_timeout = '1s';
    SELECT pg_advisory_xact_lock_shared({GATE});
    SELECT obj_description(to_regclass('alembic_version'), 'pg_class'), to_regclass('alembic_version') IS NOT NULL;
    COMMIT
"""
"""The mark is read once the lock is there, by a statement that sees what was committed until then."""
HAS_CITUS = "SELECT to_regclass('pg_dist_partition') IS NOT NULL"
_IS_SPREAD = "SELECT EXISTS (SELECT 1 FROM pg_dist_partition)"
_PLANNED_WITH_VALUES = "SET plan_cache_mode = auto"
"""A plan for whatever values names no machine: see docs/decisions/0027-many-machines.md."""
_VERSION = "SELECT version_num FROM alembic_version"
_OTHERS = text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'orchard' AND pid <> pg_backend_pid()"
)
_END = text(
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE pid = :pid AND pg_has_role(usesysid, 'USAGE')"
)
"""Waits up to ten seconds, so that nothing which was under way is left; passes over whom this role may not end."""
_MARK = re.compile(r"[0-9]{4}")


class Outdated(psycopg.OperationalError, sqlite3.OperationalError):
    """A later release has changed the database, and this one can no longer write to it."""

    def __init__(self, oldest: str) -> None:
        super().__init__(
            f"The database is of a later release: {oldest} and later may write to it, and this one is {HEAD}."
            " Start the later release."
        )
        self.oldest = oldest


class BeingUpgraded(psycopg.OperationalError):
    """An upgrade shuts others out at this moment."""

    def __init__(self) -> None:
        super().__init__("The database is being upgraded: try again in a moment.")


class NotEnded(Exception):
    """Connections of older releases could not be ended, so that nothing was changed."""


def admit(connection: CheckoutConnection) -> None:
    """Let a new connection to PostgreSQL in once no upgrade stands at the gate. Raises Outdated and BeingUpgraded."""
    connection.autocommit = True
    cursor = connection.cursor()
    try:
        cursor.execute(_ADMIT)
    except psycopg.errors.LockNotAvailable as error:
        raise BeingUpgraded from error
    for _ in range(3):
        cursor.nextset()
    oldest, is_migrated = cursor.fetchone() or (None, False)
    if is_migrated and not (oldest and _MARK.fullmatch(oldest)):
        (oldest,) = connection.execute(_VERSION).fetchone() or (None,)
    connection.autocommit = False
    _check(oldest)


def find_machines(connection: CheckoutConnection) -> None:
    """See whether the database is one of many machines, and have statements planned accordingly."""
    connection.autocommit = True
    connection.is_of_many = is_spread(lambda query: (connection.execute(query).fetchone() or (False,))[0])
    if connection.is_of_many:
        connection.execute(_PLANNED_WITH_VALUES)
    connection.autocommit = False


def is_spread(ask: Callable[[str], Any]) -> bool:
    """Whether tables are spread over machines. ask: gives the answer to a query."""
    return bool(ask(HAS_CITUS)) and bool(ask(_IS_SPREAD))


def admit_embedded(connection: sqlite3.Connection) -> None:
    """Let a transaction on SQLite go on. Raises Outdated."""
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    oldest: str | None = f"{number:04}" if number else None
    if oldest is None:
        with suppress(sqlite3.OperationalError):  # it was never migrated
            (oldest,) = connection.execute(_VERSION).fetchone() or (None,)
    _check(oldest)


def _check(oldest: str | None) -> None:
    if oldest is not None and oldest > HEAD:
        raise Outdated(oldest)


def oldest_writer(connection: Connection) -> str | None:
    """The oldest release that may write to this database; None where that was never said."""
    if connection.dialect.name == "sqlite":
        number = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        return f"{number:04}" if number else None
    said = connection.exec_driver_sql("SELECT obj_description(to_regclass('alembic_version'), 'pg_class')").scalar_one()
    return said if said and _MARK.fullmatch(said) else None


def mark(connection: Connection, oldest: str) -> None:
    """Say that this release and later ones may write to the database."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {int(oldest)}")
    else:
        connection.exec_driver_sql(f"COMMENT ON TABLE alembic_version IS '{oldest}'")


def shut_out(connection: Connection, oldest: str) -> None:
    """From this transaction's end on, and on PostgreSQL from now on, no release before this one writes.

    Raises NotEnded where somebody is connected whom this role may not end.
    """
    if connection.dialect.name != "sqlite":
        end_all_others(connection)
    mark(connection, oldest)


def end_all_others(connection: Connection) -> None:
    """End all processes' connections, and let nobody connect before this transaction ends. Raises NotEnded."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({GATE})")
    inside = set(connection.execute(_OTHERS).scalars())  # who comes now waits at the gate
    for pid in inside:
        connection.execute(_END, {"pid": pid})
    connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")  # a transaction sees them as they were at first
    if left := inside & set(connection.execute(_OTHERS).scalars()):
        raise NotEnded(f"Processes of Orchard could not be ended, connections {sorted(left)}: stop them first.")
