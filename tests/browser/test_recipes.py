"""The recipes of docs/storefront.md, as far as a browser runs them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.sites import Site, running
from tests.serving import Server
from tests.shop import BROWSER, Shop

pytestmark = pytest.mark.browser
DOCS = (Path(__file__).resolve().parents[2] / "docs" / "storefront.md").read_text()


def recipe(name: str, server: Server) -> str:
    """All that a recipe puts into the shop's pages."""
    blocks = re.findall(rf"<!-- recipe: {name} -->\n```html\n(.*?)```", DOCS, re.DOTALL)
    assert blocks
    return "".join(blocks).replace("https://orchard.example", server.base_url)


@pytest.fixture
def site() -> Iterator[Site]:
    """The shop's site."""
    with running() as site:
        yield site


@pytest.fixture
def token(web_shop: Shop, site: Site) -> str:
    """What a friend comes with."""
    return web_shop.visit(web_shop.link(web_shop.program(destination_url=f"{site.url}/")))


def arrived(browser: Browser, site: Site, html: str, token: str) -> Page:
    site.page = lambda _: f"<title>Shop</title>{html}"
    page = browser.new_page(user_agent=BROWSER)
    page.goto(f"{site.url}/?referral={token}")
    page.wait_for_function("window.orchard")
    return page


def test_plain_html_sends_the_referral_with_the_form(
    browser: Browser, server: Server, web_shop: Shop, site: Site, token: str
) -> None:
    page = arrived(browser, site, recipe("plain", server), token)
    page.get_by_role("button", name="Order").click()
    expect(page.get_by_role("heading")).to_have_text("Thank you")
    ((path, body),) = site.got
    assert (path, parse_qs(body)) == ("/order", {"referral": [token]})
    assert web_shop.order(referral=parse_qs(body)["referral"][0])["status"] == "attributed"
    page.close()


def test_a_single_page_shop_sends_it_with_its_own_call(
    browser: Browser, server: Server, site: Site, token: str
) -> None:
    page = arrived(browser, site, recipe("single-page", server), token)
    assert page.evaluate("window.placeOrder({order_id: 'x'})") is True
    ((path, body),) = site.got
    assert (path, json.loads(body)) == ("/api/orders", {"order_id": "x", "referral": token})
    assert page.evaluate("window.orchard.referral()") is None
    page.close()


def test_shopify_carries_it_as_an_attribute_of_the_cart(
    browser: Browser, server: Server, site: Site, token: str
) -> None:
    html = recipe("shopify", server)
    script, field, update = re.findall(
        r"<script async.*?</script>|<input.*?>|<script type.*?</script>", html, re.DOTALL
    )
    form = f'<form method="post" action="/cart">{field}<button>Check out</button></form>'
    page = arrived(browser, site, script + form + update, token)
    expect(page.locator("input")).to_have_value(token)
    page.get_by_role("button").click()
    expect(page.get_by_role("heading")).to_have_text("Thank you")
    sent: dict[str, Any] = dict(site.got)
    assert json.loads(sent["/cart/update.js"]) == {"attributes": {"referral": token}}
    assert parse_qs(sent["/cart"]) == {"attributes[referral]": [token]}
    page.close()
