"""Every statement that a merchant's request asks is about that merchant's rows alone, as its plan says.

So it is answered by one machine of many: a plan is made from what is given, as Citus makes it, and a comparison with
NULL would have taken the merchant out of it.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import Engine, event

from service.app import create_app
from service.database.driver import CheckoutConnection
from service.database.engine import Database
from service.database.prepared import _Prepared
from service.merchants import keys
from service.migrations.distribution import EVERYWHERE
from service.settings import Settings
from service.statistics.exports.columns import DATASETS
from tests.brands.test_api import LOGO
from tests.dashboard.test_editing import form_of
from tests.dashboard.visitor import visitor_of
from tests.serving import SECRET
from tests.shop import Shop
from tests.web.test_strangers import CALLS, filled, objects_of

Asked = tuple[str, Any]
OF_A_MERCHANT = re.compile(r"\bmerchant_id = ")
NOT_PLANNED = ("SET ", "COPY ", "CREATE ", "BEGIN", "ANALYZE", "DROP ", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Asked]]:
    """What any PostgreSQL is asked from here on: the statements of SQLAlchemy, and those past it, with their values."""
    asked: list[Asked] = []
    run = _Prepared.run

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        asked.append((statement, values[0] if many else values))

    def note_prepared(prepared: _Prepared, driver: Any, given: Any) -> Any:
        asked.append((prepared.text, prepared.values(given)))
        return run(prepared, driver, given)

    monkeypatch.setattr(_Prepared, "run", note_prepared)
    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


@pytest.fixture
def app(postgres_database: Database) -> Iterator[Flask]:
    """The service on PostgreSQL."""
    url = postgres_database.engine.url.render_as_string(hide_password=False)
    app = create_app(Settings(url, (SECRET,), "http://localhost:8000", "local", "json", 0))
    yield app
    app.extensions["orchard"].database.dispose()


@pytest.fixture
def shop(app: Flask) -> Shop:
    """A merchant there."""
    database: Database = app.extensions["orchard"].database
    now = datetime.now(UTC)
    merchant, made = database.write(lambda s: keys.create_merchant(s, "Acme", "EUR", now=now))
    return Shop(app.test_client().open, made, merchant.merchant_id)


OF_NOBODY = (
    "assets.",
    "demo.",
    "service.",
    *(f"dashboard.{name}" for name in ("static", "vendor", "nowhere", "back_to_order")),
    *(f"sharing.{name}" for name in ("static", "widget")),
    *(f"storefront.{name}" for name in ("newest_script", "script")),
    "brand_pages.accent",
)
"""Endpoints that ask nothing of a merchant's objects; the demo is no part of a service."""
LISTS = (
    "/customers?email=eve%40friend.example",
    "/programs",
    "/links?customer_id=ana",
    "/links",
    "/conversions",
    "/conversions?order_id=o",
    "/rewards?customer_id=ana",
    "/rewards",
    "/redemptions",
    "/redemptions?customer_id=cleo",
    "/brand",
    "/ledger/transactions",
    "/ledger/adjustments",
    "/ledger/accounts",
    "/ledger/trial-balance",
    "/ledger/liability",
    "/ledger/verification",
    *(f"/stats/{name}" for name in ("summary", "timeseries", "channels", "reasons", "cohorts", "advocates")),
)
PAGES = ("", "/programs", "/orders", "/advocates", "/cohorts", "/find?q=ana", "/people/cleo", "/tables/advocates.csv")


def take_the_tour(app: Flask, shop: Shop) -> None:
    """Ask all that can be asked of a merchant's objects: over the API, at the dashboard and by links."""
    objects = objects_of(shop)
    _follow(app, shop, objects)
    _order(shop, objects)
    shop.put("/customers/eve", {"first_name": "Eve", "email": "eve@friend.example"}, status=201)
    logo = shop.patch("/brand", {"name": "Acme & Daughters", "logo": LOGO})["logo_url"]
    app.test_client().get(path_of(logo))
    for path in LISTS:
        shop.get(path)
    for dataset in DATASETS:
        for form in ("csv", "jsonl", "xlsx"):
            shop.call("GET", f"/exports/{dataset}.{form}").get_data()
    shop.call("GET", f"/links/{objects['link_id']}/qr.svg")
    _look_around(app, shop, objects)
    for method, path, body in sorted(CALLS, key=lambda call: (call[0] != "GET", call[0] == "DELETE")):
        shop.call(method, path.format(**objects), filled(body, objects))
    shop.call("POST", "/customers/ana/merge", {"from": "dan"})


def path_of(url: str) -> str:
    """The address without its host."""
    return re.sub(r"^https?://[^/]+", "", url)


