"""The customer's page and the page for typing a code: in every language, scheme and size, by keyboard, in a frame."""

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from service.languages import KNOWN
from tests.browser.looking import SIZES, faults, keep, watch
from tests.browser.sites import running
from tests.browser.test_following import SHIFTED
from tests.serving import Server
from tests.shop import BROWSER, Shop

pytestmark = pytest.mark.browser
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MOST_BYTES = 40_000
Address = Callable[..., str]


@pytest.fixture(scope="module")
def program(web_shop: Shop) -> dict[str, Any]:
    """A program with everything that a page tells of."""
    return web_shop.program(
        friend_reward={"type": "percent", "rate": "10.00", "max_amount": 2000, "as": "discount"},
        tiers=[{"from_referral": 5, "advocate_reward": {"type": "fixed", "amount": 1500}}],
        hold_days=14,
        reward_expiry_days=365,
        destination_url="http://localhost:8123/",
    )


@pytest.fixture(scope="module")
def address(web_shop: Shop, program: dict[str, Any]) -> Address:
    """A page, full or empty, of somebody of this language."""

    def of(language: str, *, is_full: bool, first_name: str = "Ana") -> str:
        name = f"{first_name}-{language}-{is_full}"
        customer = {"first_name": first_name, "locale": language}
        link = web_shop.link(program, name, customer=customer)
        if is_full and not web_shop.get(f"/conversions?advocate_id={name}")["data"]:
            web_shop.visit(link)
            for friend, day in (("Gus", "2026-01-01"), ("Ida", "2026-02-01"), ("M" * 40, "2026-03-01")):
                buyer = f"{name}-{friend}"
                web_shop.order(
                    buyer, referral=link["code"], ordered_at=f"{day}T10:00:00Z", customer={"first_name": friend}
                )
            web_shop.order(f"{name}-new", referral=link["code"], customer={"first_name": "Kim"})
            web_shop.order(name, referral=link["code"])
            reserved = web_shop.reserve(name, 1500)
            web_shop.post(f"/redemptions/{reserved['redemption_id']}/capture", {}, status=200)
        body = {"program_id": program["program_id"], "return_url": "http://localhost:8123/account"}
        url: str = web_shop.post(f"/customers/{name}/share-page", body)["url"]
        return url

    return of


def opened(browser: Browser, size: str = "phone", **more: Any) -> Page:
    width, height = SIZES[size]
    return browser.new_page(viewport={"width": width, "height": height}, user_agent=BROWSER, **more)


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", KNOWN)
def test_the_page_is_good_for_everybody(
    browser: Browser, server: Server, address: Address, language: str, scheme: Literal["light", "dark"], size: str
) -> None:
    page = opened(browser, size, color_scheme=scheme)
    hosts, errors = watch(page)
    sizes: list[int] = []
    page.on("response", lambda response: sizes.append(len(response.body())))
    page.goto(address(language, is_full=True))
    page.wait_for_load_state("networkidle")
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    assert page.locator(".grown li").count() == 6
    assert page.evaluate(SHIFTED) == 0
    for summary in page.locator("summary").all():
        summary.click()
    assert faults(page) == []
    assert hosts == {urlsplit(server.base_url).netloc}
    assert errors == []
    assert sum(sizes) < MOST_BYTES
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    keep(page, f"share-{language}-{scheme}-{size}")
    page.close()


@pytest.mark.parametrize("first_name", ["A", "M" * 40])
def test_an_empty_page_says_what_will_appear(browser: Browser, address: Address, first_name: str) -> None:
    page = opened(browser)
    page.goto(address("en", is_full=False, first_name=first_name))
    expect(page.locator("main")).to_contain_text("Nothing yet. Once a friend follows your link, you will see it here.")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]
    assert faults(page) == []
    keep(page, f"share-empty-{len(first_name)}")
    page.close()


@pytest.mark.parametrize("language", KNOWN)
def test_what_is_written_goes_into_every_way_of_sharing(browser: Browser, address: Address, language: str) -> None:
    page = opened(browser)
    page.goto(address(language, is_full=False))
    words = page.locator("textarea")
    before = words.input_value()
    ways = page.locator("a.way")
    assert before in unquote(str(ways.first.get_attribute("href")))
    words.fill("")
    words.press_sequentially("s")
    words.press_sequentially("o")
    assert str(ways.first.get_attribute("href")).startswith("https://wa.me/?text=so%20http")
    words.fill("Schau mal: 10 % & mehr? 'für' $& dich!")
    for way in ways.all():
        href = unquote(str(way.get_attribute("href")))
        assert "via=" in href
        assert ("Schau mal: 10 % & mehr? 'für' $& dich!" in href) is ("facebook" not in href)
        assert before not in href
    page.close()


