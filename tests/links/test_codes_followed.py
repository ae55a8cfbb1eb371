"""GET /c/{slug}/{code}"""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.shop import BROWSER, Shop


def follow(shop: Shop, path: str, **headers: str) -> Any:
    sent = {"User-Agent": BROWSER, "Accept-Language": "en", **headers}
    return shop._send(path, method="GET", headers=sent)


def path_of(link: dict[str, Any]) -> str:
    return urlsplit(link["short_url"]).path


def test_a_short_link_leads_as_the_long_one_does(shop: Shop) -> None:
    link = shop.link(shop.program())
    assert re.fullmatch(r"https?://[^/]+/c/[a-z0-9-]+/ANA-[A-Z0-9]{4}", link["short_url"])
    answer = follow(shop, path_of(link))
    assert answer.status_code == 302
    referral = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))["referral"]
    assert shop.visit(link) == referral
    assert shop.order("ben", referral=referral)["advocate_id"] == "ana"


@pytest.mark.parametrize("behind", ["/", ".", ")", "%20", "%E2%80%8B", "&utm_source=mail", "?utm_source=mail", "%22"])
def test_what_stands_behind_it_breaks_nothing(shop: Shop, behind: str) -> None:
    answer = follow(shop, path_of(shop.link(shop.program())) + behind)
    assert answer.status_code == 302
    said = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert said.get("utm_source") == ("mail" if "utm_source" in behind else None)


def test_it_is_matched_as_people_spell_it_and_old_codes_go_on_leading(shop: Shop) -> None:
    link = shop.link(shop.program())
    shop.patch(f"/links/{link['link_id']}", {"code": "Café Olé 10"})
    slug = path_of(link).split("/")[2]
    for spelt in ("cafe-ole-10", "CAFÉ OLÉ IO", "cafeole1o", "ｃａｆｅ–ｏｌｅ–１０"):
        assert follow(shop, f"/c/{slug}/{quote(spelt)}").status_code == 302, spelt
        assert follow(shop, f"/c/{slug.upper()}/{quote(spelt)}").status_code == 302, spelt
    assert follow(shop, path_of(link)).status_code == 302


def test_a_code_that_nobody_has_still_leads_to_the_shop(shop: Shop) -> None:
    link = shop.link(shop.program())
    slug = path_of(link).split("/")[2]
    for code in ("NOBODY-HAS-THIS", "x", "%00", "x" * 3_000):
        answer = follow(shop, f"/c/{slug}/{code}")
        assert answer.status_code == 404
        assert "Go to Acme" in answer.text
        assert "https://shop.example/welcome?a=1#top" in answer.text
        assert "referral=" not in answer.text


@pytest.mark.parametrize("slug", ["nobody", "%00", "x" * 3_000, "é", "..", "a%2Fb"])
def test_a_shop_that_nobody_knows_is_a_kind_404(shop: Shop, slug: str) -> None:
    answer = follow(shop, f"/c/{slug}/ANA-7K3F")
    assert answer.status_code == 404
    assert answer.content_type.startswith("text/html")


def test_another_shops_slug_does_not_know_the_code(new_shop: Any) -> None:
    one, other = new_shop(), new_shop()
    code = one.link(one.program())["code"]
    slug = path_of(other.link(other.program(destination_url="https://other.example/")))
    answer = follow(one, f"/c/{slug.split('/')[2]}/{code}")
    assert answer.status_code == 404
    assert "https://other.example/" in answer.text


def test_an_address_of_another_shop_is_no_referral_here(new_shop: Any) -> None:
    one, other = new_shop(), new_shop()
    for shop in (one, other):
        link = shop.link(shop.program())
        shop.patch(f"/links/{link['link_id']}", {"code": "WELCOME"})
    for shop, stranger in ((one, other), (other, one)):
        address = stranger.get("/links")["data"][0]["short_url"]
        assert shop.order(referral=address)["reasons"] == ["invalid_referral"]
        assert stranger.order(referral=address)["status"] == "attributed"


def test_what_is_no_name_is_in_no_code(shop: Shop) -> None:
    program = shop.program(landing="page")
    for name in ("olivia.x@example.com", "+491701234567", "www.evil.com"):
        link = shop.link(program, name.replace(".", "-"), customer={"first_name": name})
        assert re.fullmatch("[A-Z0-9]{4}-[A-Z0-9]{2}", link["code"])
