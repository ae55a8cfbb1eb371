from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tests.shop import FIXED, TEN_PERCENT, Shop

NOW = datetime.now(UTC)


def after(**more: float) -> str:
    return (NOW + timedelta(**more)).isoformat()


def test_the_main_job_end_to_end(shop: Shop) -> None:
    program = shop.program(friend_reward={**TEN_PERCENT, "as": "discount"})
    link = shop.link(program)
    referral = shop.visit(link)
    quote = shop.post(
        "/quotes",
        {"referral": referral, "amount": 5000, "currency": "EUR", "customer": {"customer_id": "ben"}},
        status=200,
    )
    assert quote.pop("quote")
    assert quote.pop("expires_at") > after(hours=23)
    assert quote == {
        "eligible": True,
        "reasons": [],
        "advocate_first_name": "Ana",
        "friend_reward": {"amount": 500, "currency": "EUR", "as": "discount"},
        "payable_amount": 4500,
        "program_id": program["program_id"],
        "terms_version": 1,
    }
    order = shop.order("ben", referral=referral, amount=4500, discount_amount=500)
    assert (order["status"], order["reasons"]) == ("attributed", [])
    assert (order["advocate_id"], order["link_id"], order["terms_version"]) == ("ana", link["link_id"], 1)
    rewards = [(reward["side"], reward["customer_id"], reward["amount"], reward["as"]) for reward in order["rewards"]]
    assert rewards == [("advocate", "ana", 1000, "credit"), ("friend", "ben", 500, "discount")]
    assert shop.available("ana") == 1000
    assert shop.balance("ben") == {}
    totals = shop.get("/ledger/trial-balance")["totals"]
    assert totals == [{"currency": "EUR", "debit": 1500, "credit": 1500}]


@pytest.mark.parametrize("kind", ["visit", "link", "code"])
def test_a_visit_token_a_link_token_and_a_code_all_refer(shop: Shop, kind: str) -> None:
    link = shop.link(shop.program())
    referral = {"visit": shop.visit(link), "link": link["url"].rpartition("/")[2], "code": link["code"].lower()}[kind]
    assert shop.order(referral=referral)["status"] == "attributed"


def test_the_same_order_again_is_answered_the_same_and_pays_once(shop: Shop) -> None:
    code = shop.link(shop.program())["code"]
    first = shop.order("ben", order_id="o-1", referral=code)
    assert shop.order("ben", order_id="o-1", referral=code, status=200) == first
    assert shop.order("ben", order_id="o-1", referral=code.lower(), status=200) == first
    for other in ({"amount": 5001}, {"currency": "USD"}, {"referral": "x"}, {"ordered_at": after(hours=-1)}):
        body = {"order_id": "o-1", "referral": code, **other}
        problem = shop.order("ben", **body, status=409)
        assert problem["type"].endswith("#order-contradicted")
        assert [fault["field"] for fault in problem["errors"]] == list(other)
        assert first["conversion_id"] in problem["detail"]
    shop.order("eve", order_id="o-1", referral=code, status=409)
    assert shop.available("ana") == 1000


def test_an_order_without_a_referral_is_unattributed(shop: Shop) -> None:
    order = shop.order("ben")
    assert (order["status"], order["rewards"], order["program_id"]) == ("unattributed", [], None)


@pytest.mark.parametrize("referral", ["nonsense", "ANA-9999", "a.b", "x" * 5000, "é", "%00"])
def test_a_bad_referral_never_fails_an_order(shop: Shop, referral: str) -> None:
    order = shop.order(referral=referral)
    assert (order["status"], order["reasons"]) == ("declined", ["invalid_referral"])


def test_another_merchants_referral_is_invalid(shop: Shop, new_shop: Callable[[], Shop]) -> None:
    other = new_shop()
    link = other.link(other.program())
    for referral in (link["code"], other.visit(link), link["url"].rpartition("/")[2]):
        assert shop.order(referral=referral)["reasons"] == ["invalid_referral"]


def _revoked(shop: Shop) -> dict[str, Any]:
    link = shop.link(shop.program())
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    return shop.order(referral=link["code"])


def _expired(shop: Shop) -> dict[str, Any]:
    link = shop.link(shop.program(), expires_at=after(hours=10))
    return shop.order(referral=link["code"], ordered_at=after(hours=11))


def _paused(shop: Shop) -> dict[str, Any]:
    program = shop.program()
    link = shop.link(program)
    shop.patch(f"/programs/{program['program_id']}", {"status": "paused"})
    return shop.order(referral=link["code"])


def _too_early(shop: Shop) -> dict[str, Any]:
    return shop.order(referral=shop.visit(shop.link(shop.program())), ordered_at=after(minutes=-10))


def _self(shop: Shop) -> dict[str, Any]:
    return shop.order("ana", referral=shop.link(shop.program())["code"])


def _same_mailbox(shop: Shop) -> dict[str, Any]:
    link = shop.link(shop.program(), customer={"email": "a.na@gmail.com"})
    return shop.order("ana2", referral=link["code"], customer={"email": "Ana+shop@googlemail.com"})


