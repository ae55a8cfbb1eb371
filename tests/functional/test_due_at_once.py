"""A thousand rewards that fall due at one moment, on PostgreSQL, while shops go on: no error, and no long step."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.books import audit
from service.conversions import conversions
from service.conversions.orders import Order
from service.customers.contacts import Contact
from service.database.engine import Database
from service.merchants import keys
from service.rewards import upkeep
from service.tokens import TokenSigner
from tests.functional.conftest import CommandLine
from tests.serving import SECRET, Server, serving
from tests.shop import Shop, over_network

LONG_AGO = datetime.now(UTC) - timedelta(days=10)
SIGNER = TokenSigner([SECRET])


@pytest.fixture(scope="module")
def url(migrated_database_url: Callable[[str], str]) -> str:
    return migrated_database_url("postgresql")


@pytest.fixture(scope="module")
def server(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(url, tmp_path_factory.mktemp("due")) as running:
        yield running


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def shop(server: Server, database: Database) -> Shop:
    now = datetime.now(UTC)
    merchant, made = database.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=now))
    return Shop(over_network(server.base_url), made, merchant.merchant_id)


def orders_of_long_ago(database: Database, shop: Shop, code: str, *, count: int, prefix: str = "") -> None:
    """Orders whose rewards are all due by now: each ripened, and where they expire each lapsed."""

    def record(session: Any) -> None:
        for number in range(count):
            placed = LONG_AGO + timedelta(seconds=number)
            order = Order(f"{prefix}{number}", 5000, "EUR", Contact(f"{prefix}f{number}"), code, placed)
            conversions.record(session, SIGNER, shop.merchant_id, order, now=datetime.now(UTC))

    database.write(record)


def deadlocks(database: Database) -> int:
    """How many deadlocks the server has had to break in this database."""
    with database.statements() as connection:
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
        found = connection.exec_driver_sql(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        ).scalar_one()
    return int(found)


def report_of(database: Database, shop: Shop) -> audit.Report:
    """What a proof of the shop's books finds."""
    with database.reading() as session:
        return audit.verify(session, shop.merchant_id)


def longest_step(database: Database) -> int:
    """How many ripenings and lapses one database transaction has booked at most: how long others wait for its locks."""
    with database.statements() as connection:
        found = connection.exec_driver_sql(
            "SELECT max(booked) FROM (SELECT count(*) AS booked FROM txn"
            " WHERE event IN ('ripened', 'lapsed') GROUP BY xmin::text) AS step"
        ).scalar_one()
    return int(found)


def test_a_thousand_rewards_of_one_fall_due_in_steps(database: Database, shop: Shop) -> None:
    code = shop.link(shop.program(friend_reward=None, hold_days=1, reward_expiry_days=5))["code"]
    orders_of_long_ago(database, shop, code, count=1_000)
    balance = shop.balance("ana")
    assert (balance["pending"], balance["available"], balance["earned_total"]) == (0, 0, 1_000_000)
    assert longest_step(database) <= 2 * upkeep.STEP
    report = report_of(database, shop)
    assert (report.problems, report.transactions) == ([], 3_000)


def test_what_changes_something_lets_go_of_its_locks_between_steps_too(database: Database, shop: Shop) -> None:
    code = shop.link(shop.program(friend_reward=None, hold_days=1))["code"]
    orders_of_long_ago(database, shop, code, count=3 * upkeep.STEP, prefix="spent-")
    shop.reserve("ana", 10)
    assert longest_step(database) <= 2 * upkeep.STEP
    assert shop.balance("ana")["pending"] == 0


def test_eight_whose_rewards_lapse_at_one_moment_look_at_once(database: Database, shop: Shop) -> None:
    program = shop.program(friend_reward=None, hold_days=1, reward_expiry_days=5, rewarded_orders=None)
    names = [f"lapsing-{number}" for number in range(8)]
    for name in names:
        orders_of_long_ago(database, shop, shop.link(program, name)["code"], count=60, prefix=f"{name}-")
    before = deadlocks(database)
    with ThreadPoolExecutor(len(names)) as threads:
        found = list(threads.map(shop.balance, names))
    assert [(balance["pending"], balance["available"]) for balance in found] == [(0, 0)] * len(names)
    assert deadlocks(database) == before


def test_a_thousand_rewards_of_many_fall_due_while_shops_go_on(
    database: Database, shop: Shop, url: str, tmp_path: Path
) -> None:
    program = shop.program(hold_days=1, reward_expiry_days=5, rewarded_orders=None)
    codes = [shop.link(program, f"advocate-{number}")["code"] for number in range(40)]
    for number, code in enumerate(codes):
        orders_of_long_ago(database, shop, code, count=25, prefix=f"{number}-")
    before, over, faults = deadlocks(database), threading.Event(), []

    def trade(trader: int) -> None:
        number = 0
        while not over.is_set():
            number += 1
            advocate = (7 * number + trader) % len(codes)
            asked: list[Callable[[], Any]] = [
                partial(shop.order, f"new-{trader}-{number}", referral=codes[advocate]),
                partial(shop.balance, f"{advocate}-f{number % 25}"),
                partial(_refund_one, shop, f"{advocate}-{number % 25}", f"{trader}-{number}"),
            ]
            for ask in asked:
                try:
                    ask()
                except AssertionError as error:
                    faults.append(str(error)[:300])

    with ThreadPoolExecutor(6) as pool:
        traders = [pool.submit(trade, trader) for trader in range(4)]
        time.sleep(0.3)
        workers = [pool.submit(CommandLine(url, tmp_path), "worker", "--once") for _ in range(2)]
        for worker_run in workers:
            worker_run.result()
        over.set()
        for one in traders:
            one.result()
    assert faults == []
    assert deadlocks(database) == before
    assert longest_step(database) <= 2 * upkeep.STEP
    assert report_of(database, shop).problems == []


def _refund_one(shop: Shop, order_id: str, refund_id: str) -> None:
    [conversion] = shop.get(f"/conversions?order_id={order_id}", scope="checkout")["data"]
    shop.refund(conversion, 10, refund_id)
