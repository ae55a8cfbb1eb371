"""The page on which a friend types a code that they heard."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from service.links import tables
from tests.shop import BROWSER, Shop

HEADERS = {"User-Agent": BROWSER, "Accept-Language": "en"}


def slug_of(link: dict[str, Any]) -> str:
    slug: str = link["short_url"].split("/")[-2]
    return slug


def asked(client: FlaskClient, slug: str, code: str | None = None) -> Any:
    return client.get(f"/c/{slug}", query_string={"code": code} if code is not None else {}, headers=HEADERS)


def test_a_good_code_is_told_at_once_and_leads_on(shop: Shop, client: FlaskClient) -> None:
    link = shop.link(shop.program(friend_reward={"type": "percent", "rate": "10.00", "as": "discount"}))
    page = asked(client, slug_of(link), f' "{link["code"].lower().replace("-", " ")}". ')
    assert page.status_code == 200
    assert "Ana gives you 10% off your first order at Acme" in page.text
    onward = f"/c/{slug_of(link)}/{link['code']}"
    assert f'href="{onward}"' in page.text
    assert client.get(onward, headers=HEADERS).status_code == 302


def test_a_program_that_greets_does_so_itself(shop: Shop, client: FlaskClient) -> None:
    link = shop.link(shop.program(landing="page"))
    led = asked(client, slug_of(link), link["code"])
    assert (led.status_code, led.headers["Location"]) == (302, f"/c/{slug_of(link)}/{link['code']}")


@pytest.mark.parametrize("code", ["NOBODY-7K3F", "x", "<script>", "x" * 5000, "\x00", "\U0001f600", "../..", "%2F%2e"])
def test_an_unknown_code_is_refused_kindly(shop: Shop, client: FlaskClient, code: str) -> None:
    link = shop.link(shop.program())
    page = asked(client, slug_of(link), code)
    assert page.status_code == 404
    assert "Sorry, we do not know this code" in page.text
    assert "<script>" not in page.text
    assert 'role="alert"' in page.text


def test_nothing_typed_is_no_fault(shop: Shop, client: FlaskClient) -> None:
    link = shop.link(shop.program())
    for code in (None, "", "   "):
        page = asked(client, slug_of(link), code)
        assert (page.status_code, "Sorry" in page.text) == (200, False)


def test_a_code_that_has_ended_says_so(shop: Shop, client: FlaskClient) -> None:
    link = shop.link(shop.program())
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    page = asked(client, slug_of(link), link["code"])
    assert (page.status_code, "had its season" in page.text) == (410, True)


def test_another_shops_code_is_unknown_here(shop: Shop, new_shop: Any, client: FlaskClient) -> None:
    own, other = shop.link(shop.program()), new_shop()
    theirs = other.link(other.program())
    assert asked(client, slug_of(own), theirs["code"]).status_code == 404
    assert asked(client, "no-such-shop", own["code"]).status_code == 404
    assert asked(client, "../etc", own["code"]).status_code == 404


def test_without_the_database_there_is_a_moment_to_wait(
    shop: Shop, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = shop.link(shop.program())

    def away(*_: Any) -> None:
        raise OperationalError("select", {}, Exception("away"))

    monkeypatch.setattr(tables, "by_slug", away)
    page = asked(client, slug_of(link), link["code"])
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
