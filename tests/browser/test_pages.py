"""Every page in a real browser: on a phone and a desktop, in light and dark, with axe, without another host."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.browser.looking import SIZES, faults, keep, watch
from tests.serving import Server
from tests.shop import BROWSER, Shop

pytestmark = pytest.mark.browser


def _greeting(shop: Shop) -> str:
    program = shop.program(
        landing="page",
        minimum_order_amount=2050,
        friend_reward={"type": "percent", "rate": "12.50", "max_amount": 2000},
        hold_days=14,
    )
    return shop.link(program)["url"]


def _long_name(shop: Shop) -> str:
    name = "Maximiliana-Josephine-Alexandra-Theodora"
    return shop.link(shop.program(landing="page"), "long", customer={"first_name": name})["url"]


def _gone(shop: Shop) -> str:
    link = shop.link(shop.program())
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    return link["url"]


PAGES: dict[str, Callable[[Shop], str]] = {
    "index": lambda shop: "/",
    "no-demo": lambda shop: "/demo",
    "problems": lambda shop: "/docs/problems",
    "greeting": _greeting,
    "greeting-long": _long_name,
    "gone": _gone,
    "not-found": lambda shop: "/r/nonsense",
    "demo-shop": lambda shop: "/demo/shop?referral=" + "x" * 98,
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_is_good_for_everybody(
    browser: Browser, server: Server, web_shop: Shop, name: str, size: str, scheme: Any
) -> None:
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, user_agent=BROWSER, java_script_enabled=True
    )
    hosts, errors = watch(page)
    path = PAGES[name](web_shop)
    page.goto(path if path.startswith("http") else server.base_url + path)
    keep(page, f"{name}-{size}-{scheme}")
    assert hosts == {urlsplit(server.base_url).netloc}
    assert [error for error in errors if "404" not in error and "410" not in error] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == []
    page.close()


def test_the_greeting_fits_a_small_phone_and_its_one_button_is_reached_by_keyboard(
    browser: Browser, server: Server, web_shop: Shop
) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 667}, user_agent=BROWSER, java_script_enabled=False)
    page.goto(_greeting(web_shop))
    button = page.locator("a.button")
    assert button.count() == 1
    box = button.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 667
    assert box["height"] >= 44
    page.keyboard.press("Tab")
    assert page.locator("a.button:focus").count() == 1
    assert "referral=" in (button.get_attribute("href") or "")
    page.close()


def test_the_docs_page_shows_every_operation_from_us_alone(browser: Browser, server: Server) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    hosts, errors = watch(page)
    page.goto(f"{server.base_url}/docs")
    page.wait_for_selector(".opblock")
    keep(page, "docs")
    assert page.locator(".opblock").count() >= 29
    assert hosts == {urlsplit(server.base_url).netloc}
    assert errors == []
    page.close()
