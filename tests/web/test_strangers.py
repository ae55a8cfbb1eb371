"""Another merchant's key on every object of every endpoint: it does not exist, and nothing changes."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.shop import FIXED, Shop


def objects_of(shop: Shop) -> dict[str, str]:
    """One new object of each kind, by the name that it has in a path."""
    program = shop.program(hold_days=14)
    link = shop.link(program)
    order = shop.order("ben", referral=link["code"])
    shop.refund(order, 1, "given back")
    ripe = shop.link(shop.program(hold_days=0), "cleo")
    shop.order("dan", referral=ripe["code"])
    redemption = shop.reserve("cleo", 10)
    shop.put(f"/programs/{program['program_id']}/link-domain", {"host": "friends.shop.example"})
    adjusted = {"customer_id": "cleo", "direction": "credit", "amount": 1, "currency": "EUR", "note": "x"}
    return {
        "adjustment_id": shop.post("/ledger/adjustments", adjusted)["adjustment_id"],
        "account": shop.get("/ledger/accounts?customer_id=cleo")["accounts"][0]["account"],
        "program_id": program["program_id"],
        "link_id": link["link_id"],
        "conversion_id": order["conversion_id"],
        "order_id": order["order_id"],
        "refund_id": "given%20back",
        "reward_id": order["rewards"][0]["reward_id"],
        "redemption_id": redemption["redemption_id"],
        "transaction_id": shop.get("/ledger/transactions")["data"][0]["transaction_id"],
        "customer_id": "cleo",
        "code": link["code"],
    }


@pytest.fixture
def owned(shop: Shop) -> dict[str, str]:
    """The objects of this test's merchant."""
    return objects_of(shop)


CALLS: list[tuple[str, str, Any]] = [
    ("GET", "/programs/{program_id}", None),
    ("GET", "/programs/{program_id}/versions", None),
    ("PATCH", "/programs/{program_id}", {"status": "ended", "hold_days": 1}),
    ("POST", "/links", {"program_id": "{program_id}", "customer": {"customer_id": "x"}}),
    ("GET", "/programs/{program_id}/brand", None),
    ("PATCH", "/programs/{program_id}/brand", {"name": "x"}),
    ("GET", "/programs/{program_id}/link-domain", None),
    ("PUT", "/programs/{program_id}/link-domain", {"host": "a.example"}),
    ("GET", "/links/{link_id}", None),
    ("PATCH", "/links/{link_id}", {"status": "revoked"}),
    ("GET", "/customers/{customer_id}", None),
    ("GET", "/customers/{customer_id}/balance", None),
    ("POST", "/customers/{customer_id}/share-page", {"program_id": "{program_id}"}),
    ("GET", "/customers/{customer_id}/statement", None),
    ("GET", "/customers/{customer_id}/export", None),
    ("POST", "/customers/{customer_id}/merge", {"from": "x"}),
    ("DELETE", "/customers/{customer_id}", None),
    ("GET", "/conversions/{conversion_id}", None),
    ("GET", "/conversions/{conversion_id}/explanation", None),
    ("POST", "/conversions/{conversion_id}/refunds", {"refund_id": "r", "amount": 1}),
    ("GET", "/conversions/{conversion_id}/refunds", None),
    ("POST", "/refunds", {"order_id": "{order_id}", "refund_id": "r", "full": True}),
    ("POST", "/conversions/{conversion_id}/refunds/{refund_id}/reverse", None),
    ("POST", "/conversions/{conversion_id}/void", {"reason": "test"}),
    ("POST", "/voids", {"order_id": "{order_id}", "reason": "test"}),
    ("POST", "/conversions/{conversion_id}/reopen", None),
    ("POST", "/conversions/{conversion_id}/amendments", {"amendment_id": "a", "amount": 1}),
    ("POST", "/conversions/{conversion_id}/attribution", {"referral": "{code}", "note": "x"}),
    ("POST", "/rewards/{reward_id}/deny", {"note": "x"}),
    ("POST", "/rewards/{reward_id}/release", {"note": "x"}),
    ("POST", "/redemptions", {"customer_id": "{customer_id}", "amount": 1, "currency": "EUR"}),
    ("GET", "/redemptions/{redemption_id}", None),
    ("POST", "/redemptions/{redemption_id}/capture", {}),
    ("POST", "/redemptions/{redemption_id}/void", None),
    ("POST", "/redemptions/{redemption_id}/extend", {"expires_in": 60}),
    ("POST", "/redemptions/{redemption_id}/returns", {"return_id": "b", "amount": 1}),
    ("GET", "/ledger/transactions/{transaction_id}", None),
    ("GET", "/ledger/adjustments/{adjustment_id}", None),
    ("GET", "/ledger/accounts/{account}/statement?currency=EUR", None),
    ("GET", "/ledger/accounts?customer_id={customer_id}", None),
    (
        "POST",
        "/ledger/adjustments",
        {"customer_id": "{customer_id}", "direction": "credit", "amount": 1, "currency": "EUR", "note": "x"},
    ),
]


