"""A marketer's Monday in a real browser: by mouse and by keyboard, with scripts and without, in every size."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looking import SIZES, faults, keep, watch
from tests.serving import Server
from tests.shop import Shop

pytestmark = pytest.mark.browser
EVERY_SIZE = {**SIZES, "tablet": (768, 1024)}
NAMES = ("Ben", "Ö", "Maximiliana-Josephine-Alexandra-Theodora", "=cmd", "<b>Eve</b>", "ليلى")


@pytest.fixture(scope="module")
def grown(web_shop: Shop) -> dict[str, Any]:
    """Two months of orders: referred and not, refused, refunded, by two channels."""
    program = web_shop.program(name="Friends & Co", hold_days=14)
    links = [web_shop.link(program, f"ana-{channel}", channel=channel) for channel in ("mail", "chat")]
    now, orders = datetime.now(UTC), []
    for number in range(40):
        at = (now - timedelta(days=number * 1.4)).isoformat()
        name, code = f"friend-{number}", links[number % 2]["code"]
        contact = {"first_name": NAMES[number % len(NAMES)]}
        order = web_shop.order(name, referral=code, ordered_at=at, amount=3000 + number, customer=contact)
        orders.append(order)
    web_shop.refund(orders[0], 500, "r-1")
    web_shop.visit(links[0])
    web_shop.order(links[0]["customer_id"], referral=links[0]["code"])
    return {"program": program, "links": links, "orders": orders}


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a page of some size, with what it asks and what goes wrong watched."""
    opened: list[Page] = []

    def open_one(size: str = "desktop", **more: Any) -> Page:
        width, height = EVERY_SIZE[size]
        opened.append(browser.new_page(viewport={"width": width, "height": height}, **more))
        return opened[-1]

    yield open_one
    for page in opened:
        page.close()


def sign_in(page: Page, server: Server, shop: Shop, scope: str = "marketing") -> None:
    page.goto(f"{server.base_url}/dashboard")
    page.fill("#key", shop.keys[scope])
    page.click("text=Sign in")
    page.wait_for_url("**/dashboard")


def paths(grown: dict[str, Any]) -> dict[str, str]:
    order = grown["orders"][0]["conversion_id"]
    return {
        "overview": "/dashboard",
        "overview-empty": "/dashboard?from=2001-01-01&through=2001-01-07",
        "advocates": "/dashboard/advocates",
        "orchard": "/dashboard/orchard",
        "orchard-empty": "/dashboard/orchard?channel=none",
        "grove": "/dashboard/orchard?friends=11-25",
        "cohorts": "/dashboard/cohorts",
        "orders": "/dashboard/orders",
        "orders-empty": "/dashboard/orders?from=2001-01-01&through=2001-01-07",
        "order": f"/dashboard/orders/{order}",
        "programs": "/dashboard/programs",
        "program": f"/dashboard/programs/{grown['program']['program_id']}",
        "terms": f"/dashboard/programs/{grown['program']['program_id']}/terms",
        "person": "/dashboard/people/ana-mail",
        "friend": "/dashboard/people/friend-2",
        "nothing-found": "/dashboard/find?q=nobody",
        "no-page": "/dashboard/nowhere",
        "bad-address": "/dashboard?from=x",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(EVERY_SIZE))