def _circular(shop: Shop) -> dict[str, Any]:
    program = shop.program(new_customers_only=False)
    for advocate, friend in (("ana", "ben"), ("ben", "cleo")):
        link = shop.link(program, advocate)
        assert shop.order(friend, referral=link["code"])["status"] == "attributed"
    return shop.order("ana", referral=shop.link(program, "cleo")["code"])


def _existing(shop: Shop) -> dict[str, Any]:
    shop.order("ben")
    return shop.order("ben", referral=shop.link(shop.program())["code"])


def _since(shop: Shop) -> dict[str, Any]:
    shop.put("/customers/ben", {"since": "2020-01-01T00:00:00Z"}, status=201)
    return shop.order("ben", referral=shop.link(shop.program())["code"])


def _below(shop: Shop) -> dict[str, Any]:
    return shop.order(referral=shop.link(shop.program(minimum_order_amount=5001))["code"])


def _currency(shop: Shop) -> dict[str, Any]:
    return shop.order(referral=shop.link(shop.program())["code"], currency="USD")


def _cap(shop: Shop) -> dict[str, Any]:
    link = shop.link(shop.program(max_rewards_per_advocate=1, friend_reward=None))
    assert shop.order(referral=link["code"])["status"] == "attributed"
    return shop.order(referral=link["code"])


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (_revoked, "link_revoked"),
        (_expired, "link_expired"),
        (_paused, "program_paused"),
        (_too_early, "outside_window"),
        (_self, "self_referral"),
        (_same_mailbox, "self_referral"),
        (_circular, "circular_referral"),
        (_existing, "existing_customer"),
        (_since, "existing_customer"),
        (_below, "below_minimum"),
        (_currency, "currency_mismatch"),
        (_cap, "cap_reached"),
    ],
)
def test_every_reason_declines_pays_nothing_and_is_explained(
    shop: Shop, case: Callable[[Shop], dict[str, Any]], reason: str
) -> None:
    order = case(shop)
    assert (order["status"], order["reasons"], order["rewards"]) == ("declined", [reason], [])
    explained = shop.get(f"/conversions/{order['conversion_id']}/explanation")
    assert [d["rule"] for d in explained["decisions"] if not d["passed"]] == [reason]
    assert reason in explained["staff_text"]
    assert explained["customer_text"].startswith("Sorry")


def test_an_existing_customer_is_declined_with_every_reason_that_holds(shop: Shop) -> None:
    shop.order("ben")
    link = shop.link(shop.program(minimum_order_amount=9000))
    order = shop.order("ben", referral=link["code"])
    assert order["reasons"] == ["existing_customer", "below_minimum"]


def test_later_orders_of_a_friend_belong_to_the_referral_with_or_without_a_token(shop: Shop) -> None:
    program = shop.program(rewarded_orders=2)
    ana, eve = shop.link(program), shop.link(program, "eve", customer={"first_name": "Eve"})
    shop.order("ben", referral=ana["code"])
    second = shop.order("ben", referral=eve["code"])
    assert (second["status"], second["reasons"]) == ("attributed", ["already_referred"])
    assert (second["advocate_id"], second["link_id"]) == ("ana", ana["link_id"])
    third = shop.order("ben")
    assert (third["status"], third["advocate_id"], third["rewards"]) == ("repeat", "ana", [])
    assert shop.available("ana") == 2000
    assert shop.balance("eve") == {}


def test_rewards_stay_pinned_to_the_terms_that_earned_them(shop: Shop) -> None:
    program = shop.program()
    link = shop.link(program)
    first = shop.order(referral=link["code"])
    shop.patch(f"/programs/{program['program_id']}", {"advocate_reward": {"type": "fixed", "amount": 1}})
    second = shop.order(referral=link["code"])
    assert [order["rewards"][0]["amount"] for order in (first, second)] == [1000, 1]
    assert [order["terms_version"] for order in (first, second)] == [1, 2]
    assert shop.get(f"/conversions/{first['conversion_id']}") == first


@pytest.mark.parametrize(
    ("currency", "amount", "reward"), [("JPY", 1005, 100), ("EUR", 1015, 102), ("BHD", 12345, 1234)]
)
def test_percent_rewards_round_half_even_in_any_currency(shop: Shop, currency: str, amount: int, reward: int) -> None:
    link = shop.link(shop.program(currency=currency, advocate_reward=TEN_PERCENT, friend_reward=None))
    order = shop.order(referral=link["code"], currency=currency, amount=amount)
    assert [(r["amount"], r["currency"]) for r in order["rewards"]] == [(reward, currency)]


def test_an_order_of_nothing_is_an_order_and_a_reward_of_nothing_is_none(shop: Shop) -> None:
    link = shop.link(shop.program(advocate_reward=TEN_PERCENT, friend_reward=TEN_PERCENT))
    order = shop.order("ben", referral=link["code"], amount=1)
    assert (order["status"], order["rewards"]) == ("attributed", [])
    assert shop.get("/ledger/transactions")["data"] == []
    later = shop.order("ben")
    assert (later["status"], [r["amount"] for r in later["rewards"]]) == ("attributed", [500, 500])
    assert shop.order("ben")["status"] == "repeat"


