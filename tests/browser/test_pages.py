"""Every page in a real browser: on a phone and a desktop, in light and dark, with axe, without another host."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from service.database.engine import Database
from service.migrations import schema
from tests.conftest import missing
from tests.functional.conftest import CommandLine
from tests.serving import Server, serving
from tests.shop import BROWSER, Shop, over_network

pytestmark = pytest.mark.browser
SIZES = {"phone": (375, 667), "desktop": (1280, 800)}
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("browser")
    url = f"sqlite:///{folder / 'orchard.db'}"
    schema.upgrade(Database(url))
    with serving(url, folder, workers=2) as running:
        yield running


@pytest.fixture(scope="module")
def web_shop(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = server.log.parent
    made = CommandLine(f"sqlite:///{folder / 'orchard.db'}", folder).merchant("Tea & Sons")
    return Shop(over_network(server.base_url), made["keys"], made["merchant_id"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        missing("Chromium (in Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


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
    hosts, errors = _watch(page)
    path = PAGES[name](web_shop)
    page.goto(path if path.startswith("http") else server.base_url + path)
    _keep(page, f"{name}-{size}-{scheme}")
    assert hosts == {urlsplit(server.base_url).netloc}
    assert [error for error in errors if "404" not in error and "410" not in error] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.response["violations"] == []
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
    hosts, errors = _watch(page)
    page.goto(f"{server.base_url}/docs")
    page.wait_for_selector(".opblock")
    _keep(page, "docs")
    assert page.locator(".opblock").count() >= 29
    assert hosts == {urlsplit(server.base_url).netloc}
    assert errors == []
    page.close()


def _watch(page: Page) -> tuple[set[str], list[str]]:
    hosts: set[str] = set()
    errors: list[str] = []
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc) if request.url[:4] == "http" else None)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return hosts, errors


def _keep(page: Page, name: str) -> None:
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")