def test_every_page_is_good_for_everybody(
    open_page: Callable[..., Page], server: Server, web_shop: Shop, grown: dict[str, Any], size: str, scheme: str
) -> None:
    page = open_page(size, color_scheme=scheme)
    hosts, errors = watch(page)
    page.goto(f"{server.base_url}/dashboard/sign-in")
    keep(page, f"dashboard-sign-in-{size}-{scheme}")
    assert faults(page) == []
    sign_in(page, server, web_shop, "admin")
    for name, path in paths(grown).items():
        page.goto(server.base_url + path)
        keep(page, f"dashboard-{name}-{size}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= EVERY_SIZE[size][0], name
        assert faults(page) == [], name
    assert hosts == {urlsplit(server.base_url).netloc}
    assert [error for error in errors if "404" not in error and "422" not in error] == []


@pytest.mark.parametrize("language", ["ar", "de"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_every_page_is_good_in_longer_words_and_from_right_to_left(
    open_page: Callable[..., Page], server: Server, web_shop: Shop, grown: dict[str, Any], size: str, language: str
) -> None:
    page = open_page(size, locale=language)
    _, errors = watch(page)
    page.goto(f"{server.base_url}/dashboard")
    page.fill("#key", web_shop.keys["admin"])
    page.click("form button.button")
    page.wait_for_url("**/dashboard")
    for name, path in paths(grown).items():
        page.goto(server.base_url + path)
        keep(page, f"dashboard-{name}-{size}-{language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= EVERY_SIZE[size][0], name
        assert faults(page) == [], name
    page.goto(f"{server.base_url}/dashboard")
    first, last = (page.locator(f"header .{name}").bounding_box() for name in ("brand", "search"))
    assert first is not None
    assert last is not None
    if size == "desktop":
        assert (first["x"] > last["x"]) == (language == "ar"), "the page is mirrored"
    assert page.evaluate("getComputedStyle(document.querySelector('.plot')).direction") == "ltr", "time is not"
    assert [error for error in errors if "404" not in error and "422" not in error] == []


def test_a_whole_monday(
    open_page: Callable[..., Page], server: Server, web_shop: Shop, grown: dict[str, Any], tmp_path: Any
) -> None:
    page = open_page(accept_downloads=True)
    sign_in(page, server, web_shop)
    assert page.locator(".plot canvas").count() == 1
    assert page.locator(".spark canvas").count() == 4
    page.click("text=13 weeks")
    days = dict(part.split("=") for part in urlsplit(page.url).query.split("&"))
    until = datetime.fromisoformat(days["through"]).date() + timedelta(days=1)
    asked = f"from={days['from']}&to={until}"
    summary = web_shop.get(f"/stats/summary?{asked}", scope="marketing")
    assert page.inner_text("#new_customers .figure") == str(summary["new_customers"]) == "40"
    assert page.inner_text("#net_revenue .figure") == f"€{summary['money'][0]['net_revenue'] / 100:,.2f}"
    page.select_option("#measure", "net_revenue")
    page.click("text=Show")
    assert "Net revenue" in page.inner_text("#series-title")
    page.click("text=The numbers behind it")
    with page.expect_download() as download:
        page.click("#series + p a, section[aria-labelledby=series-title] .export a")
    download.value.save_as(tmp_path / "series.csv")
    with (tmp_path / "series.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert sum(round(100 * float(row["net_revenue_EUR"])) for row in rows) == summary["money"][0]["net_revenue"]
    page.click("table#reasons a")
    assert page.locator("#orders tbody tr").count() == 1
    page.click("#orders tbody th a")
    assert "self_referral" in page.inner_text("main")
    order = grown["orders"][0]
    page.fill("#q", order["order_id"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/dashboard/orders/{order['conversion_id']}")
    assert (
        page.input_value("#answer")
        == web_shop.get(f"/conversions/{order['conversion_id']}/explanation")["customer_text"]
    )
    page.click("nav >> text=Orchard")
    page.click(".trees a >> nth=0")
    assert page.locator("svg.tree").count() == 1
    page.click("text=Sign out")
    page.wait_for_url("**/dashboard/sign-in")
    page.goto(f"{server.base_url}/dashboard/orders")
    assert page.url.endswith("/dashboard/sign-in")


def test_terms_are_changed_after_a_look_at_what_that_means(
    open_page: Callable[..., Page], server: Server, web_shop: Shop, grown: dict[str, Any]
) -> None:
    program = web_shop.program(name="Friends of tea", minimum_order_amount=2000)
    page = open_page("phone")
    sign_in(page, server, web_shop, "admin")
    page.goto(f"{server.base_url}/dashboard/programs/{program['program_id']}")
    page.click("text=Change the terms")
    page.fill("[id='advocate_reward.value']", "25,50")
    page.fill("#hold_days", "x")
    page.click("text=Show what would change")
    assert faults(page) == []
    keep(page, "dashboard-terms-refused-phone")
    assert page.get_attribute("#hold_days", "aria-invalid") == "true"
    page.fill("#hold_days", "21")
    page.click("text=Show what would change")
    assert faults(page) == []
    keep(page, "dashboard-preview-phone")
    assert page.locator("ins").all_inner_texts() == ["€25.50 as credit", "after 21 days"]
    assert "It is more than the smallest order" in page.inner_text("main")
    page.click("button:has-text('Change the terms')")
    page.wait_for_url("**/programs/*")
    assert "€25.50 as credit" in page.inner_text("dl.facts")
    changed = web_shop.get(f"/programs/{program['program_id']}")
    assert (changed["advocate_reward"]["amount"], changed["hold_days"]) == (2550, 21)


def test_the_whole_way_by_keyboard(
    open_page: Callable[..., Page], server: Server, web_shop: Shop, grown: dict[str, Any]
) -> None:
    page = open_page()
    page.goto(f"{server.base_url}/dashboard")

    def tab_to(text: str) -> None:
        for _ in range(60):
            page.keyboard.press("Tab")
            said = "document.activeElement.textContent.trim() || document.activeElement.id"
            if page.evaluate(said) == text:
                return
        raise AssertionError(f"No tab leads to {text}")

    tab_to("key")
    page.keyboard.type(web_shop.keys["marketing"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0
    tab_to("13 weeks")
    page.keyboard.press("Enter")
    page.wait_for_url("**from=**")
    tab_to("mail")
    page.keyboard.press("Enter")
    page.wait_for_url("**channel=mail**")
    assert "Channel:" in page.inner_text("main")
    tab_to("q")
    page.keyboard.type("friend-3")
    page.keyboard.press("Enter")
    page.wait_for_url("**/people/friend-3")
    tab_to("Sign out")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")


def test_without_scripts_everything_is_there_but_the_plots(
    open_page: Callable[..., Page], server: Server, web_shop: Shop, grown: dict[str, Any]
) -> None:
    page = open_page(java_script_enabled=False)
    sign_in(page, server, web_shop)
    page.click("text=13 weeks")
    assert page.inner_text("#new_customers .figure") == "40"
    assert page.locator("canvas").count() == 0
    page.click("text=The numbers behind it")
    assert page.locator("#series tbody tr").count() == 91
    assert page.locator("#channels tbody tr").count() == 2
    page.fill("#q", "friend-1")
    page.click("button:has-text('Search')")
    assert page.inner_text("h1") == "Ö"


def test_text_twice_as_large_hides_nothing(
    open_page: Callable[..., Page], server: Server, web_shop: Shop, grown: dict[str, Any]
) -> None:
    page = open_page()
    sign_in(page, server, web_shop)
    for path in paths(grown).values():
        page.goto(server.base_url + path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280, path


def test_nothing_moves_once_it_is_shown_and_little_is_sent(
    open_page: Callable[..., Page], server: Server, web_shop: Shop, grown: dict[str, Any]
) -> None:
    page = open_page()
    sign_in(page, server, web_shop)
    sent: list[int] = []
    page.on("response", lambda response: sent.append(len(response.body())))
    page.add_init_script(
        "window.moved = 0; const add = (list) => list.getEntries().forEach((entry) => window.moved += entry.value);"
        "new PerformanceObserver(add).observe({type: 'layout-shift', buffered: true})"
    )
    page.reload(wait_until="networkidle")
    assert page.evaluate("window.moved") < 0.01
    assert 0 < sum(sent) < 250_000


def test_another_site_cannot_frame_the_sign_in(open_page: Callable[..., Page], server: Server, web_shop: Shop) -> None:
    page = open_page()
    _, errors = watch(page)
    page.set_content(f'<iframe src="{server.base_url}/dashboard/sign-in" width="600" height="400"></iframe>')
    page.wait_for_timeout(500)
    assert any("frame-ancestors" in error for error in errors)
