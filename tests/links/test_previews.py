"""What chats and posts show of a link."""

import html
import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image, ImageChops, ImageDraw

from service.links import drawing, previews
from service.links.drawing import HEIGHT, PAPER, WIDTH, Card, drawn, writable
from service.links.previews import Previews
from tests.brands.test_api import LOGO
from tests.shop import BROWSER, Shop

CARD = {"User_Agent": "WhatsApp/2.23.20.0"}
PLAIN = Card("Acme", "Ana gives you €10 off your first order at Acme", ("It is for new customers.",), None, None, False)


def meta(text: str) -> dict[str, str]:
    found = re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', text)
    return {name: html.unescape(value) for name, value in found}


def image(shop: Shop, address: str) -> Any:
    parts = urlsplit(address)
    return shop._send(f"{parts.path}?{parts.query}", method="GET", headers={"User-Agent": "WhatsApp/2"})


def ink(png: bytes) -> tuple[int, int, int, int]:
    """The box of everything that is drawn above the bar."""
    seen = Image.open(BytesIO(png)).convert("RGB").crop((0, 0, WIDTH, HEIGHT - 20))
    box = ImageChops.difference(seen, Image.new("RGB", seen.size, PAPER)).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("landing", ["redirect", "page"])
def test_a_link_unfurls_with_the_offer_and_its_image(shop: Shop, landing: str) -> None:
    link = shop.link(shop.program(landing=landing))
    shop.patch("/brand", {"name": "Acme Teas", "accent": "#7a1f5c", "logo": LOGO})
    said = meta(shop.follow(link, **CARD).text)
    title = "Ana gives you €10 credit for your next order at Acme Teas"
    assert said["og:title"] == said["twitter:title"] == said["og:image:alt"] == title
    assert (said["og:site_name"], said["og:locale"]) == ("Acme Teas", "en")
    assert said["twitter:card"] == "summary_large_image"
    assert said["og:image"] == said["twitter:image"]
    assert said["og:image"].startswith(link["url"].partition("/r/")[0] + "/cards/")
    answer = image(shop, said["og:image"])
    assert (answer.status_code, answer.content_type) == (200, "image/png")
    seen = Image.open(BytesIO(answer.data))
    assert seen.size == (int(said["og:image:width"]), int(said["og:image:height"])) == (1200, 630)
    assert seen.convert("RGB").getpixel((600, 625)) == (0x7A, 0x1F, 0x5C)


def test_its_address_is_another_one_once_it_shows_something_else(shop: Shop) -> None:
    program = shop.program()
    link = shop.link(program)
    before = meta(shop.follow(link, **CARD).text)["og:image"]
    assert meta(shop.follow(link, **CARD).text)["og:image"] == before
    shop.patch(f"/programs/{program['program_id']}", {"friend_reward": {"type": "fixed", "amount": 2000}})
    after = meta(shop.follow(link, **CARD).text)["og:image"]
    assert after != before
    assert image(shop, after).data == image(shop, before).data


def test_whatever_is_asked_besides_there_is_one_image(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Card] = []

    def draw(card: Card) -> bytes:
        made.append(card)
        return drawn(card)

    monkeypatch.setattr(previews, "_drawn", draw)
    link = shop.link(shop.program(), customer={"first_name": "Wilhelmina"})
    address = meta(shop.follow(link, **CARD).text)["og:image"].partition("?")[0]
    for number in range(20):
        assert image(shop, f"{address}?v={number}&width={number}").status_code == 200
    assert len(made) <= 1


@pytest.mark.parametrize("token", ["x", "a.b", "%00", "x" * 3_000])
def test_of_what_we_did_not_sign_there_is_no_image(shop: Shop, token: str) -> None:
    assert shop._send(f"/cards/{token}.png", method="GET", headers={"User-Agent": BROWSER}).status_code == 404


def test_of_a_link_that_has_ended_there_is_no_image(shop: Shop) -> None:
    link = shop.link(shop.program())
    address = meta(shop.follow(link, **CARD).text)["og:image"]
    shop.patch(f"/links/{link['link_id']}", {"status": "revoked"})
    assert image(shop, address).status_code == 404


def test_it_is_drawn_within_its_margins_whatever_it_says() -> None:
    for card in (
        PLAIN,
        Card("x" * 120, "W" * 300, (), None, None, False),
        Card("李明", "李明 🌳 recommends 茶 " + "and more " * 40, (), None, None, False),
        Card(
            "متجر", "محمد يهديك خصمًا قدره 10 € على طلبك الأول من Acme", ("إنه للعملاء الجدد.",), "#7a1f5c", None, True
        ),
        Card("", "", (), None, None, False),
    ):
        left, top, right, bottom = ink(drawn(card))
        assert left >= 60, card
        assert right <= WIDTH - 60, card
        assert top >= 40, card
        assert bottom <= HEIGHT - 40, card


def test_all_of_what_is_promised_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(drawing, "_as_seen", lambda text, is_rtl: text)
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", lambda self, place, text, **_: written.append(text))
    shop, name = "Shop of many words and more of them " * 3, "Maximiliana Josephine Alexandra Theodora"
    title = f"{name} gives you 10% (up to €50) of your first order at {shop}back as credit"
    notes = ("It is for new customers.", "The order must be €50 or more.", "Order by noon.", "And more. " * 30)
    drawn(Card("Acme", title, notes, None, None, False))
    assert " ".join(written[1:]).startswith(" ".join(title.split()))
    assert " ".join(written).endswith("It is for new customers. The order must be €50 or more. Order by noon.")


def test_arabic_is_joined_and_stands_on_the_right() -> None:
    left, _, right, _ = ink(drawn(_arabic("محمد")))
    assert right > WIDTH - 90
    apart = ink(drawn(_arabic("م\u200cح\u200cم\u200cد")))
    assert apart[0] < left


def _arabic(title: str) -> Card:
    """Without a blossom on the left."""
    file = BytesIO()
    Image.new("RGBA", (1, 1), (0, 0, 0, 0)).save(file, "PNG")
    return Card("متجر", title, (), None, file.getvalue(), True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë Ольга Ελένη محمد", "Zoë Ольга Ελένη محمد"),
        ("李明", "LiMing"),
        ("Ana 🌳", "Ana "),
        ("a\u200db", "a\u200db"),
    ],
)
def test_what_the_font_has_not_is_written_in_latin_letters(text: str, shown: str) -> None:
    assert writable(text) == shown


def test_no_more_are_kept_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MOST_KEPT", 3)
    monkeypatch.setattr(previews, "_drawn", lambda card: card.title.encode())
    folder = tmp_path / "previews"
    for number in range(6):
        card = Card("Acme", f"{number}", (), None, None, False)
        assert Previews(folder).of(card) == f"{number}".encode()
        for age, path in enumerate(sorted(folder.glob("*.png"), key=previews._age)):
            os.utime(path, (number + age, number + age))
    assert sorted(path.read_text() for path in folder.iterdir()) == ["3", "4", "5"]


def test_where_nothing_can_be_kept_images_are_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "_drawn", lambda card: b"image")
    (tmp_path / "file").write_text("")
    assert Previews(tmp_path / "file" / "folder").of(PLAIN) == b"image"
    assert previews._age(tmp_path / "gone") == 0
