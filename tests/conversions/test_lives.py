"""Orders that are cancelled, edited, refunded in vain or given a referral later, as a shop reports them over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from service.books import audit
from service.database.engine import Database
from tests.shop import FIXED, TEN_PERCENT, Shop

NOW = datetime.now(UTC)
TIER = {"from_referral": 2, "advocate_reward": {"type": "fixed", "amount": 3000}}


@pytest.fixture
def code(shop: Shop) -> str:
    """ana's, of a program that gives both sides EUR 10 at once."""
    return str(shop.link(shop.program())["code"])


def path(order: dict[str, Any], *rest: str) -> str:
    return "/".join(["/conversions", order["conversion_id"], *rest])


def void(shop: Shop, order: dict[str, Any], *, status: int = 200, **said: Any) -> dict[str, Any]:
    body = {"reason": "cancelled", **said}
    answer: dict[str, Any] = shop.post(path(order, "void"), body, status=status, scope="checkout")
    return answer


def amend(shop: Shop, order: dict[str, Any], name: str, amount: int, *, status: int = 201, **said: Any) -> Any:
    body = {"amendment_id": name, "amount": amount, **said}
    return shop.post(path(order, "amendments"), body, status=status, scope="checkout")


def attribute(shop: Shop, order: dict[str, Any], referral: str, *overrule: str, status: int = 200) -> Any:
    body = {"referral": referral, "note": "the friend called", "overrule": list(overrule)}
    return shop.post(path(order, "attribution"), body, status=status)


def spend(shop: Shop, who: str, amount: int) -> dict[str, Any]:
    redemption: dict[str, Any] = shop.reserve(who, amount)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200)
    return redemption


def kinds(shop: Shop, who: str) -> list[str]:
    return [entry["kind"] for entry in shop.get(f"/customers/{who}/statement")["data"]]


def texts(shop: Shop, who: str) -> list[str]:
    return [entry["text"] for entry in shop.get(f"/customers/{who}/statement")["data"]]


@pytest.fixture(autouse=True)
def the_books_agree_with_the_business(shop: Shop, database: Database) -> Any:
    yield
    with database.reading() as session:
        assert list(audit.problems(session, shop.merchant_id)) == []


# Voids


