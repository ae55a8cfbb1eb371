"""Bad input over HTTP: a clear error, and nothing changes. A 500 is a bug, whatever was sent."""

from typing import Any

import pytest
from flask import Flask

from tests.shop import Shop

JSON = {"Content-Type": "application/json"}


def send(shop: Shop, body: bytes | str, *, path: str = "/v1/conversions", **headers: str) -> Any:
    sent = {"Authorization": f"Bearer {shop.keys['checkout']}", **JSON, **headers}
    return shop._send(path, method="POST", headers=sent, data=body)


def order(**replaced: str) -> str:
    """An order's JSON text, with raw text in the place of some values."""
    values = {"order_id": '"o-1"', "amount": "100", "currency": '"EUR"', "customer": '{"customer_id": "ben"}'}
    return "{" + ",".join(f'"{name}": {value}' for name, value in {**values, **replaced}.items()) + "}"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (order(amount="NaN"), 400),
        (order(amount="Infinity"), 400),
        (order(amount="-Infinity"), 400),
        (order(amount="1e400"), 400),
        (order(amount="1.9"), 422),
        (order(amount="9007199254740993.5"), 422),
        (order(amount="1e30"), 400),
        (order(amount="1e99999999999999999999999"), 400),
        (order(amount="1e-99999999999999999999999"), 400),
        (order(amount="0e99999999999999999999"), 400),
        (order(amount='"5"'), 422),
        (order(amount='"5_0"'), 422),
        (order(amount='"５"'), 422),
        (order(amount="true"), 422),
        (order(amount="null"), 422),
        (order(amount="[]"), 422),
        (order(amount="1" + "0" * 30), 400),
        (order(amount="9223372036854775808"), 400),
        (order(amount="9223372036854775807"), 422),
        (order(amount="-1"), 422),
        (order(amount="1" + "0" * 5000), 400),
        (order(currency='"eur"'), 422),
        (order(currency='"XXX"'), 422),
        (order(currency="978"), 422),
        (order(order_id='""'), 422),
        (order(order_id='" "'), 422),
        (order(order_id='"' + "x" * 256 + '"'), 422),
        (order(order_id='"a\\u0000b"'), 400),
        (order(order_id='"a\\ud800b"'), 400),
        (order(order_id='"a\\nb"'), 422),
        (order(customer="[]"), 422),
        (order(customer="null"), 422),
        (order(customer='"ben"'), 422),
        (order(customer='{"customer_id": 5}'), 422),
        (order(customer='{"customer_id": "..", "email": "ben@example.com"}'), 422),
        (order(customer='{"customer_id": "ben", "last_name": "x"}'), 422),
        (order(referral="5"), 422),
        (order(surprise="1"), 422),
        ('{"order_id": "a", "order_id": "b"}', 400),
        (order(customer='{"customer_id": "a", "customer_id": "b"}'), 400),
        ("[" * 100_000, 400),
        ('{"a":' * 100_000, 400),
        ("[" * 900 + '"\\u0041"' + "]" * 900, 422),
        ("", 400),
        ("{", 400),
        ("[]", 422),
        ("null", 422),
        ('"x"', 422),
        (b'{"order_id": "\xff"}', 400),
        (b'\xef\xbb\xbf{"order_id": "x"}', 400),
        ("x" * 1_000_001, 413),
    ],
)
def test_a_bad_body_is_refused_as_a_problem_and_changes_nothing(shop: Shop, body: bytes | str, status: int) -> None:
    response = send(shop, body)
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= response.json.keys()
    assert shop.get("/conversions")["data"] == []


@pytest.mark.parametrize(("literal", "amount"), [("1.0", 1), ("1e3", 1000), ("900719925474099.0", 900719925474099)])
def test_an_integer_may_be_spelled_as_json_schema_lets_it_be(shop: Shop, literal: str, amount: int) -> None:
    assert send(shop, order(amount=literal)).json["amount"] == amount


def test_a_real_surrogate_pair_and_a_real_name_are_welcome(shop: Shop) -> None:
    customer = '{"customer_id": "ben", "first_name": "Zo\\u00eb \\ud83c\\udf4e", "email": "zoe@example.com"}'
    assert send(shop, order(customer=customer)).status_code == 201
    assert shop.get("/customers/ben")["first_name"] == "Zoë 🍎"


