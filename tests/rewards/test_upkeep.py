"""What time does is the same in one step and in many, also where much falls due at one moment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine

from service.database.engine import Database
from service.rewards import upkeep
from tests.shop import Shop

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def told(shop: Shop, steps_of: int, monkeypatch: pytest.MonkeyPatch, *, apart: timedelta) -> Any:
    """A story of seven rewards, some of which were spent, looked at long after; what became of each."""
    monkeypatch.setattr(upkeep, "STEP", steps_of)
    with time_machine.travel(START, tick=False) as clock:
        code = shop.link(shop.program(friend_reward=None, hold_days=1, reward_expiry_days=5))["code"]
        for number in range(7):
            placed = (START + number * apart).isoformat()
            shop.order(f"f{number}", order_id=f"o{number}", referral=code, ordered_at=placed)
        clock.move_to(START + timedelta(days=2))
        spent = shop.reserve("ana", 2500)
        shop.post(f"/redemptions/{spent['redemption_id']}/capture", {}, status=200)
        shop.reserve("ana", 700)  # nobody settles it
        clock.move_to(START + timedelta(days=30))
        balance = shop.balance("ana")
        rewards = shop.get("/rewards")["data"]
        assert shop.get("/ledger/verification")["problems"] == []
        entries = shop.get("/customers/ana/statement?limit=200", scope="checkout")["data"]
    lapsed = sorted(entry["amount"] for entry in entries if entry["kind"] == "lapsed")
    return balance, [reward["status"] for reward in rewards], lapsed


@pytest.mark.parametrize("apart", [timedelta(0), timedelta(minutes=1)])
@pytest.mark.parametrize("steps_of", [1, 2, 3, 7])
def test_many_steps_end_where_one_does(
    new_shop: Callable[[], Shop], monkeypatch: pytest.MonkeyPatch, steps_of: int, apart: timedelta
) -> None:
    in_one = told(new_shop(), 1000, monkeypatch, apart=apart)
    assert told(new_shop(), steps_of, monkeypatch, apart=apart) == in_one
    assert in_one[0]["pending"] == in_one[0]["available"] == 0


def test_a_step_that_ends_exactly_now_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "STEP", 2)
    with time_machine.travel(START, tick=False) as clock:
        code = shop.link(shop.program(friend_reward=None, hold_days=1))["code"]
        for number in range(3):
            shop.order(f"f{number}", referral=code)
        clock.move_to(START + timedelta(days=1))
        assert (shop.balance("ana")["pending"], shop.balance("ana")["available"]) == (0, 3000)


def test_who_asks_waits_for_so_much_and_no_more_and_what_was_done_stays_done(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "STEP", 1)
    monkeypatch.setattr(upkeep, "MOST_STEPS", 2)
    with time_machine.travel(START, tick=False) as clock:
        code = shop.link(shop.program(friend_reward=None, hold_days=1))["code"]
        orders = [
            shop.order(f"f{number}", referral=code, ordered_at=(START + number * timedelta(minutes=1)).isoformat())
            for number in range(7)
        ]
        clock.move_to(START + timedelta(days=2))
        asked: list[Callable[[], Any]] = [
            lambda: shop.call("GET", "/customers/ana/balance", scope="checkout"),
            lambda: shop.call("POST", "/redemptions", {"customer_id": "ana", "amount": 1, "currency": "EUR"}),
            lambda: shop.call("POST", f"/conversions/{orders[0]['conversion_id']}/void", {"reason": "cancelled"}),
        ]
        for ask in asked:
            answer = ask()
            assert (answer.status_code, answer.json["type"]) == (503, "/docs/problems#catching-up")
            assert int(answer.headers["Retry-After"]) > 0
        assert shop.order("another", referral=code)["status"] == "attributed"
        assert [ask().status_code for ask in asked] == [200, 201, 200]
        assert shop.get("/ledger/verification")["problems"] == []


def test_a_worker_passes_over_who_got_another_name_meanwhile(
    shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = upkeep._customers_with_due

    def with_a_ghost(database: Database, now: datetime) -> set[tuple[UUID, str]]:
        return {*really(database, now), (shop.merchant_id, "a-ghost")}

    monkeypatch.setattr(upkeep, "_customers_with_due", with_a_ghost)
    with time_machine.travel(START, tick=False) as clock:
        shop.order(referral=shop.link(shop.program(friend_reward=None, hold_days=1))["code"])
        clock.move_to(START + timedelta(days=2))
        assert upkeep.catch_up_everybody(database, datetime.now(UTC)) == 1
        assert shop.available("ana") == 1000


def test_a_worker_goes_on_until_all_is_done(shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "STEP", 1)
    monkeypatch.setattr(upkeep, "MOST_STEPS", 2)
    with time_machine.travel(START, tick=False) as clock:
        code = shop.link(shop.program(friend_reward=None, hold_days=1))["code"]
        for number in range(7):
            shop.order(f"f{number}", referral=code, ordered_at=(START + number * timedelta(minutes=1)).isoformat())
        clock.move_to(START + timedelta(days=2))
        upkeep.catch_up_everybody(database, datetime.now(UTC))
        assert shop.available("ana") == 7000
