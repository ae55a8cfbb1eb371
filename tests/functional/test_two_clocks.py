"""Servers whose clocks differ: what a customer reads stands in the order in which it was booked."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import uuid_utils.compat
from sqlalchemy import update

from service import ids
from service.database.engine import Database
from service.ids import Clock
from service.ledger import proof
from service.ledger.tables import balance_table
from tests.shop import Shop

SECOND = 1_000_000_000


class FastClock(Clock):
    """The clock of a machine that is ahead of this one's."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self._seconds = seconds

    def new_id(self) -> UUID:
        made = super().new_id()
        self.go_past(made)  # within a millisecond, these are made at random
        return made

    def now(self) -> UUID:
        return uuid_utils.compat.uuid7(nanoseconds=time.time_ns() + self._seconds * SECOND)


class Servers:
    """Two of them, one in front of the other by two seconds, of which each serves the next call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.fast, self.slow = FastClock(2), Clock()

    def serve_by(self, clock: Clock) -> None:
        self._monkeypatch.setattr(ids, "_clock", clock)


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    return Servers(monkeypatch)


def test_a_statement_stands_in_the_order_of_booking_and_never_below_zero(shop: Shop, servers: Servers) -> None:
    code = shop.link(shop.program(friend_reward=None))["code"]
    goodwill = {"customer_id": "ana", "direction": "credit", "amount": 70, "currency": "EUR", "note": "Thank you."}
    kinds: list[str] = []
    for number in range(3):
        servers.serve_by(servers.fast)
        order = shop.order(f"f{number}", referral=code)
        shop.balance("ana")
        servers.serve_by(servers.slow)
        redemption = shop.reserve("ana", 1000)
        servers.serve_by(servers.fast)
        shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
        servers.serve_by(servers.slow)
        shop.post("/ledger/adjustments", goodwill)
        shop.refund(order, 100, f"r{number}")
        kinds += ["earned", "ripened", "reserved", "spent", "adjusted", "taken_back"]
    entries = shop.get("/customers/ana/statement?limit=200", scope="checkout")["data"][::-1]
    assert [entry["kind"] for entry in entries] == kinds
    assert min(entry["available_after"] for entry in entries) >= 0
    assert shop.get("/ledger/verification")["problems"] == []


def test_a_clock_that_was_set_back_does_not_send_anybody_away(shop: Shop, servers: Servers) -> None:
    code = shop.link(shop.program(friend_reward=None))["code"]
    for ahead in (3600, 0, 1800):
        servers.serve_by(FastClock(ahead))
        shop.order(referral=code)
        assert shop.post("/conversions/batch", batch(code), status=200)["results"][0]["status"] == 201
    assert shop.available("ana") == 6000


def batch(code: str) -> dict[str, object]:
    name = str(ids.new_id())
    customer = {"customer_id": f"b-{name}"}
    return {"orders": [{"order_id": name, "amount": 5000, "currency": "EUR", "referral": code, "customer": customer}]}


def test_ids_go_on_after_what_was_met_in_all_threads() -> None:
    clock, seen = Clock(), FastClock(5).new_id()
    before = clock.new_id()
    assert clock.go_past(seen)
    assert clock.go_past(before)

    def make(_: int) -> list[UUID]:
        return [clock.new_id() for _ in range(500)]

    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(make, range(8)))
    assert all(one < other for ids_of_one in made for one, other in pairwise([seen, *ids_of_one]))
    every = [one for ids_of_one in made for one in ids_of_one]
    assert len(set(every)) == len(every) == 4_000
    assert {one.version for one in every} == {7}
    assert {one.int >> 80 for one in every} == {seen.int >> 80}, "one by one, until the clock is there"


def test_a_clock_that_was_met_is_followed_for_as_long_as_it_is_ahead() -> None:
    clock = Clock()
    assert clock.go_past(clock.new_id())
    time.sleep(0.005)
    made, now = clock.new_id(), clock.now()
    assert made < now
    assert now.int - made.int < 1 << 84


def test_what_is_no_clocks_time_is_not_followed(shop: Shop, database: Database, caplog: Any) -> None:
    clock = Clock()
    for absurd in (UUID(int=2**128 - 1), FastClock(90_000).new_id()):
        assert not clock.go_past(absurd)
        assert clock.new_id() < absurd
    code = shop.link(shop.program(friend_reward=None))["code"]
    shop.order(referral=code)
    with database.engine.begin() as connection:
        mine = (balance_table.c.merchant_id == shop.merchant_id, balance_table.c.kind == "available")
        shop.available("ana")
        connection.execute(update(balance_table).where(*mine).values(last_id=UUID(int=2**128 - 1)))
    assert shop.call("POST", "/redemptions", {"customer_id": "ana", "amount": 1, "currency": "EUR"}).status_code == 503
    assert "orchard ledger rebuild" in caplog.text
    assert shop.order("another", referral=shop.link(shop.program(), "eve")["code"])["status"] == "attributed"
    assert any("available" in problem for problem in shop.get("/ledger/verification")["problems"])
    database.write(lambda session: proof.rebuild_some_balances(session, shop.merchant_id))
    assert shop.get("/ledger/verification")["problems"] == []
    shop.reserve("ana", 1)
