from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from service.database.engine import Database
from service.ids import new_id
from service.links.evidence import link_token, read_visit
from service.links.following import with_referral
from service.links.visits import Visit
from service.tokens import TokenSigner
from tests.shop import BROWSER, Shop

Count = Callable[[dict[str, Any]], int]


@pytest.fixture
def visits(database: Database) -> Count:
    def count(link: dict[str, Any]) -> int:
        with database.reading() as session:
            query = select(func.count()).select_from(Visit).where(Visit.link_id == UUID(link["link_id"]))
            return session.scalar(query) or 0

    return count


def test_a_follow_leads_to_the_shop_with_a_visit_token(shop: Shop, signer: TokenSigner) -> None:
    link = shop.link(shop.program(destination_url="https://shop.example/tea?a=1&b=%20x&a=2#top"))
    response = shop.follow(link)
    location = urlsplit(response.headers["Location"])
    query = parse_qsl(location.query)
    assert response.status_code == 302
    assert (location.netloc, location.path, location.fragment) == ("shop.example", "/tea", "top")
    assert query[:3] == [("a", "1"), ("b", " x"), ("a", "2")]
    visit = read_visit(signer, dict(query)["referral"])
    assert visit is not None
    assert (visit.merchant_id, visit.link_id) == (shop.merchant_id, UUID(link["link_id"]))
    assert abs(datetime.now(UTC) - visit.visited_at) < timedelta(seconds=5)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Referrer-Policy"]


@pytest.mark.parametrize(
    ("destination", "onward"),
    [
        ("https://s.example", "https://s.example/?referral=T"),
        ("https://s.example/?", "https://s.example/?referral=T"),
        ("https://s.example/?referral=old&x=1", "https://s.example/?x=1&referral=T"),
        ("https://s.example/a?x=a+b%2Bc#f", "https://s.example/a?x=a+b%2Bc&referral=T#f"),
    ],
)
def test_what_was_in_the_query_stays(destination: str, onward: str) -> None:
    assert with_referral(destination, "T") == onward


@pytest.mark.parametrize(
    ("destination", "brought", "onward"),
    [
        ("https://s.example/", "utm_source=mail&fbclid=x", "https://s.example/?utm_source=mail&fbclid=x&referral=T"),
        (
            "https://s.example/?utm_source=own",
            "utm_source=mail&a=1",
            "https://s.example/?utm_source=own&a=1&referral=T",
        ),
        ("https://s.example/?%75tm=own", "utm=mail", "https://s.example/?%75tm=own&referral=T"),
        ("https://s.example/", "referral=stolen&%72eferral=stolen&=&x", "https://s.example/?referral=T"),
        ("https://s.example/#f", "a=%0d%0aSet-Cookie:x&b=//e.example", None),
        ("https://s.example/", "&utm_source=x?utm_medium=y", "https://s.example/?utm_source=x&utm_medium=y&referral=T"),
        ("https://s.example/", "a=" + "x" * 5_000, None),
    ],
)
def test_what_the_friend_brought_is_passed_on(destination: str, brought: str, onward: str | None) -> None:
    found = with_referral(destination, "T", brought)
    parts, pairs = urlsplit(found), parse_qsl(urlsplit(found).query)
    assert onward is None or found == onward
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "s.example", "/")
    assert [value for name, value in pairs if name == "referral"] == ["T"]
    assert len(found) < 1_200
    assert found.isascii()
    assert not set("\r\n ") & set(found)


BEHIND = (
    *("/", "//", ".", ")", ",", "…", "%20", "%22", "%3E", "%E2%80%8B", "%C2%A0"),
    *("&utm_source=mail", "?utm_source=mail", "/?utm_source=mail"),
)


@pytest.mark.parametrize("behind", BEHIND)
def test_what_mails_and_chats_put_behind_a_link_does_not_break_it(shop: Shop, visits: Count, behind: str) -> None:
    link = shop.link(shop.program())
    answer = shop._send(f"{urlsplit(link['url']).path}{behind}", method="GET", headers={"User-Agent": BROWSER})
    assert answer.status_code == 302
    said = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert said.get("utm_source") == ("mail" if "utm_source" in behind else None)
    assert visits(link) == 1
    assert shop.order("ben", referral=said["referral"])["status"] == "attributed"


def test_it_is_not_another_link_either(shop: Shop) -> None:
    path = urlsplit(shop.link(shop.program())["url"]).path
    for broken in (path[:-1], f"{path}x", f"{path}-", f"{path}_", f"/r/x/{path[3:]}", "/r/"):
        answer = shop._send(broken, method="GET", headers={"User-Agent": BROWSER})
        assert answer.status_code == 404, broken


def test_the_same_visitor_within_the_hour_is_one_visit(shop: Shop, visits: Count) -> None:
    link = shop.link(shop.program())
    with time_machine.travel(datetime(2026, 11, 5, 10, 50, tzinfo=UTC)) as clock:
        first = shop.visit(link)
        clock.shift(timedelta(minutes=59, seconds=59))
        assert shop.visit(link) == first
        assert visits(link) == 1
        clock.shift(timedelta(seconds=1))
        assert shop.visit(link) != first
        assert visits(link) == 2


