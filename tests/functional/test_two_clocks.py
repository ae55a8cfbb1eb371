"""Servers whose clocks differ: what a customer reads stands in the order in which it was booked."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import UUID

import pytest

from service import ids
from service.ids import Clock
from tests.shop import Shop

SECOND = 1_000_000_000


class Servers:
    """Two of them, one in front of the other by two seconds, of which each serves the next call."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.fast, self.slow = Clock(ahead=2 * SECOND), Clock()

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
        servers.serve_by(Clock(ahead=ahead * SECOND))
        shop.order(referral=code)
        assert shop.post("/conversions/batch", batch(code), status=200)["results"][0]["status"] == 201
    assert shop.available("ana") == 6000


def batch(code: str) -> dict[str, object]:
    name = str(ids.new_id())
    customer = {"customer_id": f"b-{name}"}
    return {"orders": [{"order_id": name, "amount": 5000, "currency": "EUR", "referral": code, "customer": customer}]}


def test_ids_of_a_clock_that_went_ahead_grow_in_all_threads() -> None:
    clock, other = Clock(), Clock(ahead=5 * SECOND)
    seen = other.new_id()
    first = clock.new_id()
    clock.go_past(seen)
    clock.go_past(first)
    made: list[UUID] = [clock.new_id()]
    assert made[0] > max(seen, first)
    lock = threading.Lock()

    def make(_: int) -> None:
        with lock:
            made.append(clock.new_id())

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(make, range(2_000)))
    assert all(one < other for one, other in pairwise(made))
    assert {one.version for one in made} == {7}
    assert made[-1].int >> 80 < (other.new_id().int >> 80) + 1_000
