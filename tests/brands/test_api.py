import base64
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.shop import BROWSER, Shop

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 10"><path d="M0 0h9v9z"/></svg>'
LOGO = base64.b64encode(SVG).decode()
SAID = {
    "name": "Acme Teas",
    "accent": "#7A1F5C",
    "imprint_url": "https://shop.example/imprint",
    "privacy_url": "https://shop.example/privacy",
    "terms_url": "https://shop.example/terms",
    "texts": {"en": {"welcome": "The best leaves of the year.", "button": "To the teas"}},
}


def seen(shop: Shop, path: str, **headers: str) -> Any:
    sent = {"User-Agent": BROWSER, "Accept-Language": "en", **headers}
    return shop._send(urlsplit(path).path, method="GET", headers=sent)


def test_a_shop_that_says_nothing_has_a_brand_of_nothing(shop: Shop) -> None:
    nothing = dict.fromkeys(["name", "accent", "imprint_url", "privacy_url", "terms_url", "logo_url"])
    assert shop.get("/brand") == {**nothing, "texts": {}}


def test_a_page_looks_like_the_shops(shop: Shop) -> None:
    link = shop.link(shop.program(landing="page"))
    brand = shop.patch("/brand", {**SAID, "logo": LOGO})
    assert {name: brand[name] for name in SAID} == SAID
    text = seen(shop, link["url"]).text
    assert "credit for your next order at Acme Teas" in text
    assert "The best leaves of the year." in text
    assert ">To the teas</a>" in text
    for name in ("imprint_url", "privacy_url", "terms_url"):
        assert f'href="{SAID[name]}"' in text
    assert '<link rel="stylesheet" href="/accents/7a1f5c.css">' in text
    [logo] = re.findall(r'<img class="logo" src="([^"]+)" alt="Acme Teas">', text)
    assert brand["logo_url"].endswith(logo)
    assert "blossom" not in text.replace("icon", "")
    image = seen(shop, logo)
    assert image.content_type == "image/png"
    assert "immutable" in image.headers["Cache-Control"]
    assert Image.open(BytesIO(image.data)).width == 640


def test_other_languages_have_the_pages_own_words(shop: Shop) -> None:
    link = shop.link(shop.program(landing="page"))
    shop.patch("/brand", SAID)
    text = seen(shop, link["url"], **{"Accept-Language": "de"}).text
    assert "Weiter zu Acme Teas" in text
    assert "leaves" not in text


def test_a_program_says_what_is_otherwise_with_it(shop: Shop) -> None:
    program, other = shop.program(landing="page"), shop.program(landing="page")
    shop.patch("/brand", {**SAID, "logo": LOGO})
    own = {"name": "Acme Coffees", "texts": {"en": {"button": "To the beans"}, "de": {"button": "Zum Kaffee"}}}
    assert shop.patch(f"/programs/{program['program_id']}/brand", own)["accent"] is None
    text = seen(shop, shop.link(program)["url"]).text
    assert "at Acme Coffees" in text
    assert ">To the beans</a>" in text
    assert "The best leaves of the year." in text
    assert "/accents/7a1f5c.css" in text
    assert 'class="logo"' in text
    assert "at Acme Teas" in seen(shop, shop.link(other)["url"]).text


def test_null_clears_and_a_text_is_replaced_language_by_language(shop: Shop) -> None:
    shop.patch("/brand", {**SAID, "logo": LOGO})
    changed = shop.patch("/brand", {"accent": None, "logo": None, "texts": {"en": {}, "fr": {"button": "Au thé"}}})
    assert (changed["accent"], changed["logo_url"], changed["name"]) == (None, None, "Acme Teas")
    assert changed["texts"] == {"fr": {"button": "Au thé"}}
    assert shop.get("/brand") == changed


