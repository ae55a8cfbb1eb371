"""What somebody decides keeps by which key they did: adjustments, reviews, terms, late referrals."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from service.conversions.tables.conversions import Conversion
from service.database.engine import Database
from service.merchants.tables import ApiKey
from service.programs import programs
from service.programs.programs import ProgramFields
from tests.dashboard.visitor import Visitor, visitor_of
from tests.shop import Shop

NOTE = {"note": "By hand."}


def key_of(database: Database, shop: Shop, scope: str) -> str:
    """The id of the shop's key of this scope."""
    with database.reading() as session:
        query = select(ApiKey.key_id).where(ApiKey.merchant_id == shop.merchant_id, ApiKey.scope == scope)
        return str(session.scalars(query).one())


@pytest.fixture
def admin(database: Database, shop: Shop) -> str:
    """The id of the admin key, which is also the one that signs in."""
    return key_of(database, shop, "admin")


@pytest.fixture
def at_dashboard(app: Flask, shop: Shop) -> Visitor:
    """Somebody who is signed in with the admin key."""
    return visitor_of(app, shop, "admin")


def test_an_adjustment_keeps_its_key(shop: Shop, admin: str) -> None:
    shop.put("/customers/ana", {"first_name": "Ana"}, status=201)
    body = {"customer_id": "ana", "direction": "credit", "amount": 700, "currency": "EUR", "note": "Sorry."}
    made = shop.post("/ledger/adjustments", body)
    assert made["key_id"] == admin
    assert shop.get(f"/ledger/adjustments/{made['adjustment_id']}")["key_id"] == admin


@pytest.mark.parametrize("decision", ["deny", "release"])
def test_a_review_keeps_its_key(shop: Shop, admin: str, decision: str) -> None:
    order = shop.order(referral=shop.link(shop.program(hold_days=14))["code"])
    (reward, _) = order["rewards"]
    before = shop.get(f"/rewards?conversion_id={order['conversion_id']}")["data"]
    assert {each["review_key_id"] for each in before} == {None}
    assert shop.post(f"/rewards/{reward['reward_id']}/{decision}", NOTE, status=200)["review_key_id"] == admin


def test_a_review_on_the_dashboard_keeps_the_key_that_signed_in(shop: Shop, admin: str, at_dashboard: Visitor) -> None:
    order = shop.order(referral=shop.link(shop.program(hold_days=14))["code"])
    path = f"/orders/{order['conversion_id']}/rewards/{order['rewards'][0]['reward_id']}"
    assert at_dashboard.post(path, csrf_token=at_dashboard.token(""), decision="deny", **NOTE).status_code == 302
    (denied,) = shop.get(f"/rewards?conversion_id={order['conversion_id']}&status=denied")["data"]
    assert denied["review_key_id"] == admin


def test_terms_keep_the_key_that_set_them(shop: Shop, database: Database, admin: str) -> None:
    program = shop.program(hold_days=14)
    path = f"/programs/{program['program_id']}"
    shop.patch(path, {"hold_days": 30})
    program_id, fields, now = UUID(program["program_id"]), ProgramFields(hold_days=7), datetime.now(UTC)
    database.write(lambda session: programs.change(session, shop.merchant_id, program_id, fields, now=now))
    assert [version["key_id"] for version in shop.get(f"{path}/versions")["data"]] == [None, admin, admin]


def test_a_late_referral_keeps_its_key(shop: Shop, database: Database, admin: str, at_dashboard: Visitor) -> None:
    link = shop.link(shop.program())
    by_api, by_page = shop.order("eve"), shop.order("mia")
    shop.post(f"/conversions/{by_api['conversion_id']}/attribution", {"referral": link["code"], **NOTE}, status=200)
    path = f"/orders/{by_page['conversion_id']}/attribution"
    form = {"referral": link["code"], **NOTE}
    assert at_dashboard.post(path, csrf_token=at_dashboard.token(""), **form).status_code == 302
    with database.reading() as session:
        query = select(Conversion.late_attribution).where(Conversion.merchant_id == shop.merchant_id)
        assert {given["key_id"] for given in session.scalars(query) if given} == {admin}
