"""Nobody waits for a database that hangs, and not everybody for a lock."""

import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service.database import watch as watching
from service.database.driver import CheckoutConnection
from service.database.engine import Database
from service.database.postgresql import HASTY_SECONDS
from service.database.watch import LAST_SECONDS, SLOW_SECONDS, Hanging, Watch, within
from service.turns import Turns

LOCK = text("LOCK TABLE merchant IN ACCESS EXCLUSIVE MODE")
QUICKLY = 2.5
"""Seconds. What is without end, or of the server's own time, takes longer."""


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where somebody listens and never says a word, as a server that is stopped does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield int(listener.getsockname()[1])


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """But where somebody is silent, no machine is so busy that its database is taken for one that hangs."""
    if "silent" not in request.fixturenames:
        monkeypatch.setattr(watching, "ANSWER_SECONDS", 30)


@pytest.fixture
def own(migrated_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A PostgreSQL database of this test's own."""
    database = Database(migrated_database_url("postgresql"))
    yield database
    database.dispose()


def connected(database: Database) -> CheckoutConnection:
    """A connection to it, beside its pools."""
    given, named = database.engine.dialect.create_connect_args(database.engine.url)
    more: Any = {**named, "autocommit": True, "application_name": "orchard"}
    return CheckoutConnection.connect(*given, **more)


def until(condition: Callable[[], bool]) -> None:
    """Wait until this holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def waiting_for(connection: CheckoutConnection) -> None:
    """Until something was asked on it, and prepared, which is a question by itself."""
    until(lambda: connection.waits_for is not None)
    time.sleep(0.2)
    until(lambda: connection.waits_for is not None)


def looked(watch: Watch, seconds: float = 2 * SLOW_SECONDS) -> None:
    """Two looks, so far from one another that what waits has waited for so long."""
    now = time.monotonic()
    watch.look(now)
    watch.look(now + seconds)


def test_what_comes_in_time_is_returned_and_what_it_raises_is_raised() -> None:
    assert within(5, lambda: 7, let_go=print) == 7
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0, let_go=print)


def test_what_comes_too_late_is_let_go_of() -> None:
    go_on, gone = threading.Event(), threading.Event()

    def late() -> str:
        go_on.wait(5)
        return "late"

    with pytest.raises(TimeoutError):
        within(0.01, late, let_go=lambda given: gone.set() if given == "late" else None)
    assert not gone.is_set()
    go_on.set()
    assert gone.wait(5)


def test_what_fails_too_late_is_nobodys(caplog: pytest.LogCaptureFixture) -> None:
    go_on, failed = threading.Event(), threading.Event()

    def late() -> None:
        go_on.wait(5)
        failed.set()
        raise ZeroDivisionError

    with pytest.raises(TimeoutError):
        within(0.01, late, let_go=print)
    go_on.set()
    assert failed.wait(5)
    until(lambda: "orchard-within" not in {thread.name for thread in threading.enumerate()})
    assert caplog.records == []


def test_what_raises_a_timeout_of_its_own_raises_it() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        within(5, fail, let_go=print)


def test_whoever_waits_for_a_database_that_hangs_is_cut_off(own: Database, silent: int) -> None:
    watch = Watch(lambda: CheckoutConnection.connect(f"host=127.0.0.1 port={silent} connect_timeout=5"))
    connection = connected(own)
    watch.add(connection)
    watch.admit()
    with ThreadPoolExecutor(1) as pool:
        started = time.monotonic()
        slow = pool.submit(connection.ask, "SELECT pg_sleep(30)", ())
        waiting_for(connection)
        looked(watch)
        with pytest.raises(psycopg.OperationalError):
            slow.result()
        assert time.monotonic() - started < QUICKLY
    assert connection.closed
    with pytest.raises(Hanging):
        watch.admit()


def test_psycopgs_own_statements_are_cut_off_as_well(own: Database, silent: int) -> None:
    watch = Watch(lambda: CheckoutConnection.connect(f"host=127.0.0.1 port={silent} connect_timeout=5"))
    connection = connected(own)
    watch.add(connection)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(connection.execute, "SELECT pg_sleep(30)")
        waiting_for(connection)
        looked(watch)
        with pytest.raises(psycopg.OperationalError):
            slow.result()
    connection.close()


def test_once_a_database_answers_again_everybody_is_let_in(own: Database, silent: int) -> None:
    asked: list[int] = []

    def connect() -> CheckoutConnection:
        asked.append(1)
        first = len(asked) == 1
        return (
            CheckoutConnection.connect(f"host=127.0.0.1 port={silent} connect_timeout=5") if first else connected(own)
        )

    watch = Watch(connect)
    watch.start(Turns(1))
    watch.missed()
    assert watch.is_away
    until(lambda: not watch.is_away)
    watch.admit()


def test_a_look_that_fails_keeps_nobody_out(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> CheckoutConnection:
        raise ZeroDivisionError

    watch = Watch(fail)
    watch.start(Turns(1))
    watch.missed()
    until(lambda: not watch.is_away)
    until(lambda: "a look at the database failed" in caplog.text)


def test_who_looks_ends_with_what_is_looked_after(own: Database) -> None:
    watch = Watch(lambda: connected(own))
    watch.start(Turns(1))
    assert "orchard-watch" in {thread.name for thread in threading.enumerate()}
    before = sum(thread.name == "orchard-watch" for thread in threading.enumerate())
    del watch
    until(lambda: sum(thread.name == "orchard-watch" for thread in threading.enumerate()) < before)


def test_a_database_that_refuses_is_not_one_that_hangs(own: Database) -> None:
    watch = Watch(lambda: CheckoutConnection.connect("host=127.0.0.1 port=1 connect_timeout=5"))
    connection = connected(own)
    watch.add(connection)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(connection.ask, "SELECT 7 FROM pg_sleep(1)", ())
        waiting_for(connection)
        looked(watch)
        assert slow.result() == [(7,)]
    watch.admit()
    connection.close()


def held_by_somebody(own: Database, watch: Watch, work: Callable[[CheckoutConnection, Any], None]) -> None:
    """While somebody keeps a table, have somebody else wait for it, and `work` with both."""
    connection = connected(own)
    watch.add(connection)
    with ThreadPoolExecutor(1) as pool, own.engine.begin() as keeper:
        keeper.execute(LOCK)
        waiter = pool.submit(connection.ask, "SELECT count(*) FROM merchant", ())
        waiting_for(connection)
        work(connection, waiter)
    connection.close()


def test_a_lock_is_waited_for_in_a_turn(own: Database) -> None:
    turns, watch = Turns(1), Watch(lambda: connected(own))
    watch._turns = turns

    def work(_connection: CheckoutConnection, waiter: Any) -> None:
        looked(watch)
        assert turns.take() is None
        assert not waiter.done()
        assert not watch.is_crowded

    held_by_somebody(own, watch, work)
    looked(watch)
    assert turns.take() is not None


def test_who_gets_no_turn_waits_no_longer_and_next_to_nothing_until_there_is_one(own: Database) -> None:
    turns, watch = Turns(1), own._watch
    watch._turns = turns
    taken = turns.take()
    assert taken is not None

    def work(_connection: CheckoutConnection, waiter: Any) -> None:
        looked(watch)
        assert not waiter.done()
        looked(watch, 2 * LAST_SECONDS)
        with pytest.raises(psycopg.errors.QueryCanceled):
            waiter.result(5)
        looked(watch)
        started = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"):
            own.write(lambda session: session.execute(text("SELECT count(*) FROM merchant")))
        assert time.monotonic() - started < QUICKLY

    held_by_somebody(own, watch, work)
    assert watch.is_crowded
    turns.give_back(taken)
    looked(watch)
    assert not watch.is_crowded
    assert turns.take() is not None


def test_who_gets_no_turn_is_cut_off_from_what_is_no_lock(own: Database) -> None:
    turns, watch = Turns(1), Watch(lambda: connected(own))
    watch._turns = turns
    assert turns.take() is not None
    connection = connected(own)
    watch.add(connection)
    with ThreadPoolExecutor(1) as pool:
        stalled = pool.submit(connection.ask, "SELECT pg_sleep(30)", ())
        waiting_for(connection)
        looked(watch)
        assert not stalled.done()
        looked(watch, 2 * LAST_SECONDS)
        with pytest.raises(psycopg.OperationalError):
            stalled.result(5)
    assert connection.closed
    watch.admit()


def test_what_was_answered_meanwhile_is_not_cut_off(own: Database) -> None:
    watch = Watch(lambda: connected(own))
    connection = connected(own)
    watch.add(connection)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(connection.ask, "SELECT pg_sleep(0.3)", ()).result()
        watch._cut_off({connection: time.monotonic()})
        assert connection.ask("SELECT 7", ()) == [(7,)]
    connection.close()


def test_who_asks_without_a_rest_is_not_slow(own: Database) -> None:
    watch, over = Watch(lambda: connected(own)), threading.Event()
    connection = connected(own)
    watch.add(connection)

    def ask() -> None:
        while not over.is_set():
            connection.ask("SELECT pg_sleep(0.02)", ())

    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask)
        sinces: list[float] = []
        for _ in range(20):
            until(lambda: connection.waits_for is not None)
            sinces += watch._waiting(time.monotonic()).values()
            time.sleep(0.03)
        over.set()
        asking.result()
    assert len(set(sinces)) > 10
    connection.close()


def test_a_connection_of_the_watchs_own_that_was_lost_is_made_anew(own: Database) -> None:
    made: list[CheckoutConnection] = []

    def connect() -> CheckoutConnection:
        made.append(connected(own))
        return made[-1]

    watch = Watch(connect)
    assert watch._answered("SELECT pid FROM pg_stat_activity WHERE pid = ANY($1)", []) == []
    made[0].cut_off()
    assert watch._answered("SELECT pid FROM pg_stat_activity WHERE pid = ANY($1)", []) == []
    assert watch._answered("SELECT pid FROM pg_stat_activity WHERE pid = ANY($1)", [0]) == []
    assert len(made) == 2


def test_where_nobody_counts_turns_a_lock_is_waited_for(own: Database) -> None:
    watch = Watch(lambda: connected(own))

    def work(_connection: CheckoutConnection, waiter: Any) -> None:
        looked(watch)
        assert not waiter.done()

    held_by_somebody(own, watch, work)


def test_a_connection_that_never_comes_is_not_waited_for(silent: int) -> None:
    database = Database(f"postgresql+psycopg://somebody@127.0.0.1:{silent}/nothing")
    started = time.monotonic()
    with pytest.raises(OperationalError, match="does not answer"), database.statements():
        pass
    assert time.monotonic() - started < QUICKLY
    database.watch(Turns(1))
    for _ in range(2):
        with pytest.raises(OperationalError, match="does not answer"), database.reading():
            pass
    assert time.monotonic() - started < 2 * QUICKLY


def test_who_is_in_haste_waits_a_second_for_a_lock(own: Database) -> None:
    with own.engine.begin() as keeper:
        keeper.execute(LOCK)
        started = time.monotonic()
        with pytest.raises(OperationalError, match="lock timeout"):
            own.write(lambda session: session.execute(text("SELECT count(*) FROM merchant")), hastily=True)
        assert 1 <= time.monotonic() - started < QUICKLY


@pytest.fixture
def embedded(migrated_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A SQLite database where somebody writes for as long as the test lasts."""
    database = Database(migrated_database_url("sqlite"))
    keeper = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    keeper.execute("BEGIN IMMEDIATE")
    yield database
    keeper.close()
    database.dispose()


def test_on_sqlite_writers_wait_in_turns(embedded: Database) -> None:
    turns, ran = Turns(1), list[Session]()
    embedded.watch(turns)
    taken = turns.take()
    assert taken is not None
    waited = []
    for is_given_back in (False, False, True):
        if is_given_back:
            turns.give_back(taken)
        started = time.monotonic()
        with pytest.raises(OperationalError, match="locked"):
            embedded.write(ran.append, hastily=is_given_back)
        waited.append(time.monotonic() - started)
    in_vain, crowded, in_turn = waited
    assert in_vain >= LAST_SECONDS
    assert crowded < LAST_SECONDS / 2
    assert in_turn >= HASTY_SECONDS
    assert max(waited) < QUICKLY
    assert turns.take() is not None
    assert ran == []


def test_on_sqlite_a_reader_waits_shortly_for_who_has_the_whole_file(
    migrated_database_url: Callable[[str], str],
) -> None:
    database = Database(migrated_database_url("sqlite"))
    keeper = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    keeper.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(OperationalError, match="locked"), database.reading() as session:
        session.execute(text("SELECT count(*) FROM merchant"))
    assert time.monotonic() - started < QUICKLY
    keeper.close()
    database.dispose()
