"""A referral from beginning to end, clicked through at the demo's shop: share, follow, order, give back, look."""

import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.looking import SIZES, faults, keep, watch
from tests.functional.conftest import ORCHARD
from tests.serving import free_port
from tests.shop import BROWSER

pytestmark = pytest.mark.browser
PHONE: Any = {"width": 375, "height": 667}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo as `make run` serves it; where."""
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    database = {"ORCHARD_DATABASE_URL": f"sqlite:///{folder / 'orchard.db'}", "PYTHONUNBUFFERED": "1"}
    log = folder / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [ORCHARD, "demo", "--serve", str(port)],
            env={**os.environ, **database},
            cwd=folder,
            stdout=output,
            stderr=output,
        )
    try:
        for _ in range(600):
            if b"Listening at" in log.read_bytes():
                break
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(20)


def someone(browser: Browser) -> Page:
    """Somebody with a phone of their own."""
    context = browser.new_context(viewport=PHONE, user_agent=BROWSER, permissions=["clipboard-read", "clipboard-write"])
    return context.new_page()


def page_of(page: Page, demo: str, name: str) -> None:
    """Open a customer's page by way of their account."""
    page.goto(f"{demo}/demo/shop/account?name={name}")
    page.get_by_role("link", name="It is also a page of its own.").click()


def test_the_whole_story_can_be_clicked_through(browser: Browser, demo: str) -> None:
    ana, gus = someone(browser), someone(browser)
    _, errors = watch(ana)
    _, also = watch(gus)
    page_of(ana, demo, "Ana")
    ana.get_by_role("button", name="Copy").click()
    expect(ana.get_by_role("status")).to_have_text("Copied")
    link = ana.evaluate("navigator.clipboard.readText()")
    assert link == ana.get_by_role("textbox", name="Your link", exact=True).input_value()
    keep(ana, "story-1-share")

    gus.goto(link)
    expect(gus.get_by_role("complementary", name="From a friend")).to_contain_text("Ana gives you 10%")
    assert "referral" not in gus.url
    keep(gus, "story-2-shelf")
    gus.get_by_role("button", name="Buy A round teapot").click()
    expect(gus.locator("#quote")).to_have_text("Ana sent you: you pay €40.50.")
    gus.get_by_label("Your first name").fill("Gus")
    keep(gus, "story-3-basket")
    gus.get_by_role("button", name="Order").click()
    expect(gus.get_by_role("heading", level=1)).to_have_text("Thank you, Gus")
    expect(gus.locator("main")).to_contain_text("The service says: attributed")
    expect(gus.locator("main")).to_contain_text("Ana (advocate): €10.00 as credit, available.")
    ana.reload()
    expect(ana.locator(".grown li").first).to_contain_text("Gus ordered: €10.00 for you, ready to be spent.")
    gus.get_by_role("button", name="Give half of it back").click()
    expect(gus.locator("main")).to_contain_text("€20.25 came back to you")
    keep(gus, "story-4-thanks")
    ana.reload()
    newest = ana.locator(".grown li").first
    expect(newest).to_contain_text("Ripe")
    expect(newest).to_contain_text("Gus ordered: €5.00 for you, ready to be spent. A part of the order was given back.")
    keep(ana, "story-5-grown")
    assert errors + also == []


def test_credit_is_spent_at_the_checkout_and_a_code_is_typed(browser: Browser, demo: str) -> None:
    ida, ben = someone(browser), someone(browser)
    page_of(ida, demo, "Ida")
    code = ida.locator("strong.code").inner_text()
    ben.goto(f"{demo}/demo/shop/basket?ware=pot")
    ben.get_by_label("Your first name").fill("Ben")
    ben.get_by_label("A friend's code, if you have one").fill(code.lower().replace("-", " "))
    ben.get_by_role("button", name="Order").click()
    expect(ben.locator("main")).to_contain_text("The service says: attributed")
    ida.goto(f"{demo}/demo/shop/basket?ware=tea")
    ida.get_by_label("Your first name").fill("Ida")
    ida.get_by_label("Pay with my credit, as far as it goes").check()
    ida.get_by_role("button", name="Order").click()
    page_of(ida, demo, "Ida")
    expect(ida.locator(".grown")).to_contain_text("Ben ordered: €10.00, which you have spent.")


def test_the_page_is_an_element_of_the_shops_own(browser: Browser, demo: str) -> None:
    page = someone(browser)
    _, errors = watch(page)
    page.goto(f"{demo}/demo/shop/account?name=Olga")
    expect(page.get_by_role("heading", name="Your link")).to_be_visible()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    page.get_by_text("Choose a code of your own").click()
    page.get_by_label("A word that your friends will remember").fill("Olgas tea")
    page.get_by_role("button", name="Take it").click()
    expect(page.locator("strong.code")).to_have_text("OLGAS-TEA")
    page.get_by_text("Choose a code of your own").click()
    page.get_by_label("A word that your friends will remember").fill("x")
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_role("alert")).to_contain_text("4 to 32 letters")
    keep(page, "story-widget")
    assert [error for error in errors if "422" not in error] == []


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize(
    "path", ["shop", "shop/basket?ware=pot", "shop/account?name=Ana", "shop/account?name=" + "M" * 40]
)
def test_the_demos_shop_is_good_for_everybody(browser: Browser, demo: str, path: str, size: str) -> None:
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, user_agent=BROWSER)
    hosts, errors = watch(page)
    page.goto(f"{demo}/demo/{path}")
    page.wait_for_load_state("networkidle")
    assert len(hosts) == 1
    assert errors == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == []
    keep(page, f"demo-{path.partition('?')[0].replace('/', '-')}-{size}-{len(path)}")
    page.close()


def test_without_scripts_the_shops_own_form_still_works(browser: Browser, demo: str) -> None:
    context = browser.new_context(viewport=PHONE, user_agent=BROWSER, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{demo}/demo/shop/basket?ware=cups")
    page.get_by_label("Your first name").fill("Kim")
    page.get_by_label("A friend's code, if you have one").fill("nobodys code")
    page.get_by_role("button", name="Order").click()
    expect(page.locator("main")).to_contain_text("The service says: declined (invalid_referral).")