def _follow(app: Flask, shop: Shop, objects: dict[str, str]) -> None:
    link = shop.get(f"/links/{objects['link_id']}")
    shop.follow(link)
    shop.follow({"url": link["short_url"]})
    page = shop.post("/customers/ana/share-page", {"program_id": objects["program_id"]})
    path, token, typed = path_of(page["url"]), link["url"].rpartition("/")[2], path_of(link["short_url"])
    client = app.test_client()
    shop_of, _, code = typed.rpartition("/")
    for address in (path, f"{path}/qr.svg", f"/cards/{token}.png", f"/offers/{token}.json", f"{shop_of}?code={code}"):
        assert client.get(address).status_code < 400, address
    client.post(f"{path}/code", data={"code": "ANAS-TEA"})
    client.post(path, data={"message": "x"})


def _order(shop: Shop, objects: dict[str, str]) -> None:
    """Orders and quotes: without a referral, with one of each kind, of nobody, and of a person with two customers."""
    link = shop.get(f"/links/{objects['link_id']}")
    visit, price = shop.visit(link), {"amount": 5000, "currency": "EUR"}
    mailbox = {"email": "fay@friend.example"}
    referrals: list[dict[str, str]] = [{}, *({"referral": one} for one in (link["code"], visit, "no-such-code"))]
    for referral in referrals:
        for who in ({}, {"customer": {"customer_id": "fay"}}, {"customer": mailbox}):
            shop.call("POST", "/quotes", {**price, **referral, **who})
    shop.order("plain")
    for buyer, came_by in (("fay", visit), ("gus", link["code"]), ("fay", link["code"])):
        shop.order(buyer, referral=came_by, customer=mailbox)
    nobodys = {"order_id": "till", "customer": {}, **price}
    shop.call("POST", "/conversions", nobodys)
    shop.post("/conversions/batch", {"orders": [nobodys, {**nobodys, "order_id": "o"}]}, status=200)
    known = {"Authorization": f"Bearer {shop.keys['admin']}", "Content-Type": "text/csv"}
    shop._send("/v1/customers/import", method="POST", headers=known, data="customer_id,email\nzoe,zoe@friend.example\n")


def _look_around(app: Flask, shop: Shop, objects: dict[str, str]) -> None:
    at = visitor_of(app, shop, "admin")
    program, order = f"/programs/{objects['program_id']}", f"/orders/{objects['conversion_id']}"
    for path in (*PAGES, program, f"{program}/terms", order, "/orchard"):
        assert at.get(path, follow_redirects=True).status_code == 200, path
    token = at.token(order)
    at.post(f"{order}/rewards/{objects['reward_id']}", csrf_token=token, decision="release", note="x")
    at.post(f"{order}/attribution", csrf_token=token, referral=objects["code"], note="x", overrule="existing_customer")
    form = form_of(at.get(f"{program}/terms").text)
    for step in ("preview", "keep"):
        at.post(f"{program}/terms", **{**form, "hold_days": "30", "step": step})
    at.post(f"{program}/status", csrf_token=token, status="paused")
    at.post("/sign-out", csrf_token=token)


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The steps of a plan that read a table, and those that read nothing as nothing could be found."""
    if ("Relation Name" in plan and plan["Node Type"] != "ModifyTable") or plan.get("One-Time Filter") == "false":
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans(part)


def is_of_a_merchant(scan: dict[str, Any]) -> bool:
    """Whether this step reads one merchant's rows, or what is on every machine."""
    conditions = " ".join(scan.get(kind, "") for kind in ("Index Cond", "Recheck Cond", "Filter"))
    return bool(OF_A_MERCHANT.search(conditions)) or scan.get("Relation Name") in (*EVERYWHERE, "alembic_version")


def plan_of(connection: CheckoutConnection, statement: str, values: Any) -> Any:
    """How PostgreSQL would answer, with these values known to it."""
    asked = f"EXPLAIN (FORMAT JSON) {statement}"
    if isinstance(values, list):
        (row,) = connection.ask(asked, values)
    else:
        row = connection.execute(asked, values).fetchone() or ()
    return row[0][0]["Plan"]


def test_whatever_is_asked_of_a_merchants_objects_is_of_one_merchant(
    app: Flask, shop: Shop, asked: list[Asked]
) -> None:
    seen: set[str] = set()

    @app.before_request
    def note() -> None:
        seen.add(str(request.endpoint))

    del asked[:]
    take_the_tour(app, shop)
    missed = {rule.endpoint for rule in app.url_map.iter_rules()} - seen
    database: Database = app.extensions["orchard"].database
    astray: dict[str, Any] = {}
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("SET plan_cache_mode = force_custom_plan")
        for statement, values in asked:
            if statement.lstrip().startswith(NOT_PLANNED):
                continue
            for scan in scans(plan_of(driver, statement, values)):
                if not is_of_a_merchant(scan):
                    astray[statement] = scan, values
    assert not astray, "\n\n".join(f"{statement}\n{why}" for statement, why in astray.items())
    assert {name for name in missed if not name.startswith(OF_NOBODY)} == set()