def test_a_voided_order_never_was(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    voided = void(shop, order, reason="payment_failed", note="the bank said no")
    assert (voided["status"], voided["void_reason"]) == ("voided", "payment_failed")
    assert [reward["status"] for reward in voided["rewards"]] == ["reversed", "reversed"]
    assert shop.available("ana") == shop.balance("ana")["earned_total"] == 0
    assert texts(shop, "ana")[0] == "Sorry: a reward was taken back, as its order was cancelled."
    assert void(shop, order, reason="payment_failed") == voided
    assert void(shop, order, reason="fraud", status=409)["type"].endswith("#void-contradicted")
    assert [one["order_id"] for one in shop.get("/conversions?status=voided")["data"]] == [order["order_id"]]
    assert shop.get("/conversions?status=attributed")["data"] == []


def test_an_order_is_voided_by_its_own_id(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    body = {"order_id": order["order_id"], "reason": "test"}
    assert shop.post("/voids", body, status=200, scope="checkout")["status"] == "voided"
    shop.post("/voids", {**body, "order_id": "nothing"}, status=404, scope="checkout")


def test_what_was_spent_of_a_voided_order_is_owed(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    spend(shop, "ana", 400)
    void(shop, order)
    assert {name: shop.balance("ana")[name] for name in ("available", "owed")} == {"available": 0, "owed": 400}


def test_a_friend_whose_order_was_voided_comes_again_as_new(shop: Shop, code: str) -> None:
    void(shop, shop.order("ben", referral=code))
    again = shop.order("ben")
    assert (again["status"], again["advocate_id"]) == ("attributed", "ana")
    void(shop, shop.order("cleo"))
    assert shop.order("cleo", referral=code)["status"] == "attributed"


def test_what_is_set_aside_for_a_voided_order_is_given_back(shop: Shop, code: str) -> None:
    shop.order("ben", referral=code)
    order = shop.order("ana")
    body = {"customer_id": "ana", "amount": 300, "currency": "EUR", "order_id": order["order_id"]}
    redemption = shop.post("/redemptions", body)
    assert shop.available("ana") == 700
    void(shop, order)
    assert shop.available("ana") == 1000
    assert shop.get(f"/redemptions/{redemption['redemption_id']}")["status"] == "voided"


def test_a_voided_order_is_not_changed_until_it_is_reopened(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    void(shop, order)
    for refused in (
        shop.refund(order, 1, "r-1", status=409),
        amend(shop, order, "a-1", 1, status=409),
        attribute(shop, order, code, status=409),
    ):
        assert refused["type"].endswith("#order-voided")
        assert "Reopen it" in refused["detail"]


def test_a_reopened_order_is_judged_as_of_its_time(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    void(shop, order)
    reopened = shop.post(path(order, "reopen"), status=200)
    assert (reopened["status"], reopened["voided_at"]) == ("attributed", None)
    assert [shop.available(name) for name in ("ana", "ben")] == [1000, 1000]
    assert "as its order stands after all" in texts(shop, "ana")[0]
    assert shop.post(path(order, "reopen"), status=409)["type"].endswith("#order-stands")


def test_an_order_that_is_reopened_after_another_was_rewarded_is_a_repeat(shop: Shop, code: str) -> None:
    first = shop.order("ben", referral=code)
    void(shop, first)
    shop.order("ben")
    assert shop.post(path(first, "reopen"), status=200)["status"] == "repeat"
    assert shop.available("ana") == 1000


@pytest.mark.parametrize("terms", [{"max_rewards_per_advocate": 2}, {"tiers": [TIER]}])
def test_an_order_of_a_program_with_a_cap_or_tiers_is_reopened_and_keeps_its_tier(
    shop: Shop, terms: dict[str, Any]
) -> None:
    code = shop.link(shop.program(friend_reward=None, **terms))["code"]
    shop.order(referral=code)
    second = shop.order(referral=code)
    void(shop, second)
    reopened = shop.post(path(second, "reopen"), status=200)
    assert [reward["amount"] for reward in reopened["rewards"]] == [reward["amount"] for reward in second["rewards"]]
    assert reopened["rewards"][0]["amount"] == (3000 if "tiers" in terms else 1000)
    assert amend(shop, second, "a-1", 9000)["rewards"][0]["amount"] == reopened["rewards"][0]["amount"]


def test_that_one_program_was_paused_says_nothing_of_another(shop: Shop) -> None:
    paused = shop.program(rewarded_orders=None)
    first_code, other = shop.link(paused)["code"], shop.link(shop.program(rewarded_orders=None), "eve")["code"]
    shop.patch(f"/programs/{paused['program_id']}", {"status": "paused"})
    first = shop.order("ben", referral=first_code)
    assert first["reasons"] == ["program_paused"]
    void(shop, first)
    shop.order("ben", referral=other)
    reopened = shop.post(path(first, "reopen"), status=200)
    assert (reopened["status"], reopened["advocate_id"]) == ("attributed", "eve")


def test_what_is_set_aside_for_an_order_after_its_void_is_given_back_by_the_next_one(shop: Shop, code: str) -> None:
    shop.order("ben", referral=code)
    order = shop.order("ana")
    void(shop, order)
    asked = {"customer_id": "ana", "amount": 300, "currency": "EUR", "order_id": order["order_id"]}
    shop.post("/redemptions", asked)
    void(shop, order)
    assert shop.available("ana") == 1000


def test_a_program_that_was_paused_since_changes_nothing_of_a_reopened_order(shop: Shop) -> None:
    program = shop.program()
    order = shop.order("ben", referral=shop.link(program)["code"])
    void(shop, order)
    shop.patch(f"/programs/{program['program_id']}", {"status": "paused", "advocate_reward": None})
    reopened = shop.post(path(order, "reopen"), status=200)
    assert (reopened["status"], reopened["terms_version"], shop.available("ana")) == ("attributed", 1, 1000)


# Refunds that failed


def test_an_order_stands_as_if_a_reversed_refund_had_not_been(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    spend(shop, "ana", 1000)
    shop.refund(order, 2500, "r/1")
    assert shop.balance("ana")["owed"] == 500
    reversed_ = shop.post(path(order, "refunds", "r%2F1", "reverse"), status=200, scope="checkout")
    assert reversed_["reversed_at"]
    assert {name: shop.balance("ana")[name] for name in ("available", "owed")} == {"available": 0, "owed": 0}
    assert shop.available("ben") == 1000
    assert shop.get(path(order))["refunded_amount"] == 0
    assert shop.post(path(order, "refunds", "r%2F1", "reverse"), status=200, scope="checkout") == reversed_
    shop.post(path(order, "refunds", "nothing", "reverse"), status=404, scope="checkout")
    assert shop.refund(order, 5000, "r-2")["amount"] == 5000


def test_a_reward_that_would_have_ripened_meanwhile_is_ripe_when_it_is_restored(shop: Shop) -> None:
    with time_machine.travel(NOW, tick=True) as clock:
        order = shop.order("ben", referral=shop.link(shop.program(hold_days=1, reward_expiry_days=60))["code"])
        shop.refund(order, 5000, "r-1")
        clock.shift(timedelta(days=2))
        shop.post(path(order, "refunds", "r-1", "reverse"), status=200, scope="checkout")
        assert {name: shop.balance("ana")[name] for name in ("pending", "available")} == {
            "pending": 0,
            "available": 1000,
        }
        [reward] = shop.get("/rewards?customer_id=ana")["data"]
        assert reward["expires_at"] > (NOW + timedelta(days=61)).isoformat()


def test_two_orders_are_not_rewarded_where_one_is(shop: Shop, code: str) -> None:
    first = shop.order("ben", referral=code)
    shop.refund(first, 5000, "r-1")
    assert shop.order("ben")["status"] == "attributed"
    shop.post(path(first, "refunds", "r-1", "reverse"), status=200)
    assert shop.get(path(first))["status"] == "repeat"
    assert [shop.available(name) for name in ("ana", "ben")] == [1000, 1000]


def test_a_place_under_the_cap_that_another_friend_took_is_not_given_twice(shop: Shop) -> None:
    code = shop.link(shop.program(max_rewards_per_advocate=1))["code"]
    first = shop.order("ben", referral=code)
    shop.refund(first, 5000, "r-1")
    shop.order("cleo", referral=code)
    shop.post(path(first, "refunds", "r-1", "reverse"), status=200)
    now = shop.get(path(first))
    assert (now["status"], now["reasons"]) == ("attributed", ["cap_reached"])
    assert [shop.available(name) for name in ("ana", "ben", "cleo")] == [1000, 1000, 1000]


def test_an_order_that_was_amended_to_nothing_and_back_is_not_rewarded_beside_another(shop: Shop, code: str) -> None:
    first = shop.order("ben", referral=code)
    emptied = amend(shop, first, "a-1", 0)
    assert (emptied["status"], emptied["reasons"]) == ("declined", ["below_minimum"])
    assert shop.order("ben")["status"] == "attributed"
    assert amend(shop, first, "a-2", 5000)["status"] == "repeat"
    assert shop.available("ana") == 1000


def test_refunds_of_an_order_that_was_amended_to_nothing_are_still_read(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code, amount=5000, eligible_amount=2500)
    made = shop.refund(order, 1000, "r-1")
    shop.post(path(order, "refunds", "r-1", "reverse"), status=200)
    amend(shop, order, "a-1", 0)
    [listed] = shop.get(path(order, "refunds"))["data"]
    assert listed["eligible_amount"] == made["eligible_amount"] == 500
    assert shop.refund(order, 1000, "r-1", status=200) == listed


def test_a_refund_in_full_is_repeated_safely_whatever_happened_since(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    shop.refund(order, 2000, "part")
    body = {"refund_id": "rest", "full": True}
    assert shop.post(path(order, "refunds"), body)["amount"] == 3000
    amend(shop, order, "a-1", 8000)
    assert shop.post(path(order, "refunds"), body, status=200)["amount"] == 3000
    problem = shop.post(path(order, "refunds"), {"refund_id": "part", "full": True}, status=409)
    assert [fault["field"] for fault in problem["errors"]] == ["full"]


# Amendments


def test_an_order_that_grew_earns_the_difference(shop: Shop) -> None:
    code = shop.link(shop.program(advocate_reward=TEN_PERCENT, friend_reward=None))["code"]
    order = shop.order("ben", referral=code)
    amended = amend(shop, order, "a-1", 8000)
    assert (amended["amount"], amended["eligible_amount"]) == (8000, 8000)
    assert [reward["amount"] for reward in amended["rewards"]] == [800]
    assert shop.available("ana") == 800
    assert amend(shop, order, "a-1", 8000, status=200) == amended
    problem = amend(shop, order, "a-1", 8001, status=409)
    assert (problem["type"], [f["field"] for f in problem["errors"]]) == (
        "/docs/problems#amendment-contradicted",
        ["amount"],
    )
    assert amend(shop, order, "a-2", 2000)["rewards"][0]["amount"] == 200
    assert shop.available("ana") == 200
    assert shop.order("ben", order_id=order["order_id"], referral=code, status=200)["amount"] == 2000


def test_an_amendment_below_what_was_refunded_is_refused(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    shop.refund(order, 3000, "r-1")
    problem = amend(shop, order, "a-1", 2999, status=422)
    assert problem["errors"][0]["field"] == "amount"
    assert "3000 of the order was refunded" in problem["errors"][0]["message"]
    assert shop.get(path(order))["amount"] == 5000


def test_the_order_of_refund_and_amendment_does_not_change_the_end(shop: Shop) -> None:
    code = shop.link(shop.program(advocate_reward=TEN_PERCENT, friend_reward=None, rewarded_orders=None))["code"]
    one, other = shop.order("ben", referral=code), shop.order("ben", referral=code)
    shop.refund(one, 1000, "r-1")
    first = amend(shop, one, "a-1", 7000)
    amend(shop, other, "a-1", 7000)
    shop.refund(other, 1000, "r-1")
    second = shop.get(path(other))
    assert [(r["amount"], r["reversed_amount"]) for r in first["rewards"]] == [(700, 100)]
    assert [(r["amount"], r["reversed_amount"]) for r in second["rewards"]] == [(700, 100)]


def test_an_order_that_was_declined_for_its_amount_alone_is_judged_again_when_it_grew(shop: Shop) -> None:
    code = shop.link(shop.program(minimum_order_amount=6000))["code"]
    order = shop.order("ben", referral=code)
    assert order["reasons"] == ["below_minimum"]
    assert amend(shop, order, "a-1", 6000)["status"] == "attributed"
    assert shop.available("ana") == 1000
    amend(shop, order, "a-2", 5999)
    assert shop.available("ana") == 0


def test_an_order_that_grew_beyond_the_cap_welcomes_the_friend(shop: Shop) -> None:
    code = shop.link(shop.program(max_rewards_per_advocate=1, minimum_order_amount=3000))["code"]
    shop.order("ben", referral=code)
    small = shop.order("cleo", referral=code, amount=1000)
    assert small["reasons"] == ["below_minimum", "cap_reached"]
    grown = amend(shop, small, "a-1", 5000)
    assert (grown["status"], grown["reasons"], shop.available("cleo")) == ("attributed", ["cap_reached"], 1000)


def test_a_report_of_what_an_order_was_amended_to_is_no_conflict(shop: Shop, code: str) -> None:
    order = shop.order("ben", order_id="o-1", referral=code)
    amend(shop, order, "a-1", 7000)
    for amount, status in ((7000, 200), (5000, 200), (6000, 409)):
        shop.order("ben", order_id="o-1", referral=code, amount=amount, status=status)


def test_an_order_of_another_reason_is_not_judged_again_by_an_amendment(shop: Shop, code: str) -> None:
    order = shop.order("ana", referral=code)
    assert amend(shop, order, "a-1", 9000)["reasons"] == ["self_referral"]


def test_a_tier_stays_with_the_order_that_reached_it(shop: Shop) -> None:
    better = {"from_referral": 2, "advocate_reward": {"type": "percent", "rate": "20.00"}}
    program = shop.program(advocate_reward=TEN_PERCENT, friend_reward=None, tiers=[better])
    code = shop.link(program)["code"]
    first, second = shop.order(referral=code), shop.order(referral=code)
    assert amend(shop, first, "a-1", 10000)["rewards"][0]["amount"] == 1000
    assert amend(shop, second, "a-1", 10000)["rewards"][0]["amount"] == 2000


# Denials in every state


def test_a_review_takes_back_what_is_available_and_what_was_spent_is_owed(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    spend(shop, "ana", 300)
    denied = shop.post(f"/rewards/{order['rewards'][0]['reward_id']}/deny", {"note": "stolen card"}, status=200)
    assert denied["status"] == "denied"
    assert {name: shop.balance("ana")[name] for name in ("available", "owed")} == {"available": 0, "owed": 300}
    assert "after a review" in texts(shop, "ana")[0]
    shop.refund(order, 5000, "r-1")
    assert shop.balance("ana")["owed"] == 300


def test_a_discount_can_be_denied(shop: Shop) -> None:
    program = shop.program(advocate_reward=None, friend_reward={**FIXED, "as": "discount"})
    order = shop.order("ben", referral=shop.link(program)["code"], amount=4000, discount_amount=1000)
    reward = order["rewards"][0]["reward_id"]
    assert shop.post(f"/rewards/{reward}/deny", {"note": "fraud"}, status=200)["status"] == "denied"
    assert all(line["debit"] == line["credit"] == 0 for line in shop.get("/ledger/trial-balance")["accounts"])


def test_a_denied_reward_stays_denied_when_its_order_is_reopened(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    shop.post(f"/rewards/{order['rewards'][0]['reward_id']}/deny", {"note": "fraud"}, status=200)
    void(shop, order)
    shop.post(path(order, "reopen"), status=200)
    assert [shop.available(name) for name in ("ana", "ben")] == [0, 1000]


# Late attribution


def test_an_order_is_given_its_referral_later(shop: Shop, code: str) -> None:
    order = shop.order("ben")
    given = attribute(shop, order, code)
    assert (given["status"], given["advocate_id"]) == ("attributed", "ana")
    assert [shop.available(name) for name in ("ana", "ben")] == [1000, 1000]
    assert attribute(shop, order, code) == given
    assert shop.order("ben")["status"] == "repeat"


def test_what_is_not_overruled_by_name_refuses(shop: Shop, code: str) -> None:
    shop.order("ben", ordered_at=(NOW - timedelta(days=9)).isoformat())
    order = shop.order("ben", amount=0)
    problem = attribute(shop, order, code, status=409)
    assert problem["type"].endswith("#attribution-refused")
    assert "existing_customer, below_minimum" in problem["detail"]
    attribute(shop, order, code, "existing_customer", status=409)
    given = attribute(shop, order, code, "existing_customer", "below_minimum")
    assert given["status"] == "attributed"
    explained = shop.get(path(order, "explanation"))["decisions"]
    overruled = {one["rule"]: one["detail"] for one in explained if one["detail"].startswith("Overruled by hand")}
    assert set(overruled) == {"existing_customer", "below_minimum"}
    assert "the friend called" in overruled["existing_customer"]


@pytest.mark.parametrize("name", ["existing_customer", "self_referral", "invalid_referral"])
def test_a_reason_that_did_not_arise_cannot_be_overruled(shop: Shop, code: str, name: str) -> None:
    problem = attribute(shop, shop.order("ben"), code, name, status=422)
    assert problem["errors"][0]["field"] == "overrule"


def test_a_referral_that_says_nothing_attributes_nothing(shop: Shop, code: str) -> None:
    order = shop.order("ben", referral=code)
    for referral in ("nonsense", "ANA-9999"):
        problem = attribute(shop, order, referral, status=409)
        assert [fault["code"] for fault in problem["errors"]] == ["invalid_referral"]


def test_no_discount_is_booked_for_a_referral_that_came_after_it(shop: Shop) -> None:
    code = shop.link(shop.program(friend_reward={**FIXED, "as": "discount"}))["code"]
    given = attribute(shop, shop.order("ben"), code)
    assert [reward["side"] for reward in given["rewards"]] == ["advocate"]


def test_a_reward_takes_over_the_terms_of_the_program_that_it_is_given_later(shop: Shop) -> None:
    mine = shop.link(shop.program(hold_days=14))["code"]
    friends = shop.program(advocate_reward=None, hold_days=30, max_rewards_per_advocate=1)
    eve = shop.link(friends, "eve")["code"]
    order = shop.order("ben", referral=mine)
    given = attribute(shop, order, eve)
    friend = next(reward for reward in given["rewards"] if reward["side"] == "friend" and reward["status"] == "pending")
    waits = datetime.fromisoformat(friend["available_at"]) - datetime.fromisoformat(order["ordered_at"])
    assert waits == timedelta(days=30)
    assert shop.order("cleo", referral=eve)["reasons"] == ["cap_reached"]


def test_nobody_is_attributed_to_oneself(shop: Shop, code: str) -> None:
    order = shop.order("ana")
    assert "self_referral" in attribute(shop, order, code, status=409)["detail"]
    attribute(shop, order, code, "self_referral", status=422)
    assert "invalid_referral" in attribute(shop, order, "nonsense", status=409)["detail"]


def test_another_advocate_takes_over_by_name_alone(shop: Shop, code: str) -> None:
    eve = shop.link(shop.program(), "eve")["code"]
    order = shop.order("ben", referral=code)
    assert attribute(shop, order, eve)["advocate_id"] == "eve"
    assert [shop.available(name) for name in ("ana", "ben", "eve")] == [0, 1000, 1000]
    shop.order("ben")
    cleo = shop.link(shop.program(), "cleo")["code"]
    assert "already_referred" in attribute(shop, order, cleo, status=409)["detail"]
    assert attribute(shop, order, cleo, "already_referred", "existing_customer", status=422)["errors"]
    assert attribute(shop, order, cleo, "already_referred")["advocate_id"] == "cleo"
    assert [shop.available(name) for name in ("ana", "ben", "cleo", "eve")] == [0, 1000, 1000, 0]


def test_late_attribution_needs_an_admin(shop: Shop, code: str) -> None:
    body = {"referral": code, "note": "x"}
    shop.post(path(shop.order("ben"), "attribution"), body, status=403, scope="checkout")


# Repeats and conflicts


def test_a_repeat_without_the_referral_contradicts_nothing(shop: Shop, code: str) -> None:
    order = shop.order("ben", order_id="o-1", referral=code, discount_amount=0)
    again = shop.order("ben", order_id="o-1", status=200, customer={"email": "ben@example.com", "first_name": "Ben"})
    assert again == order
    assert shop.get("/customers/ben")["email"] == "ben@example.com"


def test_a_referral_that_comes_with_the_repeat_alone_is_a_conflict_that_names_it(shop: Shop, code: str) -> None:
    order = shop.order("ben", order_id="o-1")
    problem = shop.order("ben", order_id="o-1", referral=code, status=409)
    assert [(fault["field"], fault["code"]) for fault in problem["errors"]] == [("referral", "differs")]
    assert order["conversion_id"] in problem["detail"]


@pytest.mark.parametrize("which", ["quote", "visit", "link", "code"])
def test_a_whole_url_is_read_for_the_referral_that_it_holds(shop: Shop, which: str) -> None:
    link = shop.link(shop.program())
    urls = {
        "visit": f"https://shop.example/cart?utm_source=x&referral={shop.visit(link)}#top",
        "link": link["url"] + "/",
        "code": link["short_url"].lower(),
    }
    asked = {"referral": link["code"], "amount": 5000, "currency": "EUR"}
    urls["quote"] = f"https://shop.example/?referral={shop.post('/quotes', asked, status=200)['quote']}"
    assert shop.order("ben", referral=urls[which])["status"] == "attributed"
