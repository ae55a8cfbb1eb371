"""PURE: the image of a shared link, as chats and posts show it: the shop, the offer, and from whom it is."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from anyascii import anyascii
from arabic_reshaper import reshape
from bidi import get_display
from PIL import Image, ImageDraw, ImageFont

FONTS = Path(__file__).parent / "vendor" / "dejavu"
WIDTH, HEIGHT, MARGIN = 1_200, 630, 80
PAPER, INK, SOFT, LEAF = "#faf6ee", "#22281f", "#55604f", "#2c6e36"
PETAL, HEART = "#f3b6b0", "#f6d365"
TITLE_SIZES = (76, 68, 60, 52, 44, 36, 30, 24)
LINE = 1.3
TITLE_TOP, TITLE_BOTTOM = 180, 490
NOTE_SIZES = (28, 24, 20)
NOTE_TOP, NOTE_BOTTOM = 500, 590
LOGO_HEIGHT = 72
NO_GLYPH = "\uffff"


@dataclass(frozen=True, slots=True)
class Card:
    """What stands in an image. notes: sentences, as many as there is room for, the first ones before others.

    logo: a PNG that we wrote. is_rtl: whether it is read from right to left.
    """

    shop: str
    title: str
    notes: Sequence[str]
    accent: str | None
    logo: bytes | None
    is_rtl: bool


def drawn(card: Card) -> bytes:
    """The image, as a PNG of 1200 x 630 pixels."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, HEIGHT - 20, WIDTH, HEIGHT), fill=card.accent or LEAF)
    _head(image, draw, card)
    _title(draw, card)
    _notes(draw, card)
    file = BytesIO()
    image.save(file, "PNG", compress_level=3)
    return file.getvalue()


def writable(text: str) -> str:
    """The text in letters that the font has: those of other scripts in Latin ones, and pictures left out."""
    return "".join(character if _is_known(character) else _latin(character) for character in text)


def _latin(character: str) -> str:
    return "" if unicodedata.category(character)[0] in "SC" else anyascii(character)


def _head(image: Image.Image, draw: ImageDraw.ImageDraw, card: Card) -> None:
    if card.logo is None:
        _write(draw, card, writable(card.shop)[:40], 76, 40, INK)
        _blossom(draw, MARGIN + 48 if card.is_rtl else WIDTH - MARGIN - 48, 104)
        return
    logo = Image.open(BytesIO(card.logo)).convert("RGBA")
    logo.thumbnail((WIDTH - 2 * MARGIN, LOGO_HEIGHT))
    image.paste(logo, (WIDTH - MARGIN - logo.width if card.is_rtl else MARGIN, 70), logo)


def _blossom(draw: ImageDraw.ImageDraw, x: int, y: int) -> None:
    for across, down in ((0, -26), (24, -8), (15, 20), (-15, 20), (-24, -8)):
        draw.ellipse((x + across - 18, y + down - 18, x + across + 18, y + down + 18), fill=PETAL)
    draw.ellipse((x - 12, y - 12, x + 12, y + 12), fill=HEART)


def _title(draw: ImageDraw.ImageDraw, card: Card) -> None:
    """All of it, in the largest letters in which there is room for it."""
    words = [_fitted(word) for word in writable(card.title).split()]
    size = next((size for size in TITLE_SIZES if _fits(words, size)), TITLE_SIZES[-1])
    lines, height = _lines(words, size), round(size * LINE)
    top = TITLE_TOP + max(0, TITLE_BOTTOM - TITLE_TOP - height * len(lines)) // 2
    for number, line in enumerate(lines):
        _write(draw, card, line, top + number * height, size, INK)


def _fits(words: Sequence[str], size: int) -> bool:
    lines = _lines(words, size)
    is_narrow = all(_width(line, size) <= WIDTH - 2 * MARGIN for line in lines)
    return is_narrow and round(size * LINE) * len(lines) <= TITLE_BOTTOM - TITLE_TOP


def _notes(draw: ImageDraw.ImageDraw, card: Card) -> None:
    """The sentences for which there is room, none of them in part."""
    for number in range(len(card.notes), 0, -1):
        words = writable(" ".join(card.notes[:number])).split()
        for size in NOTE_SIZES:
            lines, height = _lines(words, size, is_bold=False), round(size * 1.4)
            if NOTE_TOP + height * len(lines) <= NOTE_BOTTOM:
                for place, line in enumerate(lines):
                    _write(draw, card, line, NOTE_TOP + place * height, size, SOFT, is_bold=False)
                return


def _fitted(word: str) -> str:
    """The word, or as much of it as there is room for in a line of the smallest letters."""
    shown = word
    while _width(shown, TITLE_SIZES[-1]) > WIDTH - 2 * MARGIN:
        word = word[:-1]
        shown = f"{word}…"
    return shown


def _lines(words: Sequence[str], size: int, *, is_bold: bool = True) -> list[str]:
    """The words in as few lines as they fit into."""
    lines: list[str] = []
    for word in words:
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer, size, is_bold=is_bold) <= WIDTH - 2 * MARGIN:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


def _write(
    draw: ImageDraw.ImageDraw, card: Card, text: str, top: int, size: int, ink: str, *, is_bold: bool = True
) -> None:
    shown = _as_seen(text, is_rtl=card.is_rtl)
    font = _font(size, is_bold=is_bold)
    left = WIDTH - MARGIN - round(font.getlength(shown)) if card.is_rtl else MARGIN
    draw.text((left, top), shown, font=font, fill=ink)


def _as_seen(text: str, *, is_rtl: bool) -> str:
    """Letters joined as they are written, from left to right as they are seen."""
    seen = str(get_display(reshape(text), base_dir="R" if is_rtl else "L"))
    return "".join(character for character in seen if unicodedata.category(character) != "Cf")


def _width(text: str, size: int, *, is_bold: bool = True) -> float:
    return float(_font(size, is_bold=is_bold).getlength(_as_seen(text, is_rtl=False)))


@lru_cache
def _font(size: int, *, is_bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if is_bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(FONTS / name), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _is_known(character: str) -> bool:
    """Whether the font has it; what is not seen needs no shape."""
    if character.isspace() or unicodedata.category(character) in ("Cf", "Mn"):
        return True
    font = _font(24, is_bold=True)
    return bytes(font.getmask(character)) != bytes(font.getmask(NO_GLYPH))
