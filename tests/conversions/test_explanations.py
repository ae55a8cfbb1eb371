"""Explanations are true of the order as it stands now."""

from typing import Any

import pytest

from tests.shop import Shop


def explained(shop: Shop, order: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = shop.get(f"/conversions/{order['conversion_id']}/explanation", scope="checkout")
    return answer


@pytest.fixture
def order(shop: Shop) -> dict[str, Any]:
    """ben's, by ana's link: both earn EUR 10, pending."""
    return shop.order("ben", referral=shop.link(shop.program(hold_days=14))["code"])


def test_what_is_pending_is_on_its_way(shop: Shop, order: dict[str, Any]) -> None:
    said = explained(shop, order)
    assert said["customer_text"].endswith("The reward is on its way.")
    assert "The advocate's reward of 1000 is pending." in said["staff_text"]


def test_what_is_ripe_has_arrived(shop: Shop) -> None:
    ripe = shop.order("ben", referral=shop.link(shop.program())["code"])
    assert explained(shop, ripe)["customer_text"].endswith("The reward has arrived.")


def test_a_refund_is_told(shop: Shop, order: dict[str, Any]) -> None:
    shop.refund(order, 2500, "r-1")
    said = explained(shop, order)
    assert "2500 of 5000 was refunded (minor units)." in said["staff_text"]
    assert "is pending, 500 of it was taken back." in said["staff_text"]
    shop.refund(order, 2500, "r-2")
    assert "As the order was given back, its reward was too." in explained(shop, order)["customer_text"]


def test_a_void_is_told_with_its_reason_and_no_reason_of_before(shop: Shop) -> None:
    code = shop.link(shop.program())["code"]
    declined = shop.order("ana", referral=code)
    shop.post(f"/conversions/{declined['conversion_id']}/void", {"reason": "test"}, status=200)
    said = explained(shop, declined)
    assert said["staff_text"] == "The order was voided (test): it earns nothing."
    assert said["customer_text"] == "This order was cancelled, so there is no reward for it."


def test_a_denial_is_told_kindly(shop: Shop, order: dict[str, Any]) -> None:
    for reward in order["rewards"]:
        shop.post(f"/rewards/{reward['reward_id']}/deny", {"note": "stolen card"}, status=200)
    said = explained(shop, order)
    assert "Sorry, we looked at this referral again" in said["customer_text"]
    assert "stolen" not in said["customer_text"]


def test_a_late_attribution_is_told_with_its_note(shop: Shop) -> None:
    code = shop.link(shop.program())["code"]
    late = shop.order("ben")
    body = {"referral": code, "note": "the friend called"}
    shop.post(f"/conversions/{late['conversion_id']}/attribution", body, status=200)
    assert "later: the friend called." in explained(shop, late)["staff_text"]
