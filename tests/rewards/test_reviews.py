from typing import Any

import pytest

from tests.shop import Shop


@pytest.fixture
def pending(shop: Shop) -> dict[str, Any]:
    """ana's pending reward of EUR 10."""
    order = shop.order("ben", referral=shop.link(shop.program(hold_days=14, friend_reward=None))["code"])
    return order["rewards"][0]


def review(shop: Shop, reward: dict[str, Any], name: str, *, status: int = 200) -> dict[str, Any]:
    return shop.post(f"/rewards/{reward['reward_id']}/{name}", {"note": "looked at it"}, status=status)


def test_a_denied_reward_is_gone_and_stays_denied(shop: Shop, pending: dict[str, Any]) -> None:
    denied = review(shop, pending, "deny")
    assert (denied["status"], denied["review_note"]) == ("denied", "looked at it")
    assert review(shop, pending, "deny") == denied
    review(shop, pending, "release", status=409)
    assert shop.balance("ana")["pending"] == shop.balance("ana")["earned_total"] == 0


def test_a_released_reward_can_be_spent_at_once(shop: Shop, pending: dict[str, Any]) -> None:
    released = review(shop, pending, "release")
    assert released["status"] == "available"
    assert review(shop, pending, "release") == released
    shop.reserve("ana", 1000)


def test_a_denied_reward_frees_its_place_under_the_cap(shop: Shop) -> None:
    code = shop.link(shop.program(hold_days=14, max_rewards_per_advocate=1))["code"]
    first = shop.order(referral=code)
    assert shop.order(referral=code)["reasons"] == ["cap_reached"]
    review(shop, first["rewards"][0], "deny")
    assert shop.order(referral=code)["status"] == "attributed"


def test_a_review_needs_a_note(shop: Shop, pending: dict[str, Any]) -> None:
    for body in ({}, {"note": ""}, {"note": "  "}, {"note": None}):
        shop.post(f"/rewards/{pending['reward_id']}/deny", body, status=422)


def test_a_reward_that_expires_says_when(shop: Shop) -> None:
    shop.order(referral=shop.link(shop.program(reward_expiry_days=30, friend_reward=None))["code"])
    [reward] = shop.get("/rewards?side=advocate&customer_id=ana")["data"]
    assert reward["expires_at"] > reward["available_at"]
