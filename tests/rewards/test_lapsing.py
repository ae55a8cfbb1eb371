from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from service.books import audit
from service.database.engine import Database
from service.ledger import proof
from tests.shop import Shop

START = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=True) as clock:
        yield clock


@pytest.fixture
def code(shop: Shop, clock: Any) -> str:
    """Ana's code in a program whose rewards of EUR 10 are ripe at once and lapse after ten days."""
    return shop.link(shop.program(friend_reward=None, reward_expiry_days=10))["code"]


def spend(shop: Shop, amount: int) -> None:
    shop.post(f"/redemptions/{shop.reserve('ana', amount)['redemption_id']}/capture", status=200)


def statuses(shop: Shop) -> list[tuple[str, str]]:
    shop.balance("ana")
    return [(reward["status"], reward["conversion_id"]) for reward in shop.get("/rewards")["data"]]


def test_what_was_not_used_in_time_lapses_and_is_the_shops_again(shop: Shop, code: str, clock: Any) -> None:
    order = shop.order(referral=code)
    clock.shift(10 * DAY - timedelta(minutes=1))
    assert shop.available("ana") == 1000
    clock.shift(timedelta(minutes=1))
    assert shop.available("ana") == 0
    assert statuses(shop) == [("lapsed", order["conversion_id"])]
    shop.reserve("ana", 1, status=409)
    [lapsed] = [e for e in shop.get("/customers/ana/statement")["data"] if e["kind"] == "lapsed"]
    assert (lapsed["amount"], lapsed["order_id"]) == (-1000, order["order_id"])
    assert {(x["account"], x["credit"]) for x in shop.get("/ledger/trial-balance")["accounts"] if x["credit"]} == {
        ("income:lapsed", 1000)
    }


def test_what_expires_first_is_spent_first(shop: Shop, code: str, clock: Any) -> None:
    shop.order(referral=code)
    clock.shift(5 * DAY)
    shop.order(referral=code)
    spend(shop, 700)
    clock.shift(5 * DAY)
    assert shop.available("ana") == 1000
    clock.shift(5 * DAY)
    assert shop.available("ana") == 0


def test_a_reward_that_was_spent_in_full_does_not_lapse(shop: Shop, code: str, clock: Any) -> None:
    shop.order(referral=code)
    spend(shop, 1000)
    clock.shift(11 * DAY)
    assert [status for status, _ in statuses(shop)] == ["available"]
    assert shop.balance("ana")["spent_total"] == 1000


def test_time_is_booked_in_its_order_whenever_somebody_looks(shop: Shop, code: str, clock: Any) -> None:
    shop.order(referral=code)
    clock.shift(10 * DAY - timedelta(minutes=30))
    shop.reserve("ana", 400)
    clock.shift(DAY)
    assert shop.available("ana") == 400  # 600 lapsed while 400 was set aside, and came back later


def test_a_refund_after_the_lapse_takes_back_what_lapsed_first(
    shop: Shop, code: str, clock: Any, database: Database
) -> None:
    order = shop.order(referral=code)
    spend(shop, 300)
    clock.shift(10 * DAY)
    assert shop.available("ana") == 0
    shop.refund(order, 2500, "r-1")
    assert shop.balance("ana")["owed"] == 0
    shop.refund(order, 2500, "r-2")
    assert shop.balance("ana")["owed"] == 300
    assert [status for status, _ in statuses(shop)] == ["reversed"]
    totals = {x["account"]: x["debit"] - x["credit"] for x in shop.get("/ledger/trial-balance")["accounts"]}
    assert totals == {
        "available": 0,
        "expense:rewards": 0,
        "income:lapsed": 0,
        "owed": 300,
        "pending": 0,
        "reserved": 0,
        "settled": -300,
    }
    with database.reading() as session:
        assert list(proof.Verification(session, shop.merchant_id).problems()) == []
        assert list(audit.problems(session, shop.merchant_id)) == []


def test_goodwill_does_not_lapse_with_a_reward(shop: Shop, code: str, clock: Any) -> None:
    shop.order(referral=code)
    goodwill = {"customer_id": "ana", "direction": "credit", "amount": 500, "currency": "EUR", "note": "Thank you."}
    shop.post("/ledger/adjustments", goodwill)
    spend(shop, 700)
    clock.shift(11 * DAY)
    assert shop.available("ana") == 500  # of the reward 300 was left, and lapsed
    assert shop.get("/ledger/verification")["problems"] == []


def test_goodwill_that_was_corrected_keeps_no_reward_from_lapsing(shop: Shop, code: str, clock: Any) -> None:
    change = {"customer_id": "ana", "amount": 1000, "currency": "EUR", "note": "A typing error."}
    shop.order(referral=code)
    for direction in ("credit", "debit"):
        shop.post("/ledger/adjustments", {**change, "direction": direction})
    clock.shift(11 * DAY)
    assert shop.available("ana") == 0


def test_what_an_order_earned_by_a_later_step_lapses_and_keeps_nothing_else_from_it(
    shop: Shop, clock: Any, code: str
) -> None:
    late = shop.order("ben")
    given = {"referral": code, "note": "called"}
    shop.post(f"/conversions/{late['conversion_id']}/attribution", given, status=200)
    clock.shift(5 * DAY)
    shop.order("cleo", referral=code)
    assert shop.available("ana") == 2000
    clock.shift(6 * DAY)
    assert shop.available("ana") == 1000
    clock.shift(5 * DAY)
    assert shop.available("ana") == 0
