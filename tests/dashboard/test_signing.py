"""Who gets in, for how long, and what does not let anybody in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from service.app import create_app
from service.dashboard import sessions, upkeep
from service.dashboard.pages.frame import FRAME_HEADERS, OPEN, local_path
from service.dashboard.tables import DashboardSession
from service.database.engine import Database
from service.merchants import keys
from service.merchants import tables as merchants
from service.settings import Settings
from tests.dashboard.visitor import Visitor
from tests.serving import SECRET
from tests.shop import Shop

Enter = Callable[..., Visitor]


def cookie(visitor: Visitor) -> str:
    found = visitor.client.get_cookie("orchard_dashboard", path="/dashboard")
    assert found is not None
    return found.value


def with_cookie(app: Flask, value: str) -> Visitor:
    visitor = Visitor(app)
    visitor.client.set_cookie("orchard_dashboard", value, path="/dashboard")
    return visitor


def is_in(visitor: Visitor) -> bool:
    return visitor.get("").status_code == 200


def test_every_page_leads_who_is_not_signed_in_to_the_sign_in(app: Flask, stranger: Visitor) -> None:
    paths, adapter = [], app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("dashboard.") and rule.endpoint not in OPEN and "GET" in (rule.methods or ()):
            values = {name: UUID(int=1) if name.endswith("_id") else "x" for name in rule.arguments}
            values |= {"customer_id": "x"} if "customer_id" in values else {}
            paths.append((rule.endpoint, adapter.build(rule.endpoint, values)))
    assert len(paths) > 9
    for endpoint, path in paths:
        assert adapter.match(path)[0] == endpoint
        answer = stranger.client.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/dashboard/sign-in"), path


@pytest.mark.parametrize("scope", ["marketing", "admin"])
def test_a_key_of_marketing_or_admin_lets_in(shop: Shop, enter: Enter, scope: str) -> None:
    visitor = enter(shop, scope)
    assert is_in(visitor)
    assert visitor.get("/sign-in").headers["Location"] == "/dashboard"


def test_what_is_no_key_of_these_lets_nobody_in(shop: Shop, stranger: Visitor, database: Database) -> None:
    checkout = stranger.sign_in(shop.keys["checkout"])
    assert checkout.status_code == 403
    assert "marketing or an admin key" in checkout.text
    for key in ("", "ok_marketing_nonsense", shop.keys["marketing"][:-1], shop.keys["marketing"] + "x", "\x00", "é"):
        assert stranger.sign_in(key).status_code == 401
    row, revoked = database.write(
        lambda session: keys.create(session, shop.merchant_id, "marketing", now=datetime.now(UTC))
    )
    database.write(lambda session: keys.revoke(session, shop.merchant_id, row.key_id, now=datetime.now(UTC)))
    assert "was revoked" in stranger.sign_in(revoked).text
    assert not is_in(stranger)


def test_the_cookie_is_for_the_dashboard_alone(app: Flask, database_url: str, shop: Shop, stranger: Visitor) -> None:
    said = stranger.sign_in(shop.keys["marketing"]).headers["Set-Cookie"]
    assert {"HttpOnly", "Path=/dashboard", "SameSite=Lax"} <= set(said.split("; "))
    assert shop.keys["marketing"] not in said
    served = create_app(Settings(database_url, (SECRET,), "https://friends.example", "local", "json", 0))
    assert "Secure" in Visitor(served).get("/sign-in").headers["Set-Cookie"].split("; ")
    served.extensions["orchard"].database.dispose()
    assert "Set-Cookie" not in app.test_client().get("/").headers


def test_a_form_without_its_token_changes_nothing(shop: Shop, stranger: Visitor, enter: Enter) -> None:
    key = shop.keys["marketing"]
    for token in ("", "x", enter(shop).token("")):
        answer = stranger.post("/sign-in", key=key, csrf_token=token)
        assert answer.status_code == 400
        assert "Please try once more" in answer.text
    assert not is_in(stranger)
    visitor = enter(shop)
    assert visitor.post("/sign-out").status_code == 400
    assert is_in(visitor)


def test_a_token_of_before_the_sign_in_is_good_for_nothing_after_it(shop: Shop, stranger: Visitor) -> None:
    before = stranger.token()
    assert stranger.post("/sign-in", key=shop.keys["marketing"], csrf_token=before).status_code == 302
    assert stranger.post("/sign-out", csrf_token=before).status_code == 400
    assert is_in(stranger)


def test_a_cookie_that_somebody_fixed_before_the_sign_in_is_nobodys_after_it(
    app: Flask, shop: Shop, stranger: Visitor
) -> None:
    stranger.get("/sign-in")
    fixed = cookie(stranger)
    stranger.sign_in(shop.keys["marketing"])
    assert cookie(stranger) != fixed
    assert is_in(stranger)
    assert not is_in(with_cookie(app, fixed))


def test_who_signs_out_is_out_wherever_the_cookie_went(app: Flask, shop: Shop, enter: Enter) -> None:
    visitor = enter(shop)
    kept = cookie(visitor)
    assert is_in(with_cookie(app, kept))
    assert visitor.post("/sign-out", csrf_token=visitor.token("")).headers["Location"] == "/dashboard/sign-in"
    assert not is_in(visitor)
    assert not is_in(with_cookie(app, kept))


def test_who_is_idle_for_an_hour_is_out(shop: Shop, enter: Enter) -> None:
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False) as clock:
        visitor = enter(shop)
        clock.shift(timedelta(minutes=59))
        assert is_in(visitor)
        clock.shift(timedelta(minutes=59))
        assert is_in(visitor)
        clock.shift(timedelta(minutes=60))
        assert not is_in(visitor)


def test_after_twelve_hours_everybody_is_out(shop: Shop, enter: Enter) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        visitor = enter(shop)
        for _ in range(23):
            clock.shift(timedelta(minutes=30))
            assert is_in(visitor)
        clock.shift(timedelta(minutes=30))
        assert not is_in(visitor)


def test_a_session_ends_with_its_key(shop: Shop, enter: Enter, database: Database) -> None:
    visitor, other = enter(shop, "marketing"), enter(shop, "admin")
    with database.reading() as session:
        [key] = [key for key in merchants.keys(session, shop.merchant_id) if key.scope == "marketing"]
    database.write(lambda session: keys.revoke(session, shop.merchant_id, key.key_id, now=datetime.now(UTC)))
    assert not is_in(visitor)
    assert is_in(other)


def test_an_altered_cookie_is_nobodys(app: Flask, shop: Shop, enter: Enter) -> None:
    good = cookie(enter(shop))
    body, moment, signature = good.split(".")
    for bad in (good[:-3], f"{body[:-2]}AA.{moment}.{signature}", f"{body}.{moment}.AAAA", "", "x", "é"):
        assert not is_in(with_cookie(app, bad))


def test_the_secret_of_one_merchant_opens_nothing_of_another(
    shop: Shop, new_shop: Callable[[], Shop], database: Database
) -> None:
    now, other = datetime.now(UTC), new_shop()
    with database.reading() as session:
        [key] = [key for key in merchants.keys(session, shop.merchant_id) if key.scope == "admin"]
    secret = database.write(lambda session: sessions.begin(session, shop.merchant_id, key.key_id, now=now))
    with database.reading() as session:
        assert sessions.find(session, shop.merchant_id, secret, now=now) is not None
        assert sessions.find(session, other.merchant_id, secret, now=now) is None


def test_whoever_tries_too_often_waits(shop: Shop, stranger: Visitor) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        statuses = [stranger.sign_in("ok_marketing_wrong").status_code for _ in range(1000)]
        assert statuses[:10] == [401] * 10
        assert set(statuses[10:]) == {429}
        refused = stranger.sign_in(shop.keys["marketing"])
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 61
        assert not is_in(stranger)
        clock.shift(int(refused.headers["Retry-After"]))
        assert stranger.sign_in(shop.keys["marketing"]).status_code == 302


def test_who_signs_in_rightly_may_do_so_as_often_as_they_like(shop: Shop, enter: Enter) -> None:
    for _ in range(25):
        assert is_in(enter(shop))


def test_the_page_that_was_asked_for_is_shown_after_the_sign_in(shop: Shop, stranger: Visitor) -> None:
    assert stranger.get("/orders?status=declined").headers["Location"] == "/dashboard/sign-in"
    assert stranger.sign_in(shop.keys["marketing"]).headers["Location"] == "/dashboard/orders?status=declined"


@pytest.mark.parametrize("path", ["/people/a%2Fb", "/people/%3Fx", "/people/100%25"])
def test_a_page_is_remembered_as_it_was_asked_for(shop: Shop, stranger: Visitor, path: str) -> None:
    stranger.get(path, environ_overrides={"RAW_URI": f"/dashboard{path}"})
    assert stranger.sign_in(shop.keys["marketing"]).headers["Location"] == f"/dashboard{path}"


def test_an_address_that_no_cookie_can_hold_is_not_remembered(shop: Shop, stranger: Visitor) -> None:
    said = stranger.get("/orders?channel=" + "x" * 5_000).headers["Set-Cookie"]
    assert len(said) < 4_000
    assert stranger.sign_in(shop.keys["marketing"]).headers["Location"] == "/dashboard"


def test_what_somebody_searched_for_is_not_remembered(shop: Shop, stranger: Visitor) -> None:
    stranger.get("/find?q=ana@example.com")
    assert stranger.sign_in(shop.keys["marketing"]).headers["Location"] == "/dashboard"


def test_who_signs_in_again_is_known_once(app: Flask, shop: Shop, enter: Enter) -> None:
    visitor = enter(shop)
    kept = cookie(visitor)
    assert visitor.post("/sign-in", key=shop.keys["admin"], csrf_token=visitor.token("")).status_code == 302
    assert is_in(visitor)
    assert not is_in(with_cookie(app, kept))


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example/dashboard",
        "/dashboardx",
        "/v1/programs",
        "javascript:alert(1)",
        "/dashboard\\@evil.example",
        "/dashboard/sign-in",
        "/dashboard/sign-in/",
        "",
        "dashboard",
    ],
)
def test_a_sign_in_leads_nowhere_but_to_the_dashboard(path: str) -> None:
    assert local_path(path) == "/dashboard"


def test_every_page_says_that_nothing_foreign_may_run_or_frame_it(stranger: Visitor, marketer: Visitor) -> None:
    pages = ["", "/orders", "/find?q=x", "/nowhere", "?from=x", "/orders/" + str(UUID(int=1))]
    for answer in (stranger.get("/sign-in"), *map(marketer.get, pages)):
        assert answer.content_type.startswith("text/html")
        assert {name: answer.headers[name] for name in FRAME_HEADERS} == FRAME_HEADERS
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert "<script>" not in answer.text
    policy = FRAME_HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_worker_forgets_sessions_that_are_over(shop: Shop, enter: Enter, database: Database) -> None:
    enter(shop)
    later = datetime.now(UTC) + timedelta(hours=2)

    def count() -> int:
        with database.reading() as session:
            return session.query(DashboardSession).filter_by(merchant_id=shop.merchant_id).count()

    upkeep.forget_sessions(database, datetime.now(UTC))
    assert count() == 1
    upkeep.forget_sessions(database, later)
    assert count() == 0