def filled(body: Any, owned: dict[str, str]) -> Any:
    """The body with the names of these objects in it."""
    return body and {name: value.format(**owned) if isinstance(value, str) else value for name, value in body.items()}


def test_a_strangers_key_finds_nothing_and_changes_nothing(
    shop: Shop, new_shop: Callable[[], Shop], owned: dict[str, str]
) -> None:
    stranger, before = new_shop(), _everything(shop, owned)
    for method, path, body in CALLS:
        response = stranger.call(method, path.format(**owned), filled(body, owned))
        assert response.status_code == 404, (method, path, response.text)
    assert _everything(shop, owned) == before


def test_lists_hold_nothing_of_another_merchants(new_shop: Callable[[], Shop], owned: dict[str, str]) -> None:
    stranger = new_shop()
    for path in (
        "/programs",
        "/links",
        "/conversions",
        "/rewards",
        "/redemptions",
        "/ledger/transactions",
        "/ledger/adjustments",
    ):
        assert stranger.get(path)["data"] == []
    for query in ("conversion_id={conversion_id}", "customer_id={customer_id}", "program_id={program_id}"):
        assert stranger.get(f"/rewards?{query}".format(**owned))["data"] == []
    assert stranger.get("/ledger/trial-balance") == {"accounts": [], "totals": []}
    assert stranger.get("/ledger/accounts")["accounts"] == []
    assert stranger.get("/ledger/liability")["by_age"] == []
    assert stranger.get("/ledger/verification")["transactions"] == 0


def test_two_merchants_may_use_the_same_names(shop: Shop, new_shop: Callable[[], Shop]) -> None:
    other = new_shop()
    for one in (shop, other):
        link = one.link(one.program(advocate_reward=FIXED, friend_reward=None))
        one.patch(f"/links/{link['link_id']}", {"code": "FRNDS"})
        assert one.order("ben", order_id="o-1", referral="frnds")["status"] == "attributed"
    assert shop.available("ana") == other.available("ana") == 1000


def test_every_path_with_an_object_is_tried(app: Any) -> None:
    spec = yaml.safe_load(app.extensions["orchard-openapi"]())
    with_objects = {
        (method.upper(), path.removeprefix("/v1"))
        for path, methods in spec["paths"].items()
        if "{" in path
        for method in methods
        if method != "parameters"
    }
    own_creation = {("PUT", "/customers/{customer_id}")}
    own_rows = {("GET", "/exports/{dataset}.{format}")}  # names no object: tests/statistics/test_exports.py
    images = {("GET", "/links/{link_id}/qr.{format}")}  # tests/links/test_qr.py
    assert with_objects - own_creation - own_rows - images == {
        (method, path.partition("?")[0]) for method, path, _ in CALLS if "{" in path.partition("?")[0]
    }


def _everything(shop: Shop, owned: dict[str, str]) -> list[Any]:
    reads = [(path, body) for method, path, body in CALLS if method == "GET"]
    return [shop.get(path.format(**owned)) for path, _ in reads] + [shop.get("/conversions"), shop.get("/rewards")]
