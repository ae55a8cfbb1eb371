"""All that is known of somebody, to be taken along: a document, and a page in their language."""

import json
import re
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from tests.shop import Shop


def taken(shop: Shop, customer: str = "ana", **headers: str) -> tuple[dict[str, Any], str]:
    """(document, page) of the export."""
    response = shop.call("GET", f"/customers/{customer}/export", scope="checkout", **headers)
    assert (response.status_code, response.content_type) == (200, "application/zip")
    assert response.headers["Cache-Control"] == "no-store"
    with ZipFile(BytesIO(response.data)) as archive:
        assert archive.namelist() == ["customer.json", "customer.html"]
        return json.loads(archive.read("customer.json")), archive.read("customer.html").decode()


@pytest.fixture
def lived(shop: Shop) -> Shop:
    """Ana was brought by Zoe, ordered, brought Ben and Cleo, and spent."""
    program = shop.program()
    told = {"first_name": "Ana", "email": "ana@example.com", "locale": "de"}
    shop.order("ana", referral=shop.link(program, "zoe")["code"], customer=told, metadata={"gift": "yes"})
    shop.put("/customers/anas-other-account", {"email": "ANA@example.com"}, status=201)
    link = shop.link(program, "ana", metadata={"place": "mail"})
    shop.visit(link)
    for friend in ("ben", "cleo"):
        shop.refund(shop.order(friend, referral=link["code"]), 2500, "half")
    redemption = shop.reserve("ana", 600)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
    shop.post(f"/redemptions/{redemption['redemption_id']}/returns", {"return_id": "back", "amount": 100})
    late = {"referral": shop.link(program, "zoe")["code"], "note": "She called.", "overrule": []}
    of_ana = shop.order("ana")
    shop.post(f"/conversions/{of_ana['conversion_id']}/attribution", late, status=200)
    note = {"customer_id": "ana", "direction": "credit", "amount": 250, "currency": "EUR", "note": "Sorry, Ana!"}
    shop.post("/ledger/adjustments", note)
    return shop


def test_everything_that_is_known_of_somebody_is_there(lived: Shop) -> None:
    document, page = taken(lived)
    assert document["customer"]["email"] == "ana@example.com"
    assert document["other_accounts"] == ["anas-other-account"]
    assert document["friends_brought"] == 2
    assert document["brought_by_a_friend_at"] is not None
    assert [order["metadata"] for order in document["orders"]] == [{"gift": "yes"}, None]
    assert [order["late_attribution"] for order in document["orders"]] == [None, "She called."]
    assert [(link["metadata"], link["visits"]) for link in document["links"]] == [({"place": "mail"}, 1)]
    assert [reward["side"] for reward in document["rewards"]] == ["friend", "advocate", "advocate"]
    assert [(one["captured_amount"], one["returned_amount"]) for one in document["redemptions"]] == [(600, 100)]
    assert [one["note"] for one in document["adjustments"]] == ["Sorry, Ana!"]
    held = document["balances"][0]
    assert (held["available"], held["earned_total"], held["spent_total"]) == (1750, 2000, 500)
    assert len(document["statement"]) == len(lived.get("/customers/ana/statement?limit=200")["data"])
    assert document["statement"][0]["text"] == "Sorry, Ana!"
    for shown in ("ana@example.com", "Ana", "mail", "17,50", document["links"][0]["code"]):
        assert shown in page or shown == "mail"


def test_nothing_of_others_is_told(lived: Shop) -> None:
    document, page = taken(lived)
    whole = json.dumps(document) + page
    assert not re.search(r"\b(zoe|ben|cleo)\b", whole)


def test_the_page_is_in_the_language_of_the_customer_and_asks_nobody_for_anything(lived: Shop) -> None:
    _, page = taken(lived, Accept_Language="fr")
    assert '<html lang="de" dir="ltr">' in page
    assert "<h1>Was Acme über dich weiß</h1>" in page
    assert not re.search(r"(src|href|url\(|@import|<script|<link)", page)
    _, arabic = taken(lived, "zoe", Accept_Language="ar")
    assert '<html lang="ar" dir="rtl">' in arabic


def test_what_a_shop_wrote_is_no_markup(shop: Shop) -> None:
    shop.put("/customers/ida", {"first_name": "<b>Ida</b>", "metadata": {"<i>": "</dd><script>"}}, status=201)
    _, page = taken(shop, "ida")
    assert "<script>" not in page
    assert "&lt;b&gt;Ida&lt;/b&gt;" in page


def test_strangers_and_the_erased_have_no_export(lived: Shop, new_shop: Callable[[], Shop]) -> None:
    new_shop().get("/customers/ana/export", status=404)
    name = lived._expect(lived.call("DELETE", "/customers/ana"), 200)["customer_id"]
    lived.get("/customers/ana/export", status=404)
    document, _ = taken(lived, name)
    assert "Ana" not in json.dumps(document)
