"""Quotes are promises: what was promised to a friend is kept for a day."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.links.evidence import QuoteEvidence, quote_token, read_quote
from service.tokens import TokenSigner
from tests.shop import FIXED, TEN_PERCENT, Shop

NOW = datetime.now(UTC)


def ask(shop: Shop, referral: str, **said: Any) -> dict[str, Any]:
    body = {"referral": referral, "amount": 5000, "currency": "EUR", **said}
    answer: dict[str, Any] = shop.post("/quotes", body, status=200, scope="checkout")
    return answer


@pytest.fixture
def program(shop: Shop) -> dict[str, Any]:
    """Ten per cent off for the friend, EUR 10 for the advocate."""
    return shop.program(friend_reward={**TEN_PERCENT, "as": "discount"})


def test_a_quote_given_as_the_referral_says_the_discount(shop: Shop, program: dict[str, Any]) -> None:
    quote = ask(shop, shop.link(program)["code"])
    order = shop.order("ben", referral=quote["quote"], amount=4500)
    assert (order["status"], order["discount_amount"], order["eligible_amount"]) == ("attributed", 500, 5000)
    assert [reward["amount"] for reward in order["rewards"]] == [1000, 500]
    said = shop.order("ben", order_id=order["order_id"], referral=quote["quote"], amount=4500, status=200)
    assert said == order


def test_a_program_that_is_paused_ends_or_changes_takes_nothing_away(shop: Shop, program: dict[str, Any]) -> None:
    link = shop.link(program)
    quotes = [ask(shop, shop.visit(link))["quote"] for _ in range(3)]
    at = f"/programs/{program['program_id']}"
    shop.patch(at, {"friend_reward": {**FIXED, "as": "credit"}, "minimum_order_amount": 99_999})
    assert [reward["amount"] for reward in shop.order(referral=quotes[0], amount=4500)["rewards"]] == [1000, 500]
    for status, quote in (("paused", quotes[1]), ("ended", quotes[2])):
        shop.patch(at, {"status": status})
        kept = shop.order(referral=quote, amount=4500)
        assert (kept["status"], kept["terms_version"]) == ("attributed", 1)
    assert shop.order(referral=link["code"])["reasons"] == ["program_paused", "below_minimum"]


def test_a_link_that_is_revoked_or_over_since_takes_nothing_away(shop: Shop, program: dict[str, Any]) -> None:
    link = shop.link(program)
    quote = ask(shop, link["code"])["quote"]
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    assert shop.order(referral=quote, amount=4500)["status"] == "attributed"


def test_a_cap_that_is_reached_since_takes_nothing_from_the_friend(shop: Shop) -> None:
    program = shop.program(friend_reward={**TEN_PERCENT, "as": "discount"}, max_rewards_per_advocate=1)
    code = shop.link(program)["code"]
    quote = ask(shop, code)["quote"]
    shop.order(referral=code)
    kept = shop.order(referral=quote, amount=4500)
    assert (kept["reasons"], [(r["side"], r["amount"]) for r in kept["rewards"]]) == (
        ["cap_reached"],
        [("friend", 500)],
    )


def test_who_the_friend_is_is_asked_all_the_same(shop: Shop, program: dict[str, Any]) -> None:
    quote = ask(shop, shop.link(program)["code"])["quote"]
    assert shop.order("ana", referral=quote)["reasons"] == ["self_referral"]
    shop.order("cleo")
    assert shop.order("cleo", referral=quote)["reasons"] == ["existing_customer"]


def test_a_promise_ends_after_a_day_and_what_it_proves_does_not(shop: Shop, signer: TokenSigner) -> None:
    program = shop.program(friend_reward={**TEN_PERCENT, "as": "discount"})
    token = ask(shop, shop.visit(shop.link(program)))["quote"]
    read = read_quote(signer, token)
    assert read is not None
    old = quote_token(signer, _made(read, hours=25))
    assert shop.order(referral=old)["status"] == "attributed"
    shop.patch(f"/programs/{program['program_id']}", {"status": "paused"})
    assert shop.order(referral=old)["reasons"] == ["program_paused"]
    late = quote_token(signer, _made(read, hours=23))
    assert shop.order(referral=late)["status"] == "attributed"
    in_time = (NOW - timedelta(hours=2)).isoformat()
    assert shop.order(referral=old, ordered_at=in_time)["status"] == "attributed"


def _made(quote: QuoteEvidence, *, hours: int) -> QuoteEvidence:
    at = NOW - timedelta(hours=hours)
    rest = (quote.terms_version, quote.currency, quote.discount_amount)
    return QuoteEvidence(quote.merchant_id, quote.link_id, None, at, *rest)


def test_a_quote_for_a_quote_holds_no_longer(shop: Shop, program: dict[str, Any]) -> None:
    first = ask(shop, shop.link(program)["code"])
    again = ask(shop, first["quote"], amount=8000)
    assert (again["expires_at"], again["friend_reward"]["amount"]) == (first["expires_at"], 800)


def test_a_quote_of_another_currency_promises_nothing_in_this_one(shop: Shop, program: dict[str, Any]) -> None:
    quote = ask(shop, shop.link(program)["code"])["quote"]
    other = shop.order(referral=quote, currency="USD")
    assert (other["reasons"], other["discount_amount"]) == (["currency_mismatch"], 0)


def test_an_altered_quote_and_another_merchants_prove_nothing(
    shop: Shop, new_shop: Any, program: dict[str, Any]
) -> None:
    quote = ask(shop, shop.link(program)["code"])["quote"]
    changed = ("B" if quote[5] != "B" else "C").join([quote[:5], quote[6:]])
    assert shop.order(referral=changed)["reasons"] == ["invalid_referral"]
    assert new_shop().order(referral=quote)["reasons"] == ["invalid_referral"]


def test_nothing_is_promised_where_the_answer_is_no(shop: Shop, program: dict[str, Any]) -> None:
    refused = ask(shop, shop.link(program)["code"], customer={"customer_id": "ana"})
    assert (refused["eligible"], refused["quote"], refused["expires_at"]) == (False, None, None)


def test_a_quote_carries_nothing_about_a_person(shop: Shop, signer: TokenSigner, program: dict[str, Any]) -> None:
    friend = {"customer_id": "ben-of-berlin", "email": "ben@example.com", "first_name": "Ben"}
    token = ask(shop, shop.link(program)["code"], customer=friend)["quote"]
    payload = signer.read("quote", token)
    assert payload is not None
    assert b"ben" not in payload.lower()
    assert len(token) == 107
