"""Publishable keys: what a browser may ask by itself."""

from datetime import UTC, datetime
from typing import Any

import pytest
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from service.conversions.api import browsers
from service.database.engine import Database
from service.merchants import keys
from service.merchants import tables as merchants
from tests.shop import Shop

SITE = "https://shop.example"


@pytest.fixture(autouse=True)
def _push_request_context() -> None:
    """In place of pytest-flask's: each request has a context of its own, as it has on a server."""


@pytest.fixture(autouse=True)
def _fresh_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browsers, "_window", MovingWindowRateLimiter(MemoryStorage()))


@pytest.fixture
def shop(shop: Shop, database: Database) -> Shop:
    """A merchant who also has a publishable key."""
    now = datetime.now(UTC)
    key = database.write(lambda session: keys.create(session, shop.merchant_id, "public", now=now)[1])
    return Shop(shop._send, {**shop.keys, "public": key}, shop.merchant_id)


def ask(shop: Shop, referral: str, *, origin: str | None = SITE, **fields: Any) -> Any:
    body = {"referral": referral, "amount": 5000, "currency": "EUR", **fields}
    headers = {"Origin": origin} if origin else {}
    return shop.call("POST", "/quotes", body, scope="public", **headers)


def test_a_browser_asks_for_a_quote_at_a_site_of_the_program(shop: Shop) -> None:
    assert shop.keys["public"].startswith("ok_public_")
    program = shop.program(destination_url="https://shop.example/welcome", allowed_hosts=["www.shop.example"])
    link = shop.link(program)
    shop.program(destination_url="https://OTHER.example:443/")
    assert ask(shop, link["code"], origin="https://other.example").status_code == 200
    for origin in (SITE, "https://www.shop.example"):
        answer = ask(shop, link["code"], origin=origin)
        assert answer.status_code == 200, answer.text
        assert answer.json["eligible"] is True
        assert answer.json["advocate_first_name"] == "Ana"
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]
    quoted = shop.order(referral=answer.json["quote"])
    assert quoted["status"] == "attributed"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://shop.example", "null", None, "x" * 5000])
def test_from_elsewhere_it_is_refused(shop: Shop, origin: str | None) -> None:
    link = shop.link(shop.program())
    answer = ask(shop, link["code"], origin=origin)
    assert answer.status_code == 403
    assert answer.json["type"].endswith("#origin-refused")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_another_merchants_site_is_elsewhere(shop: Shop, new_shop: Any) -> None:
    link = shop.link(shop.program())
    other = new_shop()
    other.program(destination_url="https://other.example/")
    assert ask(shop, link["code"], origin="https://other.example").status_code == 403


def test_it_asks_about_nobody(shop: Shop) -> None:
    link = shop.link(shop.program())
    answer = ask(shop, link["code"], customer={"customer_id": "gus"})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "customer"
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert ask(shop, link["code"], customer=None).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/customers/ana", None),
        ("GET", "/customers/ana/balance", None),
        ("GET", "/conversions", None),
        ("GET", "/programs", None),
        ("POST", "/conversions", {"order_id": "x", "amount": 1, "currency": "EUR", "customer": {"customer_id": "x"}}),
        ("POST", "/links", {}),
        ("POST", "/redemptions", {}),
        ("GET", "/stats/summary", None),
        ("GET", "/exports/customers.csv", None),
        ("GET", "/ledger/verification", None),
        ("POST", "/customers/ana/share-page", {}),
    ],
)
def test_it_is_good_for_nothing_else(shop: Shop, method: str, path: str, body: Any) -> None:
    answer = shop.call(method, path, body, scope="public", Origin=SITE)
    assert answer.status_code == 403
    assert answer.json["type"].endswith("#scope-missing")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_one_address_asks_no_more_than_a_person_would(shop: Shop) -> None:
    link = shop.link(shop.program())
    found = [ask(shop, link["code"]).status_code for _ in range(browsers.ALLOWED.amount + 1)]
    assert found == [200] * browsers.ALLOWED.amount + [429]
    answer = ask(shop, link["code"])
    assert answer.headers["Retry-After"]
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"
    assert answer.json["type"].endswith("#too-many-questions")
    secret = shop.call("POST", "/quotes", {"referral": link["code"], "amount": 1, "currency": "EUR"}, scope="checkout")
    assert secret.status_code == 200


def test_a_browser_is_told_beforehand_what_it_may_send(shop: Shop) -> None:
    answer = shop.call("OPTIONS", "/quotes", scope="", Origin=SITE, Access_Control_Request_Method="POST")
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SITE
    assert answer.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"
    elsewhere = shop.call("OPTIONS", "/conversions", scope="", Origin=SITE)
    assert "Access-Control-Allow-Origin" not in elsewhere.headers


def test_a_secret_key_gives_no_browser_anything_to_read(shop: Shop) -> None:
    link = shop.link(shop.program())
    body = {"referral": link["code"], "amount": 5000, "currency": "EUR"}
    answer = shop.call("POST", "/quotes", body, scope="checkout", Origin=SITE)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_revoked_key_is_refused(shop: Shop, database: Database) -> None:
    link = shop.link(shop.program())
    now = datetime.now(UTC)

    def revoke(session: Any) -> None:
        for key in merchants.keys(session, shop.merchant_id):
            if key.scope == "public":
                keys.revoke(session, shop.merchant_id, key.key_id, now=now)

    database.write(revoke)
    assert ask(shop, link["code"]).status_code == 401
