"""A database that hangs, and a lock that somebody keeps: who waits, for how long, and who is served meanwhile."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.functional.conftest import CommandLine
from tests.postgres import PostgreSQL, running
from tests.serving import Server, children_of, serving
from tests.shop import BROWSER, Shop, over_network

LONGEST_SECONDS = 2
"""What nobody waits longer for: a link, a sign of life, and 503."""

LONGEST_LOCKED_SECONDS = 2.5
"""The same while somebody keeps a lock: one order is waited with for as long as a deadlock takes to be seen."""

HELD_SECONDS = 6


def order(shop: Shop, name: str, customer: str) -> Any:
    """Report an order; the response."""
    body = {"order_id": name, "amount": 5000, "currency": "EUR", "customer": {"customer_id": customer}}
    return shop.call("POST", "/conversions", body, scope="checkout")


@contextmanager
def stopped(server: PostgreSQL) -> Iterator[None]:
    """All of its processes stand still, as on a machine that swaps itself to death."""
    leader = int((server.folder / "postmaster.pid").read_text().split()[0])
    processes = [leader, *children_of(leader)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


class Timed:
    """Answers to the same requests again and again, with how long each took."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.statuses: set[int] = set()

    def ask(self, url: str) -> requests.Response:
        """One of them."""
        started = time.monotonic()
        answer = requests.get(url, timeout=30, allow_redirects=False, headers={"User-Agent": BROWSER})
        self.longest = max(self.longest, time.monotonic() - started)
        self.statuses.add(answer.status_code)
        return answer


def opened(database_url: str, folder: Path, server: Server) -> tuple[Shop, dict[str, Any]]:
    """A shop, and a link that was followed by way of each worker."""
    made = CommandLine(database_url, folder).merchant()
    shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
    link = shop.link(shop.program())
    for number in range(12):
        assert shop.follow(link).status_code == 302
        assert shop.follow({"url": link["short_url"]}).status_code == 302
        assert order(shop, f"before-{number}", "bob").status_code == 201
    return shop, link


def test_a_database_that_hangs_costs_a_second_and_friends_arrive(tmp_path: Path) -> None:
    with running() as postgres:
        orchard = CommandLine(postgres.url(postgres.create()), tmp_path)
        orchard("db", "upgrade")
        with serving(orchard.database_url, tmp_path, workers=3) as server:
            shop, link = opened(orchard.database_url, tmp_path, server)
            lives, friends = Timed(), Timed()
            with stopped(postgres), ThreadPoolExecutor(6) as buyers:
                orders = [buyers.submit(order, shop, f"during-{number}", f"c-{number}") for number in range(30)]
                until = time.monotonic() + 4
                while time.monotonic() < until:
                    lives.ask(f"{server.base_url}/livez")
                    for way in (link["url"], link["short_url"]):
                        assert "referral=" in friends.ask(way).headers["Location"]
                assert requests.get(f"{server.base_url}/readyz", timeout=30).status_code == 503
                assert {each.result().status_code for each in orders} == {503}
            assert (lives.statuses, friends.statuses) == ({200}, {302})
            assert lives.longest < LONGEST_SECONDS
            assert friends.longest < LONGEST_SECONDS
            for number in range(30):
                until = time.monotonic() + 10
                while order(shop, f"during-{number}", f"c-{number}").status_code not in (200, 201):
                    assert time.monotonic() < until
            assert shop.get("/ledger/verification")["problems"] == []


@contextmanager
def held(database_url: str, customer: str) -> Iterator[None]:
    """Somebody keeps what an order of this customer needs."""
    if database_url.startswith("sqlite"):
        keeper: Any = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)
        keeper.execute("BEGIN IMMEDIATE")
    else:
        keeper = psycopg.connect(database_url.replace("+psycopg", ""))
        keeper.execute("SELECT * FROM customer WHERE customer_id = %s FOR UPDATE", [customer])
    try:
        yield
    finally:
        keeper.close()


def test_a_lock_that_somebody_keeps_does_not_take_all_workers(
    backend: str, orchard: CommandLine, tmp_path: Path
) -> None:
    with serving(orchard.database_url, tmp_path, workers=3) as server:
        shop, link = opened(orchard.database_url, tmp_path, server)
        lives, friends, others = Timed(), Timed(), set[int]()
        with ThreadPoolExecutor(12) as buyers:
            with held(orchard.database_url, "bob"):
                orders = [buyers.submit(order, shop, f"during-{number}", "bob") for number in range(60)]
                until = time.monotonic() + HELD_SECONDS
                while time.monotonic() < until:
                    lives.ask(f"{server.base_url}/livez")
                    friends.ask(link["url"])
                    if backend == "postgresql":
                        others.add(order(shop, f"other-{time.monotonic_ns()}", "eve").status_code)
            statuses = {each.result().status_code for each in orders}
        assert statuses == {201, 503}
        assert others <= {201, 503}
        assert 201 in others or backend == "sqlite"
        assert (lives.statuses, friends.statuses) == ({200}, {302})
        assert lives.longest < LONGEST_LOCKED_SECONDS
        assert friends.longest < LONGEST_LOCKED_SECONDS
        assert {order(shop, f"during-{number}", "bob").status_code for number in range(60)} <= {200, 201}
        assert shop.get("/ledger/verification")["problems"] == []