def test_a_reward_is_pending_until_its_hold_ends(shop: Shop) -> None:
    link = shop.link(shop.program(hold_days=14, friend_reward=None))
    young = shop.order(referral=link["code"])
    ripe = shop.order(referral=link["code"], ordered_at=after(days=-14))
    assert [order["rewards"][0]["status"] for order in (young, ripe)] == ["pending", "available"]
    balance = shop.balance("ana")
    assert (balance["pending"], balance["available"], balance["earned_total"]) == (1000, 1000, 2000)
    assert [r["status"] for r in shop.get("/rewards?status=available")["data"]] == ["available"]
    assert [r["status"] for r in shop.get("/rewards?status=pending")["data"]] == ["pending"]


@pytest.mark.parametrize(
    "ordered_at",
    [
        "2099-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-01-01T00:00:00",
        "2026-01-01",
        "2026-W01-1T00:00:00Z",
        "20260101T000000Z",
        "2026-01-01T00Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:00+00:00:30",
        "2026-02-30T00:00:00Z",
        "yesterday",
        0,
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_an_order_time_that_cannot_be_is_refused(shop: Shop, ordered_at: object) -> None:
    problem = shop.order(ordered_at=ordered_at, status=422)
    assert [error["field"] for error in problem["errors"]] == ["ordered_at"]


def test_a_quote_writes_nothing_and_a_customer_may_be_unknown(shop: Shop) -> None:
    link = shop.link(shop.program())
    question = {"referral": link["code"], "amount": 5000, "currency": "EUR"}
    assert shop.post("/quotes", question, status=200)["eligible"] is True
    selfish = {**question, "customer": {"customer_id": "ana"}}
    assert shop.post("/quotes", selfish, status=200)["reasons"] == ["self_referral"]
    nonsense = shop.post("/quotes", {**question, "referral": "?"}, status=200)
    assert (nonsense["eligible"], nonsense["reasons"]) == (False, ["invalid_referral"])
    newcomer = {**question, "customer": {"customer_id": "newcomer"}}
    assert shop.post("/quotes", newcomer, status=200)["eligible"] is True
    shop.get("/customers/newcomer", status=404)
    assert shop.get("/conversions")["data"] == []


def test_a_no_in_a_quote_always_has_its_reason(shop: Shop) -> None:
    code = shop.link(shop.program())["code"]
    shop.order("ben", referral=code)
    question = {"referral": code, "amount": 5000, "currency": "EUR", "customer": {"customer_id": "ben"}}
    quote = shop.post("/quotes", question, status=200)
    assert (quote["eligible"], quote["reasons"]) == (False, ["existing_customer"])


def test_no_referral_is_no_referral_however_it_is_spelled(shop: Shop) -> None:
    first = shop.order("ben", order_id="o-1", referral="")
    assert shop.order("ben", order_id="o-1", referral=None, status=200) == first
    assert shop.order("ben", order_id="o-1", status=200) == first


def test_conversions_are_listed_and_found(shop: Shop) -> None:
    link = shop.link(shop.program())
    one, two = shop.order("ben", referral=link["code"]), shop.order("cleo")
    assert shop.get("/conversions")["data"] == [two, one]
    assert shop.get(f"/conversions?order_id={one['order_id']}")["data"] == [one]
    assert shop.get("/conversions?customer_id=cleo")["data"] == [two]
    assert shop.get("/conversions?status=attributed")["data"] == [one]
    shop.get("/conversions?status=lost", status=422)


def test_the_friend_of_a_paused_program_is_declined_and_comes_back_when_it_resumes(shop: Shop) -> None:
    program = shop.program(rewarded_orders=None)
    path = f"/programs/{program['program_id']}"
    shop.order("ben", referral=shop.link(program)["code"])
    shop.patch(path, {"status": "paused"})
    assert shop.order("ben")["reasons"] == ["program_paused"]
    shop.patch(path, {"status": "active"})
    assert shop.order("ben")["status"] == "attributed"


def test_a_fixed_reward_is_credited_to_both_sides(shop: Shop) -> None:
    shop.order("ben", referral=shop.link(shop.program(advocate_reward=FIXED, friend_reward=FIXED))["code"])
    assert (shop.available("ana"), shop.available("ben")) == (1000, 1000)


def test_a_replay_that_waited_says_what_the_first_answer_said(shop: Shop) -> None:
    code = shop.link(shop.program(hold_days=0))["code"]
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False) as clock:
        first = shop.order("ben", order_id="o", referral=code)
        clock.move_to(now - timedelta(milliseconds=5))  # its clock was read before it had to wait for the first
        assert shop.order("ben", order_id="o", referral=code, status=200) == first
    assert [reward["status"] for reward in first["rewards"]] == ["available", "available"]
