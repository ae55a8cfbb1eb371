from typing import Any

import pytest

from service.database.engine import Database, RaceLost
from tests.shop import FIXED, TEN_PERCENT, Shop
from tests.statements import asked_by


def reversals(refund: dict[str, Any]) -> dict[str, int]:
    return {part["side"]: part["amount"] for part in refund["reversals"]}


def test_partial_refunds_take_back_exactly_all_in_the_end(shop: Shop) -> None:
    link = shop.link(shop.program(advocate_reward={"type": "fixed", "amount": 100}, friend_reward=None))
    order = shop.order(referral=link["code"], amount=3)
    taken = [reversals(shop.refund(order, 1, f"r-{number}")).get("advocate", 0) for number in range(3)]
    assert taken == [33, 34, 33]
    assert shop.balance("ana")["available"] == 0
    shown = shop.get(f"/conversions/{order['conversion_id']}")
    assert shown["refunded_amount"] == 3
    assert [(r["status"], r["reversed_amount"]) for r in shown["rewards"]] == [("reversed", 100)]


def test_a_pending_reward_is_taken_back_from_pending(shop: Shop) -> None:
    order = shop.order("ben", referral=shop.link(shop.program(hold_days=14))["code"])
    shop.refund(order, 2500, "r-1")
    assert [shop.balance(name)["pending"] for name in ("ana", "ben")] == [500, 500]


def test_a_spent_reward_becomes_owed_and_the_next_one_pays_it_first(shop: Shop) -> None:
    link = shop.link(shop.program(friend_reward=None))
    order = shop.order(referral=link["code"])
    redemption = shop.reserve("ana", 700)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {}, status=200)
    shop.refund(order, 5000, "r-1")
    assert {k: shop.balance("ana")[k] for k in ("available", "owed")} == {"available": 0, "owed": 700}
    shop.order(referral=link["code"])
    assert {k: shop.balance("ana")[k] for k in ("available", "owed")} == {"available": 300, "owed": 0}
    kinds = [entry["kind"] for entry in shop.get("/customers/ana/statement")["data"]]
    assert kinds == ["debt_paid", "ripened", "earned", "owed", "taken_back", "spent", "reserved", "ripened", "earned"]


def test_a_voided_reservation_pays_a_debt_first(shop: Shop) -> None:
    order = shop.order(referral=shop.link(shop.program(friend_reward=None))["code"])
    redemption = shop.reserve("ana", 1000)
    shop.refund(order, 5000, "r-1")
    assert {k: shop.balance("ana")[k] for k in ("reserved", "owed")} == {"reserved": 1000, "owed": 1000}
    shop.post(f"/redemptions/{redemption['redemption_id']}/void", status=200)
    assert {k: shop.balance("ana")[k] for k in ("available", "reserved", "owed")} == {
        "available": 0,
        "reserved": 0,
        "owed": 0,
    }


def test_a_discount_is_taken_back_from_what_was_settled_and_the_friend_owes_nothing(shop: Shop) -> None:
    program = shop.program(advocate_reward=None, friend_reward={**TEN_PERCENT, "as": "discount"})
    order = shop.order("ben", referral=shop.link(program)["code"], amount=4500, discount_amount=500)
    assert reversals(shop.refund(order, 4500, "r-1")) == {"friend": 500}
    assert shop.balance("ben") == {}
    accounts = shop.get("/ledger/trial-balance")["accounts"]
    assert {(line["account"], line["debit"], line["credit"]) for line in accounts} == {
        ("expense:rewards", 0, 0),
        ("settled", 0, 0),
    }


def test_the_same_refund_again_is_answered_the_same_and_other_content_is_refused(shop: Shop) -> None:
    order = shop.order(referral=shop.link(shop.program())["code"])
    first = shop.refund(order, 1000, "r-1")
    assert shop.refund(order, 1000, "r-1", status=200) == first
    assert shop.refund(order, 1001, "r-1", status=409)["type"].endswith("#refund-contradicted")
    assert shop.get(f"/conversions/{order['conversion_id']}")["refunded_amount"] == 1000


@pytest.mark.parametrize("amount", [0, -1, 5001, 1.5, "1", None, 10**30])
def test_more_than_was_paid_or_nothing_cannot_be_refunded(shop: Shop, amount: object) -> None:
    order = shop.order(referral=shop.link(shop.program())["code"])
    response = shop.call(
        "POST", f"/conversions/{order['conversion_id']}/refunds", {"refund_id": "r-1", "amount": amount}
    )
    assert response.status_code in (400, 422)
    assert shop.get(f"/conversions/{order['conversion_id']}") == order


def test_refunds_that_add_up_to_more_than_was_paid_are_refused(shop: Shop) -> None:
    order = shop.order()
    shop.refund(order, 3000, "r-1")
    shop.refund(order, 2001, "r-2", status=422)
    shop.refund(order, 2000, "r-3")


def test_a_refund_of_an_order_that_does_not_exist_is_not_found(shop: Shop) -> None:
    missing = {"conversion_id": "01930000-0000-7000-8000-000000000000"}
    shop.refund(missing, 1, "r-1", status=404)
    shop.refund({"conversion_id": "nonsense"}, 1, "r-1", status=404)


