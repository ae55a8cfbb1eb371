"""What is refused is explained: what was wrong, and how to mend it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from service.database.engine import Database
from service.merchants import keys
from tests.shop import Shop


def _order(**fields: Any) -> dict[str, Any]:
    return {"order_id": "o-1", "amount": 5000, "currency": "EUR", "customer": {"customer_id": "ben"}, **fields}


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"amount": "50.00"}, "amount", "minor units: 50.00 euros are 5000"),
        ({"amount": 50.5}, "amount", "minor units"),
        ({"amount": True}, "amount", "minor units"),
        ({"discount_amount": "5"}, "discount_amount", "minor units"),
        ({"currency": "eur"}, "currency", "Write it as EUR."),
        ({"currency": " Eur"}, "currency", "Write it as EUR."),
        ({"currency": "EURO"}, "currency", "such as EUR"),
        ({"currency": "X" * 100_000}, "currency", "such as EUR"),
        ({"referal": "ANA-7K3F"}, "referal", "Did you mean referral?"),
        ({"orderId": "o-1"}, "orderId", "Did you mean order_id?"),
        ({"customer": {"customer_id": "ben", "e_mail": "x"}}, "customer.e_mail", "Did you mean email?"),
        ({"zzz": 1}, "zzz", "Unknown field."),
    ],
)
def test_a_usual_mistake_is_known_and_the_message_says_how(
    shop: Shop, changed: dict[str, Any], field: str, words: str
) -> None:
    problem = shop.post("/conversions", _order(**changed), status=422)
    [fault] = [fault for fault in problem["errors"] if fault["field"] == field]
    assert words in fault["message"]
    assert len(fault["message"]) < 200


def test_no_field_is_guessed_where_none_is_near(shop: Shop) -> None:
    [fault] = shop.post("/conversions", _order(zzz=1), status=422)["errors"]
    assert fault["message"] == "Unknown field."


def test_a_wrong_scope_names_the_one_of_the_key_and_the_one_that_is_needed(shop: Shop) -> None:
    said = shop.get("/programs", status=403, scope="checkout")["detail"]
    assert said == "This key's scope is checkout; what was asked needs a key of scope admin."
    said = shop.post("/quotes", {}, status=403, scope="marketing")["detail"]
    assert "scope is marketing" in said
    assert "scope admin or checkout" in said


def test_a_key_that_is_missing_unknown_or_revoked_is_told_apart(shop: Shop, database: Database) -> None:
    key = shop.keys["checkout"]
    revoked, revoked_key = database.write(
        lambda session: keys.create(session, shop.merchant_id, "checkout", now=datetime.now(UTC))
    )
    database.write(
        lambda session: keys.revoke(session, shop.merchant_id, revoked.key_id, now=datetime(2026, 3, 1, tzinfo=UTC))
    )
    for sent, kind, words in (
        ("", "key-missing", "Send the shop's"),
        ("Bearer ", "key-missing", "Send the shop's"),
        (f"Basic {key}", "key-missing", "Bearer ok_"),
        ("Bearer ok_checkout_x", "key-unknown", "to its last character"),
        (f"Bearer {key[:-1]}", "key-unknown", "to its last character"),
        (f"Bearer {keys.generate(shop.merchant_id, 'checkout')}", "key-unknown", "not a key of ours"),
        (f"Bearer {revoked_key}", "key-revoked", "revoked on 2026-03-01"),
    ):
        response = shop.call("GET", "/links", scope="", Authorization=sent)
        assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="orchard"')
        assert response.json["type"].endswith(f"#{kind}"), sent
        assert words in response.json["detail"]
        assert key[:-1] not in response.text


def test_a_problem_names_its_request(shop: Shop) -> None:
    response = shop.call("GET", "/conversions/nothing", X_Request_Id="mine-1")
    assert (response.status_code, response.json["request_id"]) == (404, "mine-1")
