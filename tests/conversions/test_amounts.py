"""What is paid, what was taken off for the referral, and what rewards are computed of."""

from typing import Any

import pytest

from tests.shop import TEN_PERCENT, Shop

DISCOUNT = {**TEN_PERCENT, "as": "discount"}


def _rewards(order: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {reward["side"]: (reward["amount"], reward["reversed_amount"]) for reward in order["rewards"]}


def _quote(shop: Shop, referral: str, amount: int, **fields: Any) -> Any:
    body = {"referral": referral, "amount": amount, "currency": "EUR", **fields}
    return shop.post("/quotes", body, status=200, scope="checkout")


def test_the_worked_example_of_the_documents(shop: Shop) -> None:
    """Goods 50.00, shipping 4.90, a friend's discount of 10 %, 8.00 paid with credit."""
    program = shop.program(advocate_reward=TEN_PERCENT, friend_reward=DISCOUNT, minimum_order_amount=5000)
    code = shop.link(program)["code"]
    quoted = _quote(shop, code, 5490, eligible_amount=5000)
    assert quoted["friend_reward"] == {"amount": 500, "currency": "EUR", "as": "discount"}
    assert (quoted["payable_amount"], quoted["terms_version"]) == (4990, 1)
    order = shop.order(referral=code, amount=4990, discount_amount=500, eligible_amount=5000)
    assert (order["amount"], order["discount_amount"], order["eligible_amount"]) == (4990, 500, 5000)
    assert order["status"] == "attributed"
    assert _rewards(order) == {"advocate": (500, 0), "friend": (500, 0)}
    half = shop.post(
        f"/conversions/{order['conversion_id']}/refunds",
        {"refund_id": "half the goods", "amount": 2250, "eligible_amount": 2500},
    )
    assert [reversal["amount"] for reversal in half["reversals"]] == [250, 250]
    shop.refund(order, 2740, "the rest")
    after = shop.get(f"/conversions/{order['conversion_id']}")
    assert _rewards(after) == {"advocate": (500, 500), "friend": (500, 500)}
    assert shop.balance("ana")["earned_total"] == 0


def test_the_minimum_is_asked_of_what_is_eligible_before_the_discount(shop: Shop) -> None:
    code = shop.link(shop.program(friend_reward=DISCOUNT, minimum_order_amount=5000))["code"]
    assert shop.order(referral=code, amount=4500, discount_amount=500)["status"] == "attributed"
    with_shipping = shop.order(referral=code, amount=5000, eligible_amount=4999)
    assert with_shipping["reasons"] == ["below_minimum"]


def test_everything_that_was_paid_given_back_takes_back_everything(shop: Shop) -> None:
    code = shop.link(shop.program(advocate_reward=TEN_PERCENT, friend_reward=DISCOUNT))["code"]
    order = shop.order(referral=code, amount=4500, eligible_amount=5000, discount_amount=500)
    shop.refund(order, 4500, "all")
    assert shop.available("ana") == 0
    after = shop.get(f"/conversions/{order['conversion_id']}")
    assert {reward["status"] for reward in after["rewards"]} == {"reversed"}


@pytest.mark.parametrize(("amount", "given"), [(300, 300), (1000, 1000), (1001, 1000)])
def test_a_discount_is_never_above_what_is_eligible(shop: Shop, amount: int, given: int) -> None:
    code = shop.link(shop.program(friend_reward={"type": "fixed", "amount": 1000, "as": "discount"}))["code"]
    quoted = _quote(shop, code, amount)
    assert (quoted["friend_reward"]["amount"], quoted["payable_amount"]) == (given, amount - given)
    order = shop.order(referral=code, amount=amount - given, discount_amount=given)
    assert _rewards(order)["friend"] == (given, 0)


def test_a_discount_is_booked_as_what_the_shop_took_off(shop: Shop) -> None:
    code = shop.link(shop.program(friend_reward=DISCOUNT))["code"]
    assert _rewards(shop.order(referral=code, amount=4600, discount_amount=400))["friend"] == (400, 0)
    assert _rewards(shop.order(referral=code, amount=4000, discount_amount=1000))["friend"] == (500, 0)
    assert "friend" not in _rewards(shop.order(referral=code, amount=5000, discount_amount=0))


def test_an_order_of_nothing_earns_nothing(shop: Shop) -> None:
    code = shop.link(shop.program())["code"]
    for amount, eligible in ((0, None), (5000, 0)):
        order = shop.order(referral=code, amount=amount, eligible_amount=eligible)
        assert (order["status"], order["reasons"], order["rewards"]) == ("declined", ["below_minimum"], [])
    assert _quote(shop, code, 0)["reasons"] == ["below_minimum"]
    assert shop.available("ana") == 0


def test_shipping_alone_given_back_takes_back_nothing(shop: Shop) -> None:
    order = shop.order(referral=shop.link(shop.program())["code"], amount=5490, eligible_amount=5000)
    path = f"/conversions/{order['conversion_id']}/refunds"
    body = {"refund_id": "shipping", "amount": 490, "eligible_amount": 0}
    first = shop.post(path, body)
    assert (first["reversals"], first["eligible_amount"]) == ([], 0)
    assert shop.post(path, body, status=200) == first
    shop.post(path, {**body, "eligible_amount": 1}, status=409)
    too_much = {"refund_id": "goods", "amount": 5001, "eligible_amount": 5001}
    faults = shop.post(path, too_much, status=422)["errors"]
    assert [(fault["field"], "Only 5000" in fault["message"]) for fault in faults] == [
        ("amount", True),
        ("eligible_amount", True),
    ]


def test_the_same_order_with_other_amounts_is_another_order(shop: Shop) -> None:
    said: dict[str, Any] = {"order_id": "o-1", "amount": 4500, "discount_amount": 500, "eligible_amount": 5000}
    first = shop.order("ben", **said)
    assert shop.order("ben", status=200, **said) == first
    for name in ("discount_amount", "eligible_amount"):
        shop.order("ben", status=409, **{**said, name: said[name] - 1})


@pytest.mark.parametrize("eligible", [-1, 1.5, "5000"])
def test_a_quote_is_refused_for_what_is_no_amount(shop: Shop, eligible: Any) -> None:
    body = {"referral": "ANA-1234", "amount": 5000, "currency": "EUR", "eligible_amount": eligible}
    assert shop.post("/quotes", body, status=422)["errors"][0]["field"] == "eligible_amount"


def test_no_more_is_quoted_off_than_there_is_to_pay(shop: Shop) -> None:
    code = shop.link(shop.program(friend_reward={"type": "fixed", "amount": 1000, "as": "discount"}))["code"]
    quoted = _quote(shop, code, 300, eligible_amount=5000)
    assert (quoted["friend_reward"]["amount"], quoted["payable_amount"]) == (300, 0)
    nothing = _quote(shop, code, 0, eligible_amount=5000)
    assert (nothing["friend_reward"], nothing["payable_amount"]) == (None, 0)
