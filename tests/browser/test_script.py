"""orchard.js in the pages of a shop: what it takes, keeps, fills, asks and shows, and what it never does."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import faults
from tests.browser.sites import Site, running
from tests.functional.conftest import CommandLine
from tests.serving import Server
from tests.shop import BROWSER, Shop

pytestmark = pytest.mark.browser
STRICT = "default-src 'none'; img-src data:; script-src {base}; connect-src {base}; style-src 'self'"
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def public_key(server: Server, web_shop: Shop) -> str:
    """A publishable key of the shop."""
    folder = server.log.parent
    made = CommandLine(f"sqlite:///{folder / 'orchard.db'}", folder)("key", "create", "--scope", "public")
    return made.strip()


@pytest.fixture(scope="module")
def site(server: Server) -> Iterator[Site]:
    """The shop's site: its pages are the same for everybody, as out of a cache, and forbid inline code."""
    with running() as site:
        site.headers = {"Content-Security-Policy": STRICT.format(base=server.base_url)}
        yield site


def page_with(script: str, said: dict[str, str]) -> str:
    """A page of the shop with the script and these settings."""
    settings = " ".join(f'data-{name}="{value}"' for name, value in said.items())
    return (
        f'<html lang="{said.get("language", "en")}"><title>Shop</title>'
        f'<script src="{script}/orchard.js" {settings} async></script><main><h1>Shop</h1><div id="here"></div>'
        '<form action="/order"><input type="hidden" name="referral"><input name="typed" aria-label="Code"></form>'
    )


@pytest.fixture(scope="module")
def link(web_shop: Shop, site: Site) -> dict[str, Any]:
    """Ana's link: ten percent for a friend."""
    reward = {"type": "percent", "rate": "10.00", "as": "discount"}
    return web_shop.link(web_shop.program(friend_reward=reward, destination_url=f"{site.url}/"))


@pytest.fixture
def visit(browser: Browser, server: Server, site: Site, public_key: str) -> Iterator[Visit]:
    """Opens a page of the shop that has the script, with these settings; every page of one test is one visitor's."""
    context = browser.new_context(user_agent=BROWSER, locale="en")
    errors: list[str] = []
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))

    def open_page(path: str = "/", *, before: str = "", **said: str) -> Page:
        html = page_with(server.base_url, {"key": public_key, **said})
        site.page = lambda _: html
        page = context.new_page()
        if before:
            page.add_init_script(before)
        page.goto(site.url + path)
        page.wait_for_function("window.orchard")
        return page

    yield open_page
    context.close()
    assert errors == [], "no error ever reaches the shop's console"


def kept(page: Page) -> str | None:
    found: str | None = page.evaluate("window.orchard.referral()")
    return found


def field(page: Page) -> str:
    return page.locator('input[name="referral"]').input_value()


def test_a_referral_is_taken_kept_filled_in_and_the_address_cleaned(
    visit: Visit, web_shop: Shop, link: dict[str, Any], site: Site
) -> None:
    token = web_shop.visit(link)
    page = visit(f"/tea?a=1&referral={token}&b=%20x#top")
    assert kept(page) == token
    assert page.url == f"{site.url}/tea?a=1&b=%20x#top"
    expect(page.locator('input[name="referral"]')).to_have_value(token)
    later = visit("/checkout")
    assert kept(later) == token
    expect(later.locator('input[name="referral"]')).to_have_value(token)
    order = web_shop.order(referral=kept(later), amount=4500)
    assert order["status"] == "attributed"


@pytest.mark.parametrize("rubbish", ["x", "<script>", "%00", "a.b", "." * 50, "x" * 3000, "summer-sale", "%E0%A4%A"])
def test_rubbish_is_left_where_it_is(visit: Visit, rubbish: str) -> None:
    page = visit(f"/?referral={rubbish}")
    assert kept(page) is None
    assert "referral=" in page.url
    assert field(page) == ""