def test_the_phones_own_share_sheet_is_offered_where_there_is_one(browser: Browser, address: Address) -> None:
    page = opened(browser)
    page.add_init_script(
        "navigator.canShare = () => true; navigator.share = async (shared) => { window.shared = shared }"
    )
    page.goto(address("en", is_full=False))
    page.locator("textarea").fill("Look at this")
    page.get_by_role("button", name="Share …").click()
    shared = page.evaluate("window.shared")
    assert shared["text"] == "Look at this"
    assert shared["url"].endswith("?via=share")
    page.close()


def test_everything_is_reached_by_keyboard_alone(browser: Browser, address: Address) -> None:
    page = opened(browser)
    page.goto(address("en", is_full=True))
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim() || document.activeElement.tagName"))
    for needed in (
        "INPUT",
        "Copy",
        "Choose a code of your own",
        "WhatsApp",
        "Mastodon",
        "Save the picture",
        "Statement",
    ):
        assert needed in reached, needed
    assert "Back to the shop" in reached
    page.close()


def test_without_scripts_the_page_still_shares(browser: Browser, address: Address) -> None:
    page = opened(browser, java_script_enabled=False)
    page.goto(address("en", is_full=False))
    page.locator("textarea").fill("My own words")
    page.get_by_role("button", name="Use these words").click()
    assert "My own words" in unquote(str(page.locator("a.way").first.get_attribute("href")))
    assert not page.get_by_role("button", name="Copy").is_visible()
    page.close()


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_frame_shows_the_page_at_the_programs_sites_alone(browser: Browser, web_shop: Shop, is_allowed: bool) -> None:
    with running() as site:
        program = web_shop.program(destination_url=f"{site.url}/" if is_allowed else "https://shop.example/")
        web_shop.link(program, "framed")
        body = {"program_id": program["program_id"]}
        url = web_shop.post("/customers/framed/share-page", body)["url"]
        site.page = lambda _: f'<title>Account</title><iframe src="{url}" width=375 height=600></iframe>'
        page = opened(browser)
        page.goto(f"{site.url}/account")
        shown = page.frame_locator("iframe").locator("h1")
        said = "Share Tea & Sons with friends" if is_allowed else "Sorry, this page is not shown here"
        expect(shown).to_have_text(said)
        page.close()


def test_the_page_is_an_element_of_another_site(browser: Browser, server: Server, web_shop: Shop) -> None:
    with running() as site:
        program = web_shop.program(destination_url=f"{site.url}/")
        link = web_shop.link(program, "element")
        for number in range(25):
            web_shop.order(f"element-{number}", referral=link["code"], customer={"first_name": f"F{number}"})
        url = web_shop.post("/customers/element/share-page", {"program_id": program["program_id"]})["url"]
        element = f'<orchard-share src="{url}"><a href="{url}">Your page</a></orchard-share>'
        site.page = lambda _: (
            f'<title>Account</title><script src="{server.base_url}/orchard-share.js"></script>{element}'
        )
        page = opened(browser)
        _, errors = watch(page)
        page.goto(f"{site.url}/account")
        page.get_by_text("Choose a code of your own").click()
        page.get_by_label("A word that your friends will remember").fill("my element")
        page.keyboard.press("Enter")
        expect(page.locator("strong.code")).to_have_text("MY-ELEMENT")
        expect(page.locator("[data-answer]")).to_be_focused()
        page.get_by_role("link", name="Earlier ones").click()
        expect(page.locator(".grown")).to_contain_text("F0 ordered")
        expect(page.locator("#grown")).to_be_focused()
        page.get_by_role("link", name="The latest").click()
        expect(page.locator(".grown")).to_contain_text("F24 ordered")
        assert page.url == f"{site.url}/account"
        with page.expect_download() as saved:
            page.get_by_role("link", name="Save the picture").click()
        assert saved.value.suggested_filename == "MY-ELEMENT.png"
        assert page.url == f"{site.url}/account"
        assert errors == []
        assert url.rpartition("/")[2] not in server.log.read_text(), "no address of a page is logged"
        page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("language", KNOWN)
def test_a_code_is_typed_and_leads_on(
    browser: Browser, server: Server, web_shop: Shop, language: str, scheme: Literal["light", "dark"]
) -> None:
    link = web_shop.link(web_shop.program(friend_reward={"type": "fixed", "amount": 500, "as": "discount"}), "typed")
    page = opened(browser, color_scheme=scheme, locale=language)
    _, errors = watch(page)
    page.goto(link["short_url"].rpartition("/")[0])
    assert faults(page) == []
    page.get_by_role("textbox").fill("no such code")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("textbox").fill(link["code"].lower())
    page.keyboard.press("Enter")
    onward = page.locator("a.button")
    expect(onward).to_have_attribute("href", urlsplit(link["short_url"]).path)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]
    keep(page, f"typed-{language}-{scheme}")
    assert [error for error in errors if "404" not in error] == []
    page.close()