def test_other_visitors_and_other_links_are_visits_of_their_own(shop: Shop, visits: Count) -> None:
    program = shop.program()
    one, other = shop.link(program), shop.link(program, "ben")
    assert len({shop.visit(one), shop.visit(one, User_Agent=BROWSER + " x"), shop.visit(other)}) == 3
    assert (visits(one), visits(other)) == (2, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"User_Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User_Agent": "facebookexternalhit/1.1"},
        {"User_Agent": "WhatsApp/2.23.20.0"},
        {"User_Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
        {"User_Agent": "TelegramBot (like TwitterBot)"},
        {"User_Agent": ""},
        {"Sec_Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X_Moz": "prefetch"},
    ],
)
def test_bots_and_previews_get_a_card_and_are_no_visit(shop: Shop, visits: Count, headers: dict[str, str]) -> None:
    link = shop.link(shop.program())
    response = shop.follow(link, **headers)
    assert response.status_code == 200
    assert '<meta property="og:title" content="Ana gives you €10 credit for your next order at Acme">' in response.text
    assert f"referral={link['url'].rpartition('/')[2]}" in response.text
    assert visits(link) == 0


def test_head_is_no_visit(shop: Shop, app: Flask, visits: Count) -> None:
    link = shop.link(shop.program())
    path = urlsplit(link["url"]).path
    response = app.test_client().head(path, headers={"User-Agent": BROWSER})
    assert (response.status_code, response.data, visits(link)) == (200, b"", 0)


def test_a_developers_tool_sees_what_a_person_would_and_is_no_visit(shop: Shop, visits: Count) -> None:
    link = shop.link(shop.program())
    referral = shop.visit(link, User_Agent="curl/8.5.0")
    assert visits(link) == 0
    assert shop.order(referral=referral)["status"] == "attributed"


def test_a_landing_page_greets_by_first_name_and_leads_on(shop: Shop, visits: Count) -> None:
    link = shop.link(shop.program(landing="page", minimum_order_amount=2050))
    response = shop.follow(link)
    assert response.status_code == 200
    assert "Ana gives you €10 credit for your next order at Acme" in response.text
    assert "The order must be €20.50 or more." in response.text
    assert "https://shop.example/welcome?a=1&amp;referral=" in response.text
    assert visits(link) == 1


def test_a_name_cannot_bring_markup_into_a_page(shop: Shop) -> None:
    link = shop.link(shop.program(landing="page"), customer={"first_name": '<script>"&'})
    assert "<script>" not in shop.follow(link).text


@pytest.mark.parametrize("token", ["x", "a.b", "AAAA." + "A" * 22, "%00", "%ff.%ff", "x" * 3000, "é"])
def test_a_link_that_we_did_not_sign_is_a_kind_404_page(shop: Shop, token: str) -> None:
    response = shop._send(f"/r/{token}", method="GET", headers={"User-Agent": BROWSER})
    assert response.status_code == 404
    assert response.content_type.startswith("text/html")
    assert "Sorry" in response.text


@pytest.mark.parametrize("lost", [1, 10, 22, 23, 40])
def test_a_link_that_lost_its_end_on_the_way_leads_to_the_shop(shop: Shop, lost: int) -> None:
    link = shop.link(shop.program())
    response = shop.follow({"url": link["url"][:-lost]})
    assert response.status_code == 404
    assert '<a class="button" href="https://shop.example/welcome?a=1#top">Go to Acme</a>' in response.text
    assert "referral=" not in response.text


def test_a_well_signed_link_that_does_not_exist_is_404(shop: Shop, signer: TokenSigner) -> None:
    token = link_token(signer, new_id(), new_id())
    assert shop._send(f"/r/{token}", method="GET", headers={"User-Agent": BROWSER}).status_code == 404


def _revoke(shop: Shop, link: dict[str, Any]) -> None:
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})


def _end(shop: Shop, link: dict[str, Any]) -> None:
    shop.patch(f"/programs/{link['program_id']}", {"status": "ended"})


@pytest.mark.parametrize("close", [_revoke, _end])
def test_a_closed_link_is_a_kind_410_page_that_still_leads_to_the_shop(
    shop: Shop, visits: Count, close: Callable[[Shop, dict[str, Any]], None]
) -> None:
    link = shop.link(shop.program())
    close(shop, link)
    for headers in ({}, {"User_Agent": "WhatsApp/2"}):
        response = shop.follow(link, **headers)
        assert response.status_code == 410
        assert "https://shop.example/welcome?a=1#top" in response.text
        assert "referral=" not in response.text
    assert visits(link) == 0


def test_an_expired_link_is_410(shop: Shop) -> None:
    expires_at = datetime.now(UTC) + timedelta(minutes=5)
    link = shop.link(shop.program(), expires_at=expires_at.isoformat())
    assert shop.follow(link).status_code == 302
    with time_machine.travel(expires_at, tick=False):
        assert shop.follow(link).status_code == 410


def test_a_paused_program_still_lets_friends_arrive(shop: Shop) -> None:
    program = shop.program()
    link = shop.link(program)
    shop.patch(f"/programs/{program['program_id']}", {"status": "paused"})
    assert shop.follow(link).status_code == 302
