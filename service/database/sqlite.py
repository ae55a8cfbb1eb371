"""The embedded database: how it is opened, and how its writers take turns."""

import os
import random
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError

from service.database import release
from service.database.release import Outdated
from service.database.watch import CROWDED_SECONDS, LAST_SECONDS
from service.turns import Turns

BUSY_SECONDS = 10
READ_SECONDS = 1.5
"""How long a reader waits, unless patient: for a commit, or for somebody who has the whole file to itself."""

SLOW_SECONDS = 0.05
LONGEST_LOOK_SECONDS = 0.002
TO_WRITE = "BEGIN IMMEDIATE"
SAFE_WAL = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""The first SQLite release, and the patched ones of older lines, without the WAL-reset corruption bug."""

PRIMARY_CODE = 0xFF
"""Of a code of SQLite's, the kind; the rest says more of it."""


@dataclass(slots=True)
class Queue:
    """In which turns writers wait: with one less than there are processes, somebody is left who waits for nobody.

    is_crowded: whether somebody waited in vain for a turn, and nobody has had one since.
    """

    turns: Turns | None = None
    is_crowded: bool = False


def opened(url: str, queue: Queue, *, patient: bool, is_fenced: bool) -> Engine:
    """An engine on this database. Its option `orchard_begin` is what begins a transaction: nothing, if it is empty.
    `orchard_wait_seconds` is how long that may wait for another writer.

    is_fenced: whether a release that is too old for the database is refused.
    """
    path = path_of(make_url(url))
    read_seconds = BUSY_SECONDS if patient else READ_SECONDS
    engine = create_engine(url, connect_args={"timeout": read_seconds}, hide_parameters=True)
    journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info) else "TRUNCATE"

    if path:
        _make_folder(path)
        event.listen(engine, "do_connect", _First(path))
    event.listen(engine, "handle_error", _let_go_of_read_only)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        record.info["file"] = _file(path)
        connection.isolation_level = None
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # what is taken away leaves no trace in the file

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        statement = options.get("orchard_begin", "BEGIN")
        if statement == TO_WRITE:
            _begin_to_write(connection, queue, options.get("orchard_wait_seconds", BUSY_SECONDS))
            refuse_moved(connection)
            if is_fenced:
                _look_again(connection)
        elif statement:
            connection.exec_driver_sql(statement)

    @event.listens_for(engine, "checkout")
    def look(connection: Any, record: Any, _pooled: object) -> None:
        if record.info["file"] != _file(path):
            raise DisconnectionError  # what is written to a file that was moved away is lost
        connection.execute(f"PRAGMA busy_timeout = {round(read_seconds * 1000)}")  # a writer left another
        if is_fenced:
            release.admit_embedded(connection)

    return engine


def _make_folder(path: Path) -> None:
    """Make the file's folder, once: one that goes away later is missed, and not made again without what was in it."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


class _First:
    """Makes the file ahead of the first connection; SQLite would make it for everybody. Later it must be there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_made = False

    def __call__(self, *_: object) -> None:
        """Raises OperationalError where the file was moved away: an empty one in its place would only mislead."""
        if not self._is_made:
            with suppress(OSError):  # a database that cannot be is answered by those who ask it
                make_private(self._path)
            self._is_made = self._path.exists()
        elif not self._path.exists():
            raise sqlite3.OperationalError("The database's file was moved away.")


def _let_go_of_read_only(context: ExceptionContext) -> None:
    """A connection that was made while the file could only be read stays so: the next one may do better."""
    code = getattr(context.original_exception, "sqlite_errorcode", None) or 0
    if code & PRIMARY_CODE == sqlite3.SQLITE_READONLY:
        context.is_disconnect = True


def path_of(url: URL) -> Path | None:
    """Where the database's file is; None for one in memory."""
    named = url.database or ":memory:"
    return None if named.startswith((":memory:", "file:")) else Path(named)


def make_private(path: Path) -> None:
    """Make this file for nobody else, where it is not there yet; SQLite's journals are as it is. Raises OSError."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, mode=0o600))


def takes_writes(path: Path | None) -> bool:
    """Whether the file is where it was said to be, and it and its folder, where its journal comes, may be written."""
    return path is None or all(os.access(place, os.W_OK) for place in (path, path.parent))


def _file(path: Path | None) -> tuple[int, int] | None:
    """Which file is there now; None for a database in memory, and for none."""
    try:
        found = path and path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def refuse_moved(connection: Connection) -> None:
    """Raise OperationalError where the file was moved away since this was connected: what is written there is lost."""
    if connection.info["file"] != _file(path_of(connection.engine.url)):
        raise OperationalError(TO_WRITE, None, sqlite3.OperationalError("The database's file was moved away."))


def _look_again(connection: Connection) -> None:
    """Whoever began to write may have waited for an upgrade. Raises OperationalError."""
    try:
        release.admit_embedded(driver_of(connection))
    except Outdated as error:
        raise OperationalError(TO_WRITE, None, error) from error


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection."""
    driver: Any = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _begin_to_write(connection: Connection, queue: Queue, seconds: float) -> None:
    """Begin as soon as nobody else writes. Raises OperationalError where somebody does for too long.

    SQLite itself looks again after sleeps of up to a tenth of a second, in which nobody writes, or who came later does.
    """
    driver = driver_of(connection)
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        if not _has_begun(driver, queue, seconds):
            connection.exec_driver_sql(TO_WRITE)  # which says why
    finally:
        with suppress(sqlite3.ProgrammingError):  # it was let go
            driver.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _has_begun(driver: sqlite3.Connection, queue: Queue, seconds: float) -> bool:
    turns, turn, started = queue.turns, None, time.monotonic()
    try:
        while (waited := time.monotonic() - started) < seconds:
            try:
                driver.execute(TO_WRITE)
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    return False
            else:
                queue.is_crowded = False
                return True
            if turns is not None and turn is None and waited >= (CROWDED_SECONDS if queue.is_crowded else SLOW_SECONDS):
                turn = turns.take()
                queue.is_crowded = queue.is_crowded and turn is None
                if turn is None and waited >= (CROWDED_SECONDS if queue.is_crowded else LAST_SECONDS):
                    queue.is_crowded = True
                    return False
            time.sleep(random.uniform(0, LONGEST_LOOK_SECONDS))
        return False
    finally:
        if turns is not None and turn is not None:
            turns.give_back(turn)


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this release may be used with a write-ahead log."""
    return version >= SAFE_WAL[0] or any(version[:2] == safe[:2] and version >= safe for safe in SAFE_WAL[1:])
