"""The migrations: how a database gets to the schema that this release needs."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from service.database import release
from service.database.engine import Database, is_lock_timeout
from service.database.release import HEAD, Outdated
from service.database.sqlite import TO_WRITE
from service.migrations import distribution, statistics

MIGRATIONS = Path(__file__).parent

UPGRADE = 0x07C4A2D1
"""PostgreSQL's advisory lock of who upgrades."""
_VERSIONS = text(
    "CREATE TABLE IF NOT EXISTS alembic_version"
    " (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
"""As Alembic makes it, which would be after the first migration."""

DEADLOCK = "40P01"
LONGEST_WAIT_SECONDS = 2
PAUSE_SECONDS = 1
TRIES = 60

_KEEPERS = text("""
    SELECT 1 FROM pg_locks JOIN pg_stat_activity AS a USING (pid) JOIN pg_class AS c ON c.oid = relation
     WHERE locktype = 'relation' AND database = a.datid AND a.datname = current_database()
       AND c.relnamespace = current_schema()::regnamespace AND application_name <> 'orchard' AND pid <> pg_backend_pid()
       AND xact_start < clock_timestamp() - interval '1 second'
     LIMIT 1
""")
"""Who keeps one of our tables, and is no process of ours, which would be ended."""


class LostRows(Exception):
    """The upgrade would leave rows that point to nothing."""


class TableHeld(Exception):
    """Somebody held what a migration needs for too long: what was done until then is kept, and can be gone on with."""


@dataclass(frozen=True, slots=True)
class State:
    """How far a database is: its version, and the oldest release that may write to it; None where there is none."""

    version: str | None
    oldest_writer: str | None

    @property
    def is_later(self) -> bool:
        """Whether later releases alone may write to it."""
        return self.oldest_writer is not None and self.oldest_writer > HEAD

    @property
    def fault(self) -> str | None:
        """Why this release cannot work with the database, in a line that says what to do; None where it can."""
        if self.version is None:
            return "It was never migrated: `orchard db upgrade`."
        if self.version < HEAD:
            return f"It is at version {self.version}, not at {HEAD}: `orchard db upgrade`."
        if self.is_later:
            return f"It is at version {self.version}, of a later release than this one ({HEAD}): start that."
        return None


def upgrade(database: Database, revision: str = "head", *, tell: Callable[[str], None] = lambda _: None) -> None:
    """Bring the database to this revision, step by step, each in one transaction. Doing it again does nothing.

    Of two at once one waits for the other. A step waits for whoever holds its tables for a moment at a time, so that
    nobody queues behind it for longer, and tries again. tell: is told what it waits for.
    Raises LostRows where rows would point to nothing afterwards, NotEnded where older releases could not be shut out,
    and TableHeld; nothing of that step has changed then.
    """
    for attempt in count(1):
        try:
            while not _step(database, revision):
                pass
            return
        except (OperationalError, TableHeld) as error:
            if isinstance(error, OperationalError) and not _was_held(error):
                raise
            if attempt == TRIES:
                raise TableHeld("Somebody holds a table that is to be changed: run it again to go on.") from error
            tell("Waiting for somebody who holds a table that is to be changed.")
            time.sleep(PAUSE_SECONDS)


def distribute(database: Database) -> list[str]:
    """Spread the tables of a database of many machines by their merchants; the names of those that were not yet.

    Nobody is connected meanwhile, where there is something to be done. Raises NoCitus, TableHeld where somebody reads,
    and NotEnded where somebody could not be sent away.
    """
    with _to_migrate(database) as connection:
        names = distribution.tables_to_distribute(connection)
        if names:
            _refuse_held(connection)
            release.end_all_others(connection)
            distribution.distribute(connection, names)
        return names


def _step(database: Database, revision: str) -> bool:
    """Go one revision further. Returns whether there was none."""
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    with _to_migrate(database) as connection:
        now = MigrationContext.configure(connection).get_current_revision()
        if now is not None and now > HEAD:
            oldest = release.oldest_writer(connection) or now
            if oldest > HEAD:
                raise Outdated(oldest)
            return True
        ahead = list(scripts.iterate_revisions(revision, now or "base"))
        if ahead:
            following = ahead[-1]
            _shut_out(connection, getattr(following.module, "oldest_writer", following.revision), now)
            config.attributes["connection"] = connection
            with distribution.new_tables_distributed(connection):
                command.upgrade(config, following.revision)
        if not database.is_sqlite:
            if len(ahead) <= 1:
                statistics.assume(connection)
        elif lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise LostRows(f"A row of {lost[0]} would point to nothing: nothing was changed.")
    return len(ahead) <= 1


def _shut_out(connection: Connection, oldest: str, now: str | None) -> None:
    """Let no release before this one write any more. now: the version that the database is at."""
    if now is None:
        connection.execute(_VERSIONS)
    known = release.oldest_writer(connection) or now or ""
    if oldest > known:
        _refuse_held(connection)
        release.shut_out(connection, oldest)
    else:
        release.mark(connection, known)


def _refuse_held(connection: Connection) -> None:
    """Raise TableHeld where somebody reads: nobody is shut out for a step that cannot be done now."""
    if connection.dialect.name == "postgresql" and connection.execute(_KEEPERS).first():
        raise TableHeld("Somebody holds a table: nothing was done. Try again when they are done.")


@contextmanager
def _to_migrate(database: Database) -> Iterator[Connection]:
    """A transaction that no other upgrade runs beside."""
    if not database.is_sqlite:
        database.dispose()  # what this process has pooled is not to be shut out, by itself or by another upgrade
    begun = database.engine.execution_options(orchard_begin=TO_WRITE)
    with begun.connect() as connection, _tables_may_be_replaced(connection), connection.begin():
        if not database.is_sqlite:
            connection.exec_driver_sql(
                "SET LOCAL application_name = 'orchard upgrade'"
            )  # another does not end this one
            connection.exec_driver_sql("SET LOCAL lock_timeout = 0")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE})")
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LONGEST_WAIT_SECONDS}s'")
        yield connection


def _was_held(error: OperationalError) -> bool:
    """Whether somebody else had what was needed for too long, or waited for what this had."""
    busy = getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return busy or is_lock_timeout(error) or getattr(error.orig, "sqlstate", None) == DEADLOCK


@contextmanager
def _tables_may_be_replaced(connection: Connection) -> Iterator[None]:
    """SQLite changes a constraint only by replacing its table, while others point to it.

    Source: sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes".
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def read_state(database: Database) -> State:
    """How far the database is. Raises SQLAlchemyError where it does not say."""
    with database.statements() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return State(None, None)
        version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
        return State(version, release.oldest_writer(connection))


def state(database: Database) -> State | None:
    """How far the database is; None where it cannot be reached."""
    try:
        return read_state(database)
    except OperationalError as error:
        oldest = error.orig.oldest if isinstance(error.orig, Outdated) else None
        return State(oldest, oldest) if oldest else None
    except SQLAlchemyError:
        return None
