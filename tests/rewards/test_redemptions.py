from datetime import timedelta
from typing import Any

import pytest
import time_machine

from tests.shop import Shop


@pytest.fixture
def ana(shop: Shop) -> Shop:
    """A shop whose customer ana has EUR 10 to spend."""
    shop.order(referral=shop.link(shop.program(friend_reward=None))["code"])
    return shop


def step(
    shop: Shop, redemption: dict[str, Any], name: str, body: object = None, *, status: int = 200
) -> dict[str, Any]:
    return shop.post(f"/redemptions/{redemption['redemption_id']}/{name}", body, status=status)


def held(shop: Shop) -> tuple[int, int, int]:
    balance = shop.balance("ana")
    return balance["available"], balance["reserved"], balance["spent_total"]


def test_a_balance_is_reserved_then_captured(ana: Shop) -> None:
    redemption = ana.reserve("ana", 600)
    assert held(ana) == (400, 600, 0)
    captured = step(ana, redemption, "capture", {})
    assert (captured["status"], captured["captured_amount"]) == ("captured", 600)
    assert held(ana) == (400, 0, 600)
    assert ana.get(f"/redemptions/{redemption['redemption_id']}", scope="checkout") == captured


def test_a_smaller_capture_gives_back_the_rest(ana: Shop) -> None:
    step(ana, ana.reserve("ana", 600), "capture", {"amount": 250})
    assert held(ana) == (750, 0, 250)


def test_a_step_needs_no_body_and_takes_no_junk(ana: Shop) -> None:
    one, other = ana.reserve("ana", 100), ana.reserve("ana", 100)
    assert step(ana, one, "capture")["captured_amount"] == 100
    step(ana, other, "void", {"junk": 1}, status=422)
    assert step(ana, other, "void", {})["status"] == "voided"


def test_a_void_gives_everything_back(ana: Shop) -> None:
    step(ana, ana.reserve("ana", 600), "void")
    assert held(ana) == (1000, 0, 0)


def test_repeating_a_step_answers_the_same_and_the_other_step_is_refused(ana: Shop) -> None:
    one, other = ana.reserve("ana", 100), ana.reserve("ana", 100)
    assert step(ana, one, "capture", {"amount": 60}) == step(ana, one, "capture", {"amount": 60})
    step(ana, one, "capture", {"amount": 61}, status=409)
    assert step(ana, one, "void", status=409)["type"].endswith("#redemption-settled")
    assert step(ana, other, "void") == step(ana, other, "void")
    step(ana, other, "capture", {}, status=409)
    assert held(ana) == (940, 0, 60)


def test_more_than_is_available_is_refused_and_changes_nothing(ana: Shop) -> None:
    problem = ana.reserve("ana", 1001, status=409)
    assert problem["type"].endswith("#insufficient-balance")
    ana.reserve("ana", 1, currency="USD", status=409)
    ana.reserve("nobody", 1, status=404)
    assert held(ana) == (1000, 0, 0)


@pytest.mark.parametrize("amount", [0, -1, 1.5, "1", True, 2**63])
def test_an_amount_that_cannot_be_is_refused(ana: Shop, amount: object) -> None:
    body = {"customer_id": "ana", "amount": amount, "currency": "EUR"}
    assert ana.call("POST", "/redemptions", body).status_code in (400, 422)


def test_more_than_was_reserved_cannot_be_captured(ana: Shop) -> None:
    step(ana, ana.reserve("ana", 100), "capture", {"amount": 101}, status=422)


def test_a_reservation_that_nobody_settles_is_given_back_after_an_hour(ana: Shop) -> None:
    redemption = ana.reserve("ana", 600)
    with time_machine.travel(timedelta(minutes=59), tick=True):
        assert held(ana) == (400, 600, 0)
    with time_machine.travel(timedelta(minutes=61), tick=True):
        assert ana.get(f"/redemptions/{redemption['redemption_id']}")["status"] == "voided"
        assert held(ana) == (1000, 0, 0)
        step(ana, redemption, "capture", {}, status=409)
        assert step(ana, redemption, "void")["status"] == "voided"


def test_an_idempotency_key_protects_what_has_no_natural_key(ana: Shop) -> None:
    body = {"customer_id": "ana", "amount": 100, "currency": "EUR"}
    first = ana.call("POST", "/redemptions", body, Idempotency_Key="k-1")
    again = ana.call("POST", "/redemptions", body, Idempotency_Key="k-1")
    assert (again.status_code, again.data) == (first.status_code, first.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert held(ana) == (900, 100, 0)