@pytest.mark.parametrize(("touch", "wins"), [("last", 1), ("first", 0)])
def test_of_two_advocates_in_two_tabs_the_shop_says_who_wins(
    visit: Visit, web_shop: Shop, link: dict[str, Any], touch: str, wins: int
) -> None:
    tokens = [web_shop.visit(link), web_shop.visit(link, User_Agent=BROWSER + " two")]
    assert tokens[0] != tokens[1]
    first = visit(f"/?referral={tokens[0]}", touch=touch)
    second = visit(f"/?referral={tokens[1]}", touch=touch)
    assert kept(first) == kept(second) == tokens[wins]
    expect(first.locator('input[name="referral"]')).to_have_value(tokens[wins])
    assert "referral" not in second.url


def test_nothing_is_stored_before_consent_and_all_is_gone_when_it_is_withdrawn(
    visit: Visit, web_shop: Shop, link: dict[str, Any]
) -> None:
    token = web_shop.visit(link)
    page = visit(f"/?referral={token}", consent="required")
    stored = "JSON.stringify(localStorage) + document.cookie"
    assert kept(page) == token, "for this page alone"
    assert page.evaluate(stored) == "{}"
    assert token in page.url
    page.evaluate("window.orchard.consent(true)")
    assert token in page.evaluate(stored)
    assert token not in page.url
    assert kept(visit("/", consent="required")) == token
    page.evaluate("window.orchard.consent(false)")
    assert page.evaluate(stored) == "{}"
    assert kept(page) is None
    assert field(page) == ""
    assert kept(visit("/", consent="required")) is None


def test_what_is_withdrawn_in_one_tab_is_gone_in_all(visit: Visit, web_shop: Shop, link: dict[str, Any]) -> None:
    token = web_shop.visit(link)
    first = visit(f"/?referral={token}", banner="#here")
    expect(first.locator("aside")).to_be_visible()
    second = visit("/", banner="#here")
    second.evaluate("window.orchard.consent(false)")
    expect(second.locator("aside")).to_have_count(0)
    expect(first.locator('input[name="referral"]')).to_have_value("")
    assert kept(first) is None


def test_who_says_no_before_anything_was_stored_comes_again_with_nothing(
    visit: Visit, web_shop: Shop, link: dict[str, Any]
) -> None:
    page = visit(f"/?a=1&referral={web_shop.visit(link)}", consent="required")
    page.evaluate("window.orchard.consent(false)")
    assert page.url.endswith("/?a=1")
    page.reload()
    page.wait_for_function("window.orchard")
    assert kept(page) is None


def test_global_privacy_control_is_respected(visit: Visit, web_shop: Shop, link: dict[str, Any]) -> None:
    token = web_shop.visit(link)
    control = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"
    page = visit(f"/?referral={token}", before=control)
    assert kept(page) == token
    assert page.evaluate("localStorage.length") == 0
    assert kept(visit("/", before=control)) is None


def test_a_cookie_of_the_shops_own_holds_it_where_the_shop_says_so(
    visit: Visit, web_shop: Shop, link: dict[str, Any]
) -> None:
    token = web_shop.visit(link)
    page = visit(f"/?referral={token}", storage="cookie", days="7")
    (cookie,) = page.context.cookies()
    assert (cookie["name"], cookie["path"], cookie["sameSite"]) == ("orchard", "/", "Lax")
    assert page.evaluate("localStorage.length") == 0
    assert kept(visit("/", storage="cookie")) == token
    page.evaluate("window.orchard.forget()")
    assert page.context.cookies() == []


@pytest.mark.parametrize(
    "broken",
    [
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})",
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
        "Storage.prototype.getItem = () => '~~~nonsense'",
        "AbortSignal.timeout = undefined",
        "window.fetch = undefined",
        "history.replaceState = () => { throw new Error('too often') }",
    ],
)
def test_what_throws_in_a_browser_never_reaches_the_shop(
    visit: Visit, web_shop: Shop, link: dict[str, Any], broken: str
) -> None:
    token = web_shop.visit(link)
    page = visit(f"/?referral={token}", before=broken, banner="")
    assert kept(page) == token
    expect(page.locator('input[name="referral"]')).to_have_value(token)


def test_what_is_too_old_is_no_more(visit: Visit, web_shop: Shop, link: dict[str, Any]) -> None:
    token = web_shop.visit(link)
    page = visit(f"/?referral={token}", days="2")
    page.evaluate("(token) => localStorage.setItem('orchard', `${token}~${Date.now() - 172800001}`)", token)
    assert kept(visit("/", days="2")) is None


