"""The page that a friend comes to: in every language, both schemes, at any size of the letters, as the shop's own."""

from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from service.languages import KNOWN
from tests.brands.test_api import LOGO, SAID
from tests.browser.looking import faults, keep, watch
from tests.serving import Server
from tests.shop import BROWSER, Shop

pytestmark = pytest.mark.browser
NARROW = 320
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MOST_BYTES = 30_000
SHIFTED = """() => new Promise(resolve => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => sum += entry.value))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => resolve(sum), 200);
})"""


@pytest.fixture(scope="module")
def branded(web_shop: Shop) -> str:
    """A link of a shop that has said all that it can."""
    program = web_shop.program(
        landing="page",
        minimum_order_amount=2050,
        hold_days=14,
        reward_expiry_days=365,
        friend_reward={"type": "percent", "rate": "12.50", "max_amount": 2000},
        other_currencies={"USD": {"friend_reward": {"type": "fixed", "amount": 1200}}},
    )
    texts = {language: {"welcome": "Tea & Sons: " + "leaf " * 20} for language in KNOWN}
    web_shop.patch(f"/programs/{program['program_id']}/brand", {**SAID, "logo": LOGO, "texts": texts})
    url: str = web_shop.link(program, customer={"first_name": "Maximiliana-Josephine"})["url"]
    return url


def opened(browser: Browser, language: str, *, width: int = 375) -> Page:
    viewport: Any = {"width": width, "height": 667}
    return browser.new_page(viewport=viewport, user_agent=BROWSER, locale=language)


@pytest.mark.parametrize("language", KNOWN)
def test_a_friend_is_greeted_in_their_language_by_the_shop(
    browser: Browser, server: Server, branded: str, language: str
) -> None:
    page = opened(browser, language)
    hosts, errors = watch(page)
    sizes: list[int] = []
    page.on("response", lambda response: sizes.append(len(response.body()) if response.status == 200 else 0))
    page.goto(branded)
    page.wait_for_load_state("networkidle")
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    assert page.locator("a.button").count() == 1
    assert page.evaluate(SHIFTED) == 0
    assert sum(sizes) < MOST_BYTES
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        keep(page, f"following-{language}-{scheme}")
        assert faults(page) == []
    assert hosts == {urlsplit(server.base_url).netloc}
    assert errors == []
    page.close()


@pytest.mark.parametrize("language", KNOWN)
def test_it_is_read_on_the_smallest_phone_and_in_letters_of_twice_the_size(
    browser: Browser, branded: str, language: str
) -> None:
    page = opened(browser, language, width=NARROW)
    page.goto(branded)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    keep(page, f"following-{language}-twice")
    assert page.locator("a.button").is_visible()
    page.close()


def test_everything_is_reached_by_keyboard_and_works_without_scripts(browser: Browser, branded: str) -> None:
    page = browser.new_page(user_agent=BROWSER, java_script_enabled=False)
    page.goto(branded)
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.locator("a:focus").get_attribute("href"))
    assert "referral=" in (reached[0] or "")
    assert reached[1:] == [SAID["imprint_url"], SAID["privacy_url"], SAID["terms_url"]]
    page.close()