@pytest.mark.parametrize(
    "query",
    ["limit=1_0", "limit=%D9%A3", "limit=+5", "limit=%205", "limit=1&limit=2", "order_id=%ff", "order_id=a%00b", "x=1"],
)
def test_a_query_is_read_as_strictly_as_a_body(shop: Shop, query: str) -> None:
    assert shop.get(f"/conversions?{query}", status=422)["errors"]
    assert shop.get(f"/ledger/trial-balance?{query}", status=422)["errors"]


def test_two_ids_never_become_one_by_bad_bytes(shop: Shop) -> None:
    assert shop.call("PUT", "/customers/x%ff", {"first_name": "A"}).status_code == 404
    assert shop.call("GET", "/customers/x%ed%a0%80").status_code == 404


def test_no_redirect_names_a_host_that_the_caller_claims(shop: Shop) -> None:
    response = shop._send("/v1//programs", method="GET", headers={"Host": "evil.example"})
    assert (response.status_code, response.headers.get("Location")) == (404, None)


def test_every_problem_type_leads_to_its_explanation(app: Flask, shop: Shop) -> None:
    reference = shop.call("GET", "/links/nonsense").json["type"], shop.order(ordered_at=1, status=422)["type"]
    page = app.test_client().get(reference[1].partition("#")[0])
    assert page.status_code == 200
    assert f'id="{reference[1].partition("#")[2]}"' in page.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
def test_a_body_that_is_not_json_is_415(shop: Shop, content_type: str) -> None:
    response = send(shop, order(), **{"Content-Type": content_type})
    assert (response.status_code, response.content_type) == (415, "application/problem+json")


def test_a_wrong_method_names_the_right_ones(shop: Shop) -> None:
    response = shop.call("DELETE", "/conversions")
    assert response.status_code == 405
    assert {"GET", "POST"} <= {method.strip() for method in response.headers["Allow"].split(",")}
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ["/nothing", "/programs/nonsense", "/conversions/1", "/links/x/y"])
def test_what_is_not_there_is_a_404_problem(shop: Shop, path: str) -> None:
    response = shop.call("GET", path)
    assert (response.status_code, response.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp4", "Bearer ok_admin_é", "Bearer " + "x" * 5000],
)
def test_a_missing_or_bad_key_is_401_and_says_what_is_wanted(shop: Shop, authorization: str) -> None:
    response = shop.call("GET", "/programs", scope="", Authorization=authorization)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("checkout", "POST", "/programs"),
        ("checkout", "GET", "/ledger/trial-balance"),
        ("checkout", "POST", "/rewards/01930000-0000-7000-8000-000000000000/deny"),
        ("marketing", "POST", "/conversions"),
        ("marketing", "POST", "/ledger/adjustments"),
        ("marketing", "POST", "/quotes"),
        ("marketing", "GET", "/programs"),
        ("checkout", "GET", "/stats/summary"),
        ("marketing", "POST", "/links"),
    ],
)
def test_a_key_of_another_scope_is_403(shop: Shop, scope: str, method: str, path: str) -> None:
    assert shop.call(method, path, {}, scope=scope).status_code == 403


def test_marketing_reads_rewards(shop: Shop) -> None:
    assert shop.get("/rewards", scope="marketing") == {"data": [], "next_cursor": None}


def test_every_answer_carries_a_request_id(shop: Shop) -> None:
    assert shop.call("GET", "/programs", X_Request_Id="my-id.1").headers["X-Request-Id"] == "my-id.1"
    for insane in ("a b", "x" * 129, "é", ""):
        given = shop.call("GET", "/nothing", X_Request_Id=insane).headers["X-Request-Id"]
        assert given != insane
        assert given


@pytest.mark.parametrize("customer_id", ["%00", "%ff", "a%0ab", "x" * 300, "..", "%F0%9F%8D%8E", "a b"])
def test_a_strange_customer_id_in_a_path_is_no_500(shop: Shop, customer_id: str) -> None:
    for path in ("", "/balance", "/statement"):
        assert shop.call("GET", f"/customers/{customer_id}{path}").status_code in (404, 422)
    assert shop.call("PUT", f"/customers/{customer_id}", {"first_name": "A"}).status_code in (200, 201, 404, 422)
