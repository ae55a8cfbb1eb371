"""The page by which somebody reads what is known of them, opened as the file that it is, in every language."""

from io import BytesIO
from pathlib import Path
from typing import Literal
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser

from service.languages import KNOWN
from tests.browser.looking import SIZES, faults, keep, watch
from tests.shop import Shop

pytestmark = pytest.mark.browser
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture(scope="module")
def lived(web_shop: Shop) -> Shop:
    """Somebody who shared, ordered, spent, and has names that are longer than a phone is wide."""
    program = web_shop.program()
    name = "a-number-" + "4711" * 20
    told = {"first_name": "Ana", "email": "ana@example.com"}
    web_shop.order("ana", order_id=name, referral=web_shop.link(program, "zoe")["code"], customer=told)
    web_shop.put("/customers/ana", {"metadata": {"note": "W" * 400}})
    web_shop.put(f"/customers/{name}", {"email": "ana@example.com"}, status=201)
    code = web_shop.link(program, "ana", channel="a-channel-that-is-as-long-as-it-may-be")["code"]
    web_shop.refund(web_shop.order(referral=code), 2500, "half")
    redemption = web_shop.reserve("ana", 600)
    web_shop.post(f"/redemptions/{redemption['redemption_id']}/capture", status=200)
    return web_shop


@pytest.mark.parametrize("language", KNOWN)
def test_the_page_can_be_read_by_everybody_and_asks_nobody(
    browser: Browser, lived: Shop, tmp_path: Path, language: str
) -> None:
    lived.put("/customers/ana", {"locale": language})
    content = lived.call("GET", "/customers/ana/export", scope="checkout").content
    ZipFile(BytesIO(content)).extract("customer.html", tmp_path)
    for scheme in SCHEMES:
        for size, (width, height) in SIZES.items():
            page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
            hosts, errors = watch(page)
            page.goto(f"file://{tmp_path / 'customer.html'}")
            assert faults(page) == []
            assert (hosts, errors) == (set(), [])
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            keep(page, f"known-{language}-{scheme}-{size}")
            page.close()
