"""PostgreSQL's driver beneath psycopg's cursors: values as they are, in the order in which they were said."""

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import psycopg
import pytest

from service.database.driver import MOST_KEPT, CheckoutConnection
from service.database.engine import RACES
from service.ids import new_id
from tests.postgres import PostgreSQL

BERLIN = timezone(timedelta(hours=2))


class Colour(StrEnum):
    """Something that is derived from a text."""

    RED = "red"


@pytest.fixture
def driver(postgres: PostgreSQL) -> Iterator[CheckoutConnection]:
    """A connection to a database of two small tables."""
    connection = CheckoutConnection.connect(postgres.url(postgres.create()), options="-c timezone=UTC")
    connection.execute("CREATE TABLE one (name text PRIMARY KEY, amount bigint)")
    connection.execute("CREATE TABLE two (name text REFERENCES one)")
    connection.commit()
    yield connection
    connection.close()


ONE, TWO = "INSERT INTO one (name, amount) VALUES ($1, $2)", "INSERT INTO two (name) VALUES ($1)"
RAISE = "UPDATE one SET amount = amount + $1 WHERE name = $2"
ALL = "SELECT name, amount FROM one ORDER BY name"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", "Zoë 🍎 '; -- \\x00"),
        ("text", ""),
        ("text", Colour.RED),
        ("bigint", 0),
        ("bigint", -(2**63)),
        ("bigint", 2**63 - 1),
        ("boolean", True),
        ("boolean", False),
        ("uuid", UUID(int=7)),
        ("bytea", bytes(range(256))),
        ("bytea", b""),
        ("timestamptz", datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)),
        ("timestamptz", datetime(1, 1, 1, tzinfo=UTC)),
        ("timestamptz", datetime(2026, 3, 1, 12, 30, tzinfo=BERLIN)),
        ("text", None),
    ],
)
def test_a_value_comes_back_as_it_went(driver: CheckoutConnection, kind: str, value: object) -> None:
    assert driver.ask(f"SELECT $1::{kind} AS value, 1", [value]) == [(value, 1)]


def test_what_would_end_in_its_middle_is_refused(driver: CheckoutConnection) -> None:
    with pytest.raises(psycopg.DataError):
        driver.put(ONE, ["a\0b", 1])
    driver.commit()
    assert driver.ask(ALL, []) == ()


def test_what_was_put_is_there_for_whatever_is_asked_next_and_after_the_commit(driver: CheckoutConnection) -> None:
    driver.put(ONE, ["a", 1])
    driver.put(TWO, ["a"])
    assert driver.ask("SELECT name FROM two", []) == [("a",)]
    driver.put(ONE, ["b", 2])
    with driver.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM one").fetchall() == [(2,)]
    driver.put(RAISE, [5, "b"])
    driver.commit()
    driver.rollback()
    assert driver.ask(ALL, []) == [("a", 1), ("b", 7)]


def test_what_was_put_goes_with_its_transaction(driver: CheckoutConnection) -> None:
    driver.put(ONE, ["a", 1])
    driver.rollback()
    driver.commit()
    assert driver.ask(ALL, []) == ()


def test_one_table_is_written_once_in_a_statement(driver: CheckoutConnection) -> None:
    """Of two changes of one row in one statement, PostgreSQL would make one."""
    driver.put(ONE, ["a", 1])
    for _ in range(3):
        driver.put(RAISE, [5, "a"])
    driver.put(TWO, ["a"])
    driver.commit()
    assert driver.ask(ALL, []) == [("a", 16)]


def test_a_fault_of_what_waited_is_raised_by_what_sends_it_and_undoes_it_all(driver: CheckoutConnection) -> None:
    driver.put(ONE, ["a", 1])
    driver.put(TWO, ["nobody"])
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        driver.commit()
    driver.rollback()
    assert driver.ask(ALL, []) == ()


def test_a_transaction_has_the_isolation_that_was_asked_for(driver: CheckoutConnection) -> None:
    level = "SELECT current_setting('transaction_isolation')"
    assert driver.ask(level, []) == [("read committed",)]
    driver.rollback()
    driver.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    assert driver.ask(level, []) == [("repeatable read",)]


def test_by_itself_each_statement_is_a_transaction(driver: CheckoutConnection) -> None:
    driver.autocommit = True
    driver.ask("SELECT 1", [])
    assert driver.pgconn.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_statements_stay_prepared_through_transactions(driver: CheckoutConnection) -> None:
    def prepared() -> int:
        with driver.cursor() as cursor:
            rows = cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'checkout%'")
            return int(rows.fetchall()[0][0])

    for end in (driver.rollback, driver.commit) * 3:
        driver.ask("SELECT $1::int", [1])
        end()
    assert prepared() == 1
    for number in range(MOST_KEPT + 10):
        driver.ask(f"SELECT {number}", [])
    assert prepared() == MOST_KEPT
    assert driver.ask("SELECT $1::int", [2]) == [(2,)]


