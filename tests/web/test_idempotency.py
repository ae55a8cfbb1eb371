from collections.abc import Callable

import pytest

from tests.shop import Shop

BODY = {"order_id": "o-1", "amount": 100, "currency": "EUR", "customer": {"customer_id": "ben"}}


def test_the_same_key_and_body_get_the_stored_answer(shop: Shop) -> None:
    first = shop.call("POST", "/conversions", BODY, Idempotency_Key="k")
    respelled = dict(reversed(BODY.items()))
    again = shop.call("POST", "/conversions", respelled, Idempotency_Key="k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert again.headers["Idempotency-Replayed"] == "true"


def test_the_natural_key_holds_without_the_header(shop: Shop) -> None:
    shop.call("POST", "/conversions", BODY, Idempotency_Key="k")
    again = shop.call("POST", "/conversions", BODY, Idempotency_Key="other")
    assert again.status_code == 200
    assert "Idempotency-Replayed" not in again.headers


def test_the_same_key_with_another_body_or_path_is_refused(shop: Shop) -> None:
    shop.call("POST", "/conversions", BODY, Idempotency_Key="k")
    for path, body in (("/conversions", {**BODY, "amount": 101}), ("/redemptions", _redemption())):
        response = shop.call("POST", path, body, Idempotency_Key="k")
        assert response.status_code == 422
        assert response.json["type"].endswith("#idempotency-key-reused")


def test_a_refused_request_leaves_its_key_free(shop: Shop) -> None:
    assert shop.call("POST", "/redemptions", _redemption(), Idempotency_Key="k").status_code == 404
    assert shop.call("POST", "/conversions", BODY, Idempotency_Key="k").status_code == 201


def test_a_key_belongs_to_one_merchant(shop: Shop, new_shop: Callable[[], Shop]) -> None:
    shop.call("POST", "/conversions", BODY, Idempotency_Key="k")
    other = new_shop().call("POST", "/conversions", BODY, Idempotency_Key="k")
    assert other.status_code == 201
    assert "Idempotency-Replayed" not in other.headers


@pytest.mark.parametrize("key", ["", "x" * 256, "é"])
def test_a_key_that_cannot_be_is_refused(shop: Shop, key: str) -> None:
    response = shop.call("POST", "/conversions", BODY, Idempotency_Key=key)
    assert response.status_code == 422
    assert response.json["errors"][0]["field"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ["x" * 255, "a b", "~!@#"])
def test_any_printable_key_is_taken(shop: Shop, key: str) -> None:
    assert shop.call("POST", "/conversions", BODY, Idempotency_Key=key).status_code == 201


def _redemption() -> dict[str, object]:
    return {"customer_id": "ben", "amount": 100, "currency": "EUR"}
