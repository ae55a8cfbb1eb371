"""Redemptions by order: one for each, its list, longer reservations, and credit that is returned."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.shop import Shop

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def credit(shop: Shop) -> None:
    """ana and eve have EUR 10 each."""
    for name in ("ana", "eve"):
        shop.order(referral=shop.link(shop.program(friend_reward=None), name)["code"])


def reserve(shop: Shop, who: str = "ana", *, status: int = 201, **said: Any) -> dict[str, Any]:
    body = {"customer_id": who, "amount": 400, "currency": "EUR", "order_id": "o-1", **said}
    answer: dict[str, Any] = shop.post("/redemptions", body, status=status, scope="checkout")
    return answer


def step(shop: Shop, redemption: dict[str, Any], name: str, body: Any = None, *, status: int = 200) -> Any:
    return shop.post(f"/redemptions/{redemption['redemption_id']}/{name}", body or {}, status=status, scope="checkout")


def test_an_order_has_one_redemption(shop: Shop) -> None:
    first = reserve(shop)
    assert reserve(shop, status=200) == first
    assert shop.available("ana") == 600
    for other, field in (({"amount": 300}, "amount"), ({"who": "eve"}, "customer_id")):
        problem = reserve(shop, status=409, **other)
        assert problem["type"].endswith("#redemption-contradicted")
        assert first["redemption_id"] in problem["detail"]
        assert [fault["field"] for fault in problem["errors"]] == [field]
    assert shop.available("eve") == 1000


def test_once_it_was_voided_the_order_can_be_paid_again(shop: Shop) -> None:
    first = reserve(shop)
    step(shop, first, "void")
    second = reserve(shop, "eve")
    step(shop, second, "capture")
    assert reserve(shop, "eve", status=200)["status"] == "captured"
    listed = shop.get("/redemptions?order_id=o-1", scope="marketing")["data"]
    assert [one["redemption_id"] for one in listed] == [second["redemption_id"], first["redemption_id"]]
    assert [one["customer_id"] for one in shop.get("/redemptions?status=voided")["data"]] == ["ana"]
    assert shop.get("/redemptions?customer_id=eve&status=captured")["data"] == [listed[0]]


def test_what_is_captured_can_be_returned_in_parts_and_never_more(shop: Shop) -> None:
    redemption = reserve(shop)
    problem = step(shop, redemption, "returns", {"return_id": "b-1", "amount": 100}, status=409)
    assert problem["type"].endswith("#nothing-captured")
    step(shop, redemption, "capture")
    given = step(shop, redemption, "returns", {"return_id": "b-1", "amount": 100}, status=201)
    assert (given["captured_amount"], given["returned_amount"]) == (400, 100)
    assert step(shop, redemption, "returns", {"return_id": "b-1", "amount": 100}) == given
    assert step(shop, redemption, "returns", {"return_id": "b-1", "amount": 99}, status=409)["type"].endswith(
        "#return-contradicted"
    )
    problem = step(shop, redemption, "returns", {"return_id": "b-2", "amount": 301}, status=422)
    assert "Only 300" in problem["errors"][0]["message"]
    step(shop, redemption, "returns", {"return_id": "b-2", "amount": 300}, status=201)
    assert (shop.available("ana"), shop.balance("ana")["spent_total"]) == (1000, 0)
    newest = shop.get("/customers/ana/statement")["data"][0]
    assert (newest["kind"], newest["order_id"], newest["amount"]) == ("returned", "o-1", 300)


def test_a_return_pays_a_debt_first(shop: Shop) -> None:
    order = shop.order("fay", referral=shop.link(shop.program(friend_reward=None), "gus")["code"])
    redemption = reserve(shop, "gus", amount=1000)
    step(shop, redemption, "capture")
    shop.refund(order, 5000, "r-1")
    step(shop, redemption, "returns", {"return_id": "b-1", "amount": 1000}, status=201)
    assert {name: shop.balance("gus")[name] for name in ("available", "owed")} == {"available": 0, "owed": 0}


def test_a_reservation_lasts_as_long_as_is_asked(shop: Shop) -> None:
    redemption = reserve(shop, expires_in=86_400 * 30)
    lasts = datetime.fromisoformat(redemption["expires_at"]) - datetime.fromisoformat(redemption["created_at"])
    assert lasts == timedelta(days=30)
    shorter = step(shop, redemption, "extend", {"expires_in": 60})
    assert shorter["expires_at"] < redemption["expires_at"]
    reserve(shop, "eve", order_id="o-2", expires_in=86_400 * 30 + 1, status=422)
    step(shop, redemption, "extend", {"expires_in": 0}, status=422)
    step(shop, redemption, "void")
    assert step(shop, redemption, "extend", {"expires_in": 60}, status=409)["type"].endswith("#redemption-settled")


@pytest.mark.parametrize(("days", "left"), [(5, 0), (20, 800)])
def test_what_was_returned_does_not_lapse_before_thirty_days(shop: Shop, days: int, left: int) -> None:
    with time_machine.travel(NOW, tick=True) as clock:
        program = shop.program(friend_reward=None, hold_days=0, reward_expiry_days=40)
        code = shop.link(program, "hal")["code"]
        shop.order(referral=code)
        redemption = reserve(shop, "hal", amount=1000, order_id="o-9")
        step(shop, redemption, "capture")
        clock.shift(timedelta(days=days))
        step(shop, redemption, "returns", {"return_id": "b-1", "amount": 800}, status=201)
        clock.shift(timedelta(days=41 - days))
        assert shop.available("hal") == left


def test_metadata_is_given_back(shop: Shop) -> None:
    redemption = reserve(shop, metadata={"till": "7"})
    assert redemption["metadata"] == {"till": "7"}
    for bad in ({"a": 1}, {"a" * 41: "x"}, {"a": "x" * 501}, {str(n): "x" for n in range(21)}):
        reserve(shop, order_id="o-2", metadata=bad, status=422)
