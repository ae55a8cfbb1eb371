"""Many orders at once: each is answered as it would have been alone."""

from typing import Any

import pytest

from service.conversions import conversions
from service.conversions.api.batches import MOST_ORDERS
from service.conversions.conversions import Recorded
from service.conversions.orders import Order
from service.database.engine import RaceLost
from tests.shop import Shop


def order(name: str, **more: Any) -> dict[str, Any]:
    return {"order_id": name, "amount": 5000, "currency": "EUR", "customer": {"customer_id": f"c-{name}"}, **more}


def batch(shop: Shop, *orders: Any) -> list[dict[str, Any]]:
    """What each of these is answered with."""
    results: list[dict[str, Any]] = shop.post("/conversions/batch", {"orders": orders}, status=200, scope="checkout")[
        "results"
    ]
    assert len(results) == len(orders)
    assert all((one["conversion"] is None) is (one["status"] >= 400) for one in results)
    assert all((one["problem"] is None) is (one["status"] < 400) for one in results)
    return results


def test_each_order_is_answered_in_its_place_as_it_would_be_alone(shop: Shop) -> None:
    code = shop.link(shop.program())["code"]
    orders = [
        order("a", referral=code),
        order("a", referral=code),
        order("a", referral=code, amount=1),
        order("b", amount="much"),
        order("c", currency="XXX"),
        "no order at all",
        {},
        order("d", referral="nonsense", customer={}),
        order("e", ordered_at="2999-01-01T00:00:00Z"),
        order("f", metadata={"blob": "x" * 900_000}),
        order("g", referral=code, customer={"email": "ben@example.com"}),
    ]
    results = batch(shop, *orders)
    assert [one["status"] for one in results] == [201, 200, 409, 422, 422, 422, 422, 201, 422, 201, 201]
    assert results[1]["conversion"] == results[0]["conversion"] == shop.orders()["a"]
    assert results[2]["problem"]["type"].endswith("#order-contradicted")
    assert {one["field"] for one in results[3]["problem"]["errors"]} == {"amount"}
    assert [one["field"] for one in results[9]["conversion"]["warnings"]] == ["metadata"]
    alone = shop.call("POST", "/conversions", orders[3]).json
    assert {**alone, "request_id": ""} == {**results[3]["problem"], "request_id": ""}
    assert set(shop.orders()) == {"a", "d", "f", "g"}
    assert shop.available("ana") == 2000
    again = batch(shop, *orders)
    assert [one["status"] for one in again] == [200, 200, 409, 422, 422, 422, 422, 200, 422, 200, 200]
    assert shop.available("ana") == 2000
    assert shop.get("/ledger/verification")["ok"]


@pytest.mark.parametrize(
    "body", [{}, {"orders": []}, {"orders": {}}, {"orders": [{}] * (MOST_ORDERS + 1)}, [order("a")]]
)
def test_what_is_no_batch_is_refused_whole(shop: Shop, body: Any) -> None:
    shop.post("/conversions/batch", body, status=422)
    assert shop.orders() == {}


def test_an_order_that_loses_every_race_is_told_so_and_the_others_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = conversions.record

    def losing(session: Any, signer: Any, merchant_id: Any, reported: Order, **more: Any) -> Recorded:
        if reported.order_id == "b":
            raise RaceLost
        return record(session, signer, merchant_id, reported, **more)

    monkeypatch.setattr(conversions, "record", losing)
    results = batch(shop, order("a"), order("b"), order("c"), None)
    assert [one["status"] for one in results] == [201, 503, 201, 422]
    assert set(shop.orders()) == {"a", "c"}


def test_an_order_with_a_thousand_faults_is_told_of_a_hundred(shop: Shop) -> None:
    [refused] = batch(shop, {f"field-{number}": number for number in range(1000)})
    assert len(refused["problem"]["errors"]) == 100


def test_a_friend_who_orders_twice_in_a_batch_is_a_friend_once(shop: Shop) -> None:
    code = shop.link(shop.program())["code"]
    friend = {"customer_id": "ben"}
    results = batch(shop, *[order(f"o-{number}", referral=code, customer=friend) for number in range(5)])
    assert [one["conversion"]["status"] for one in results] == ["attributed"] + ["repeat"] * 4


def test_as_many_orders_as_there_can_be_are_taken(shop: Shop) -> None:
    results = batch(shop, *[order(f"o-{number}") for number in range(MOST_ORDERS)])
    assert {one["status"] for one in results} == {201}
    assert len(shop.orders()) == MOST_ORDERS


def test_a_batch_needs_a_checkouts_key(shop: Shop) -> None:
    shop.post("/conversions/batch", {"orders": [order("a")]}, status=403, scope="marketing")