def test_what_the_customer_typed_stays(visit: Visit, web_shop: Shop, link: dict[str, Any]) -> None:
    token = web_shop.visit(link)
    page = visit(f"/?referral={token}", field="input[name=typed]")
    expect(page.get_by_label("Code")).to_have_value(token)
    page.get_by_label("Code").fill("ANA-7K3F")
    page.evaluate("document.querySelector('form').dispatchEvent(new Event('submit', {bubbles: true}))")
    assert page.get_by_label("Code").input_value() == "ANA-7K3F"


def test_a_form_that_a_single_page_shop_makes_later_is_filled_when_it_is_sent(
    visit: Visit, web_shop: Shop, link: dict[str, Any]
) -> None:
    token = web_shop.visit(link)
    page = visit(f"/?referral={token}")
    sent = page.evaluate("""() => {
      history.pushState({}, "", "/checkout");
      const form = document.createElement("form");
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "referral";
      form.append(field);
      document.body.append(form);
      form.addEventListener("submit", (event) => event.preventDefault());
      form.requestSubmit();
      return field.value;
    }""")
    assert sent == token


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "Ana gives you 10% off your first order at Tea & Sons"), ("de-AT", "Ana schenkt dir 10"), ("ar", "Ana")],
)
def test_a_banner_tells_the_offer_in_the_pages_language(
    visit: Visit, web_shop: Shop, link: dict[str, Any], language: str, said: str
) -> None:
    page = visit(f"/?referral={web_shop.visit(link)}", banner="#here", language=language)
    banner = page.locator("#here aside")
    expect(banner).to_contain_text(said)
    assert banner.get_attribute("lang") == language.partition("-")[0]
    assert banner.get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    assert faults(page) == []
    banner.get_by_role("button").click()
    expect(banner).to_have_count(0)


def test_a_banner_that_was_closed_stays_closed(visit: Visit, web_shop: Shop, link: dict[str, Any]) -> None:
    page = visit(f"/?referral={web_shop.visit(link)}", banner="#here")
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.wait_for_load_state("networkidle")
    assert kept(page) is not None
    assert page.locator("aside").count() == 0


def test_a_banner_without_a_place_stands_at_the_foot(visit: Visit, web_shop: Shop, link: dict[str, Any]) -> None:
    page = visit(f"/?referral={web_shop.visit(link)}", banner="")
    expect(page.locator("body > aside")).to_be_visible()
    assert faults(page) == []


def test_a_banner_promises_nothing_that_is_not_given(visit: Visit, web_shop: Shop, site: Site) -> None:
    program = web_shop.program(destination_url=f"{site.url}/")
    link = web_shop.link(program)
    token = web_shop.visit(link)
    web_shop.patch(f"/programs/{program['program_id']}", {"status": "paused"})
    page = visit(f"/?referral={token}", banner="#here")
    page.wait_for_load_state("networkidle")
    assert page.locator("aside").count() == 0


def test_a_quote_is_asked_with_the_publishable_key(visit: Visit, web_shop: Shop, link: dict[str, Any]) -> None:
    page = visit(f"/?referral={web_shop.visit(link)}")
    quote = page.evaluate("window.orchard.quote({amount: 5000, currency: 'EUR'})")
    assert (quote["eligible"], quote["payable_amount"], quote["advocate_first_name"]) == (True, 4500, "Ana")
    page.evaluate("window.orchard.forget()")
    assert page.evaluate("window.orchard.quote({amount: 5000, currency: 'EUR'})") is None


def test_a_service_that_does_not_answer_never_slows_the_shop(
    visit: Visit, web_shop: Shop, link: dict[str, Any], server: Server
) -> None:
    page = visit(f"/?referral={web_shop.visit(link)}")
    page.route(f"{server.base_url}/v1/quotes", lambda route: None)
    took = page.evaluate("""async () => {
      const began = performance.now();
      const quote = await window.orchard.quote({amount: 1, currency: "EUR"});
      return [quote, performance.now() - began];
    }""")
    assert took[0] is None
    assert took[1] < 5_000