def test_a_refund_that_is_tried_again_keeps_its_time(
    shop: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.order(referral=shop.link(shop.program())["code"], ordered_at="2025-12-31T00:00:00Z")
    raced: list[Any] = []
    original = database._attempt

    def lose_the_first_race(work: Any, **options: Any) -> Any:
        def lose(session: Any) -> Any:
            answer = work(session)
            if not raced:
                raced.append(True)
                raise RaceLost
            return answer

        return original(lose, **options)

    monkeypatch.setattr(database, "_attempt", lose_the_first_race)
    body = {"refund_id": "r", "amount": 1, "refunded_at": "2026-01-01T00:00:00Z"}
    made = shop.post(f"/conversions/{order['conversion_id']}/refunds", body)
    assert raced
    assert made["refunded_at"] == "2026-01-01T00:00:00.000000Z"


def test_a_denied_reward_is_not_taken_back_again(shop: Shop) -> None:
    order = shop.order("ben", referral=shop.link(shop.program(hold_days=14, advocate_reward=FIXED))["code"])
    advocates = order["rewards"][0]["reward_id"]
    assert shop.post(f"/rewards/{advocates}/deny", {"note": "abuse"}, status=200)["status"] == "denied"
    assert reversals(shop.refund(order, 5000, "r-1")) == {"friend": 1000}
    assert shop.balance("ana")["pending"] == 0


def test_all_that_is_left_is_given_back_by_one_word_and_by_the_shops_own_name_of_the_order(shop: Shop) -> None:
    order = shop.order("ben", order_id="web/7 #1", referral=shop.link(shop.program())["code"])
    shop.refund(order, 1000, "first")
    body = {"order_id": "web/7 #1", "refund_id": "rest", "full": True}
    rest = shop.post("/refunds", body)
    assert (rest["amount"], rest["eligible_amount"], reversals(rest)) == (4000, 4000, {"advocate": 800, "friend": 800})
    assert shop.post("/refunds", body, status=200) == rest
    assert shop.post(f"/conversions/{order['conversion_id']}/refunds", rest_of(body), status=200) == rest
    assert shop.balance("ana")["earned_total"] == 0
    fault = shop.post("/refunds", {**body, "refund_id": "more"}, status=422)["errors"]
    message = "Only 0 of the order is left to refund (minor units)."
    assert fault == [{"field": "amount", "code": "too-much", "message": message}]


def rest_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: said for name, said in body.items() if name != "order_id"}


def test_a_partial_refund_is_not_the_full_one_of_the_same_name(shop: Shop) -> None:
    order = shop.order("ben")
    shop.refund(order, 1000, "r-1")
    path = f"/conversions/{order['conversion_id']}/refunds"
    shop.post(path, {"refund_id": "r-1", "full": True}, status=409)
    shop.post("/refunds", {"order_id": "nothing", "refund_id": "r-1", "full": True}, status=404)


@pytest.mark.parametrize("said", [{}, {"full": False}, {"full": True, "amount": 5}, {"full": 1}, {"amount": None}])
def test_a_refund_is_of_an_amount_or_in_full(shop: Shop, said: dict[str, Any]) -> None:
    order = shop.order("ben")
    shop.post(f"/conversions/{order['conversion_id']}/refunds", {"refund_id": "r-1", **said}, status=422)
    assert shop.get(f"/conversions/{order['conversion_id']}/refunds")["data"] == []


def test_the_refunds_of_an_order_are_listed_newest_first_page_by_page(shop: Shop) -> None:
    order = shop.order("ben", referral=shop.link(shop.program())["code"])
    made = [shop.refund(order, 1000 + number, f"r-{number}") for number in range(3)]
    path = f"/conversions/{order['conversion_id']}/refunds"
    assert shop.get(path)["data"] == made[::-1]
    first = shop.get(f"{path}?limit=2")
    assert first["data"] == made[:0:-1]
    assert shop.get(f"{path}?limit=2&cursor={first['next_cursor']}") == {"data": made[:1], "next_cursor": None}


def test_a_refund_before_its_order_is_refused_but_for_what_clocks_differ(shop: Shop) -> None:
    order = shop.order("ben", ordered_at="2026-03-01T09:30:00Z")
    path = f"/conversions/{order['conversion_id']}/refunds"
    early = {"refund_id": "r-1", "amount": 5, "refunded_at": "2026-03-01T09:24:59Z"}
    assert "before the order" in shop.post(path, early, status=422)["errors"][0]["message"]
    shop.post(path, {**early, "refunded_at": "2026-03-01T09:25:00Z"})


def test_a_refund_in_the_wrong_unit_is_told_so(shop: Shop) -> None:
    order = shop.order("ben")
    [fault] = shop.refund(order, 500_000, "r-1", status=422)["errors"]
    assert "a hundred times that" in fault["message"]


def test_a_list_of_refunds_asks_the_database_as_often_for_many_as_for_one(shop: Shop, database: Database) -> None:
    order = shop.order("ben", referral=shop.link(shop.program())["code"])
    path = f"/conversions/{order['conversion_id']}/refunds"

    def listed() -> None:
        assert all(len(refund["reversals"]) == 2 for refund in shop.get(path)["data"])

    shop.refund(order, 100, "r-0")
    asked_for_one = len(asked_by(database, listed))
    for number in range(1, 6):
        shop.refund(order, 100, f"r-{number}")
    assert len(asked_by(database, listed)) == asked_for_one
