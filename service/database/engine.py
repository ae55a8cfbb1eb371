"""Engines, sessions and what differs between SQLite and PostgreSQL."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    Executable,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from service.database import release, sqlite
from service.database.driver import STALE, CheckoutConnection
from service.database.prepared import Answer, PreparedSession, run_alone
from service.database.writing import write_now

T = TypeVar("T")

ATTEMPTS = 8
LONGEST_PAUSE_SECONDS = 0.25

PG_OPTIONS = (
    "-c timezone=UTC -c lock_timeout=5s -c statement_timeout=30s"
    " -c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off"
)
"""Every statement here is a look-up by key: planning it anew, or compiling it, only costs, and a plan that was made
while a table was empty must not go on reading all of it. See docs/decisions/0012-plans-that-stay-right.md."""
RACES = ("40001", "40P01", "23505", *STALE)
"""serialization_failure, deadlock_detected, unique_violation, and what `driver` explains"""

RENEWED_AFTER_SECONDS = 600
"""A connection's plans are as old as it is: one that was made amid an `ANALYZE` of empty tables goes with it."""

PG_PATIENT = " -c statement_timeout=0 -c enable_seqscan=on"
PG_ASYNCHRONOUS = " -c synchronous_commit=off"


class RaceLost(Exception):
    """Someone else changed what this transaction decided on. Trying again settles it."""


class Database:
    """The engines and how to open a transaction on them."""

    def __init__(self, url: str, *, patient: bool = False, is_fenced: bool = True) -> None:
        """patient: for commands, whose statements may take as long as they need.

        is_fenced: whether a release that is too old for the database is refused; not for who only asks how old it is.
        """
        options = PG_OPTIONS + (PG_PATIENT if patient else "")
        if url.startswith("sqlite"):
            self.engine = sqlite.opened(url, is_fenced=is_fenced)
            self._single: Engine = self.engine.execution_options(orchard_begin="")
        else:
            self.engine = _postgresql(url, options, is_fenced=is_fenced)
            alone: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
            self._single = _postgresql(url, options + PG_ASYNCHRONOUS, is_fenced=is_fenced, **alone)
            _share_losses(self.engine, self._single)
            _share_losses(self._single, self.engine)
        self._writer = self.engine.execution_options(orchard_begin=sqlite.TO_WRITE)
        self._reader = (
            self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        )

    @property
    def name(self) -> str:
        """Which database this is, for people, without its password, wherever in the URL that stands."""
        return self.engine.url.set(query={}).render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    def version(self) -> str:
        """What differs whenever something was written since, by anybody. The same again says that nothing was."""
        if not self.is_sqlite:
            with self.statements() as connection:
                return str(connection.exec_driver_sql("SELECT pg_current_snapshot()").scalar_one())
        path = self.engine.url.database or ""
        files = [Path(path), Path(f"{path}-wal")]
        states = [file.stat() for file in files if file.exists()]
        return repr([(state.st_mtime_ns, state.st_size) for state in states])

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database and leaves nothing behind."""
        with self._reader.connect() as connection, self._session(connection) as session:
            connection.begin()  # which ends with the connection, as it began
            yield session

    @contextmanager
    def statements(self) -> Iterator[Connection]:
        """A connection on which each statement is a transaction of its own, committed asynchronously."""
        with self._single.connect() as connection:
            yield connection

    def forget_past(self) -> None:
        """Let go of what the database keeps of the past beside itself, as far as it is for us to say.

        SQLite has a journal of what was written lately. PostgreSQL clears its rows of before in rounds of its own.
        """
        if self.is_sqlite:
            with self.statements() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def count_anew(self, *tables: str) -> None:
        """After much was written to these tables: have PostgreSQL look at them, ahead of its own round.

        A merchant of whom it knows no row yet is one of a few rows to it, all of which it would read each time.
        """
        if self.is_sqlite:
            return
        try:
            with self.statements() as connection:
                connection.exec_driver_sql(f"ANALYZE {', '.join(tables)}")
        except OperationalError as error:
            if not is_lock_timeout(error):  # somebody else is at it
                raise

    def at_once(self, statement: Executable, given: Mapping[str, Any]) -> Answer:
        """The answer to one prepared statement, as `statements` but past SQLAlchemy: for the paths that are that hot.

        Raises DBAPIError.
        """
        try:
            return run_alone(self._single, statement, given)
        except DBAPIError as error:
            if error.connection_invalidated:
                self.dispose()  # the database went away, so what else is pooled is as dead
            raise

    def dispose(self, *, close: bool = True) -> None:
        """Let go of all connections; with `close` false, as a forked child must, leave them to the parent."""
        self.engine.dispose(close=close)
        self._single.dispose(close=close)

    def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in one transaction, again from the start where it lost a race to another one.

        Raises what `work` raises, with nothing changed, and OperationalError when the database is away.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(work)
            except (DBAPIError, psycopg.Error, RaceLost) as error:
                if attempt == ATTEMPTS or not _was_a_race(error):
                    raise
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS * attempt / ATTEMPTS))
        raise AssertionError("unreachable")

    def _attempt(self, work: Callable[[Session], T]) -> T:
        with self._writer.connect() as connection, connection.begin(), self._session(connection) as session:
            done = work(session)
            write_now(session)
            return done

    def _session(self, connection: Connection) -> PreparedSession:
        """A session in a transaction that is the connection's, since one of its own costs twice that."""
        mode: Any = "rollback_only"
        return PreparedSession(connection, lost=self.dispose, expire_on_commit=False, join_transaction_mode=mode)


def _was_a_race(error: Exception) -> bool:
    """Serialization failures, deadlocks, and a natural key that another transaction took first."""
    if isinstance(error, RaceLost):
        return True
    if isinstance(error, IntegrityError) and isinstance(error.orig, sqlite3.IntegrityError):
        return error.orig.sqlite_errorcode in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    cause = getattr(error, "orig", error)
    return getattr(cause, "sqlstate", None) in RACES


def is_lock_timeout(error: OperationalError) -> bool:
    """Whether another transaction held what this one needed for too long."""
    return getattr(error.orig, "sqlstate", None) == "55P03"


def _postgresql(url: str, options: str, *, is_fenced: bool, **arguments: Any) -> Engine:
    engine = create_engine(
        url,
        pool_size=5,
        max_overflow=5,
        pool_timeout=5,
        pool_recycle=RENEWED_AFTER_SECONDS,
        hide_parameters=True,
        connect_args={
            "connect_timeout": 3,
            "options": options,
            "application_name": "orchard",
        },
        **arguments,
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, given: Any, named: Any) -> CheckoutConnection:
        connection = CheckoutConnection.connect(*given, **named)
        if is_fenced:
            try:
                release.admit(connection)
            except psycopg.Error:
                connection.close()
                raise
        return connection

    @event.listens_for(engine, "rollback_savepoint")
    def forget(connection: Connection, *_: Any) -> None:
        driver: Any = connection.connection.driver_connection
        driver.forget_part()

    return engine


def _share_losses(engine: Engine, other: Engine) -> None:
    """Where a connection of this engine is found dead, the database went away: what the other has pooled is as dead."""

    @event.listens_for(engine, "handle_error")
    def let_go(context: ExceptionContext) -> None:
        if context.is_disconnect:
            other.dispose()
