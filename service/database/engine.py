"""Engines, sessions and what differs between SQLite and PostgreSQL."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, Executable, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from service.database import postgresql, sqlite
from service.database.driver import STALE
from service.database.postgresql import HASTY_SECONDS
from service.database.prepared import Answer, PreparedSession, run_alone
from service.database.watch import CROWDED_SECONDS, Watch
from service.database.writing import write_now
from service.turns import Turns

T = TypeVar("T")

ATTEMPTS = 8
LONGEST_PAUSE_SECONDS = 0.25

RACES = ("40001", "40P01", "23505", *STALE)
"""serialization_failure, deadlock_detected, unique_violation, and what `driver` explains"""


class RaceLost(Exception):
    """Someone else changed what this transaction decided on. Trying again settles it."""


class WorkFirst(RaceLost):
    """Something is to be done first, in transactions of its own: in this one it would hold its locks for too long.

    Trying again after `work` settles it.
    """

    def __init__(self, work: Callable[["Database"], object]) -> None:
        self.work = work


class Database:
    """The engines and how to open a transaction on them."""

    def __init__(self, url: str, *, patient: bool = False, is_fenced: bool = True) -> None:
        """patient: for commands, whose statements may take as long as they need.

        is_fenced: whether a release that is too old for the database is refused; not for who only asks how old it is.
        """
        self._watch = Watch(lambda: postgresql.own(self.engine))
        if url.startswith("sqlite"):
            self._queue = sqlite.Queue()
            self.engine = sqlite.opened(url, self._queue, patient=patient, is_fenced=is_fenced)
            self._single: Engine = self.engine.execution_options(orchard_begin="")
        else:
            opened = partial(postgresql.opened, url, self._watch, patient=patient, is_fenced=is_fenced)
            self.engine, self._single = opened(alone=False), opened(alone=True)
            postgresql.share_losses(self.engine, self._single)
            postgresql.share_losses(self._single, self.engine)
        self._writer = self.engine.execution_options(orchard_begin=sqlite.TO_WRITE)
        self._hasty_writer = self._writer.execution_options(orchard_wait_seconds=HASTY_SECONDS)
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

    def takes_writes(self) -> bool:
        """Whether it can be written to, as far as it says so. Raises DBAPIError."""
        if self.is_sqlite:
            return sqlite.takes_writes(sqlite.path_of(self.engine.url))
        with self.statements() as connection:
            return postgresql.takes_writes(connection)

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

    def watch(self, turns: Turns) -> None:
        """From now on, let nobody in this process wait for a database that hangs, and for a lock only in a turn.

        Again in each process that is forked. turns: are of all of them.
        """
        if self.is_sqlite:
            self._queue.turns = turns
        else:
            self._watch.start(turns)

    def tell_of_use(self, told: Callable[[], None]) -> None:
        """Call this whenever somebody is done with a connection."""
        for pooled in {self.engine.pool, self._single.pool}:  # which are one on SQLite
            event.listen(pooled, "checkin", lambda *_: told())

    def write(self, work: Callable[[Session], T], *, hastily: bool = False) -> T:
        """Run `work` in one transaction, again from the start where it lost a race to another one.

        hastily: rather not at all than after waiting for somebody for more than a second.
        Raises what `work` raises, with nothing changed, and OperationalError when the database is away.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._attempt(work, hastily=hastily)
            except (DBAPIError, psycopg.Error, RaceLost) as error:
                if attempt == ATTEMPTS or not _was_a_race(error):
                    raise
                if isinstance(error, WorkFirst):
                    error.work(self)
                    continue
            time.sleep(random.uniform(0, LONGEST_PAUSE_SECONDS * attempt / ATTEMPTS))
        raise AssertionError("unreachable")

    def _attempt(self, work: Callable[[Session], T], *, hastily: bool) -> T:
        writer = self._hasty_writer if hastily else self._writer
        with writer.connect() as connection:
            with connection.begin(), self._session(connection) as session:
                if not self.is_sqlite and (hastily or self._watch.is_crowded):
                    seconds = CROWDED_SECONDS if self._watch.is_crowded else HASTY_SECONDS
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(seconds * 1000)}")
                done = work(session)
                write_now(session)
            if self.is_sqlite:
                sqlite.refuse_moved(connection)
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