def test_a_logo_that_nobody_shows_any_more_is_gone(shop: Shop) -> None:
    before = shop.patch("/brand", {"logo": LOGO})["logo_url"]
    assert seen(shop, before).status_code == 200
    shop.patch("/brand", {"logo": None})
    assert seen(shop, before).status_code == 404


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"accent": "#ffd400"}, "accent", "would do"),
        ({"accent": "red"}, "accent", "hexadecimal"),
        ({"logo": "AAAA"}, "logo", "cannot be read"),
        ({"logo": "x" * 300_001}, "logo", "300000"),
        ({"imprint_url": "javascript:alert(1)"}, "imprint_url", "https"),
        ({"privacy_url": "http://shop.example/"}, "privacy_url", "https"),
        ({"terms_url": "https://shop.example\\@evil.example/"}, "terms_url", "https"),
        ({"texts": {"xx": {"button": "x"}}}, "texts.xx.key", "one of"),
        ({"texts": {"en": {"button": "x" * 41}}}, "texts.en.value.button", "40"),
        ({"texts": {"en": {"title": "You win €1,000,000"}}}, "texts.en.value.title", "nknown"),
        ({"name": ""}, "name", "Length"),
        ({"name": "\u202eevil"}, "name", "turn around"),
        ({"texts": {"en": {"button": "\u200d"}}}, "texts.en.button", "nothing"),
        ({"imprint_url": 'https://x.example/"><script>'}, "imprint_url", "quotation"),
    ],
)
def test_what_cannot_be_shown_is_told_and_changes_nothing(
    shop: Shop, change: dict[str, Any], field: str, said: str
) -> None:
    refused = shop.patch("/brand", {"name": "Other", **change}, status=422)["errors"]
    assert [error["field"] for error in refused] == [field]
    assert said in refused[0]["message"]
    assert shop.get("/brand")["name"] is None


def test_another_shops_brand_is_its_own(new_shop: Callable[[], Shop]) -> None:
    one, other = new_shop(), new_shop()
    program = one.program()
    one.patch("/brand", SAID)
    assert other.get("/brand")["name"] is None
    other.get(f"/programs/{program['program_id']}/brand", status=404)
    other.call("PATCH", f"/programs/{program['program_id']}/brand", SAID)
    assert one.get(f"/programs/{program['program_id']}/brand")["name"] is None
    one.get("/brand", status=403, scope="checkout")


def test_an_accent_is_a_style_of_its_own(shop: Shop) -> None:
    style = seen(shop, "/accents/7a1f5c.css")
    assert style.content_type.startswith("text/css")
    assert ":root, :host { --leaf: #7a1f5c; --on-leaf: #ffffff; }" in style.text
    assert "prefers-color-scheme: dark" in style.text
    for colour in ("ffd400", "7a1f5", "7a1f5c0", "%7B%7D", "é"):
        assert seen(shop, f"/accents/{colour}.css").status_code == 404


@pytest.mark.parametrize("path", ["/logos/x/y", "/logos/{}/y", "/logos/{}/" + "0" * 32, "/logos/{}/%00"])
def test_a_logo_that_there_is_not_is_404(shop: Shop, path: str) -> None:
    assert seen(shop, path.format(shop.merchant_id)).status_code == 404


def test_what_did_not_work_looks_like_the_shops_too(shop: Shop) -> None:
    link = shop.link(shop.program())
    shop.patch("/brand", {**SAID, "logo": LOGO})
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    for path, status in ((link["url"], 410), (urlsplit(link["short_url"]).path + "x", 404)):
        answer = seen(shop, path)
        assert answer.status_code == status
        assert "Go to Acme Teas" in answer.text
        assert 'class="logo"' in answer.text
        assert SAID["imprint_url"] in answer.text


def test_the_pages_colours_are_those_that_accents_are_held_against() -> None:
    from service.brands.colours import NIGHT, PAPER
    from service.web.pages import STATIC

    papers = re.findall("--paper: #([0-9a-f]{6})", (Path(STATIC) / "orchard.css").read_text())
    assert [tuple(bytes.fromhex(paper)) for paper in papers] == [PAPER, NIGHT]