def test_the_statements_that_are_used_stay(driver: CheckoutConnection) -> None:
    driver.ask(ALL, [])
    for number in range(MOST_KEPT * 2):
        driver.ask(f"SELECT {number}", [])
        if number % 100 == 0:
            driver.ask(ALL, [])
    kept = "SELECT count(*) FROM pg_prepared_statements WHERE statement = $1 AND generic_plans + custom_plans > 5"
    assert driver.ask(kept, [ALL]) == [(1,)]


def test_inserts_travel_as_one_statement(driver: CheckoutConnection) -> None:
    driver.put(ONE, ["a", 1])
    driver.put(TWO, ["a"])
    driver.commit()
    sent = "SELECT statement FROM pg_prepared_statements WHERE name LIKE 'checkout%' ORDER BY statement"
    assert [text for (text,) in driver.ask(sent, []) if "INTO" in text] == [
        f"WITH part_0 AS ({ONE}) INSERT INTO two (name) VALUES ($3)"
    ]


def let_go(driver: CheckoutConnection) -> None:
    """All that was prepared is gone."""
    with driver.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")


def change_types(driver: CheckoutConnection) -> None:
    """What was prepared would answer otherwise."""
    with driver.cursor() as cursor:
        cursor.execute("ALTER TABLE one ALTER COLUMN amount TYPE numeric")


@pytest.mark.parametrize("happens", [let_go, change_types])
@pytest.mark.parametrize("autocommit", [False, True])
def test_statements_that_became_stale_are_prepared_again(
    driver: CheckoutConnection, happens: Callable[[CheckoutConnection], None], *, autocommit: bool
) -> None:
    driver.put(ONE, ["a", 1])
    driver.commit()
    driver.autocommit = autocommit
    assert driver.ask(ALL, []) == [("a", 1)]
    driver.rollback()
    happens(driver)
    driver.commit()
    assert driver.ask(ALL, []) == [("a", 1)]


@pytest.mark.parametrize("happens", [let_go, change_types])
def test_amid_a_transaction_its_whole_work_is_to_be_done_again(
    driver: CheckoutConnection, happens: Callable[[CheckoutConnection], None]
) -> None:
    driver.ask(ALL, [])
    happens(driver)
    with pytest.raises(psycopg.Error) as stale:
        driver.ask(ALL, [])
    assert stale.value.sqlstate in RACES
    driver.rollback()
    assert driver.ask(ALL, []) == ()


@pytest.mark.parametrize("value", [1.5, Decimal(1), date(2026, 3, 1), ["a"], object()])
def test_what_is_no_value_is_refused(driver: CheckoutConnection, value: object) -> None:
    with pytest.raises(psycopg.DataError):
        driver.ask("SELECT $1::text", [value])


def test_only_what_writes_can_wait(driver: CheckoutConnection) -> None:
    with pytest.raises(ValueError, match="DELETE"):
        driver.put("DELETE FROM one", [])


def test_a_connection_that_was_cut_says_so(driver: CheckoutConnection, postgres: PostgreSQL) -> None:
    ((pid,),) = driver.ask("SELECT pg_backend_pid()", [])
    postgres.psql(f"SELECT pg_terminate_backend({pid});")
    with pytest.raises(psycopg.OperationalError):
        driver.ask("SELECT 1", [])
    assert driver.closed


def test_random_histories_are_as_if_each_step_was_taken_at_once(driver: CheckoutConnection) -> None:
    """Whatever is put and asked in whatever order: the rows are what one statement after the other makes of them."""
    chance = random.Random(7)
    for _ in range(60):
        expected: dict[str, int] = {}
        driver.execute("DELETE FROM two")
        driver.execute("DELETE FROM one")
        for _ in range(chance.randrange(1, 12)):
            _step(driver, chance, expected)
        driver.commit()
        assert driver.ask(ALL, []) == (sorted(expected.items()) or ())
        driver.commit()


def _step(driver: CheckoutConnection, chance: random.Random, expected: dict[str, int]) -> None:
    steps: dict[str, Callable[[], Any]] = {
        "add": lambda: driver.put(ONE, [name, 1]),
        "raise": lambda: driver.put(RAISE, [10, name]),
        "refer": lambda: driver.put(TWO, [name]),
        "ask": lambda: driver.ask("SELECT amount FROM one WHERE name = $1", [name]),
    }
    name = new_id().hex if not expected or chance.random() < 1 / math.e else chance.choice(list(expected))
    step = "add" if name not in expected else chance.choice(["raise", "refer", "ask"])
    answer = steps[step]()
    expected[name] = expected.get(name, 0) + {"add": 1, "raise": 10}.get(step, 0)
    if step == "ask":
        assert answer == [(expected[name],)]
