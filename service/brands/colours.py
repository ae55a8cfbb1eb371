"""PURE: an accent colour that can be read on our pages, in light and dark. Source: WCAG 2.2, contrast."""

import re
from dataclasses import dataclass

HEX = re.compile(r"^#[0-9a-fA-F]{6}\Z")
PAPER, NIGHT = (0xFA, 0xF6, 0xEE), (0x10, 0x18, 0x0F)
"""The pages' backgrounds in light and dark, as in orchard.css."""

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
TOLD_APART = 3.0
"""The contrast from which a button is told from the page; black or white upon it always has more than 4.5."""

STEPS = 64
Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Accent:
    """A colour, and what is written upon it: both as `#rrggbb`."""

    colour: str
    text: str


def fault_of_accent(accent: str) -> str | None:
    """For a colour that a shop wants: what is wrong, with one that would do."""
    if not HEX.match(accent):
        return "It is six hexadecimal digits after a #, such as #2c6e36."
    rgb = _rgb(accent)
    if contrast(rgb, PAPER) >= TOLD_APART:
        return None
    nearest = _hex(_towards(rgb, BLACK, PAPER))
    return f"It is hardly told from the page ({contrast(rgb, PAPER):.1f} : 1, and 3 : 1 is needed). {nearest} would do."


def in_light(accent: str) -> Accent:
    """A good accent upon light paper."""
    return _with_text(_rgb(accent))


def in_dark(accent: str) -> Accent:
    """The same upon a dark page: lighter, where it would not be told from it."""
    return _with_text(_towards(_rgb(accent), WHITE, NIGHT))


def contrast(one: Rgb, other: Rgb) -> float:
    """How well two colours are told apart: 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _with_text(rgb: Rgb) -> Accent:
    text = max(BLACK, WHITE, key=lambda ink: contrast(rgb, ink))
    return Accent(_hex(rgb), _hex(text))


def _towards(rgb: Rgb, end: Rgb, page: Rgb) -> Rgb:
    """The nearest mixture with the end that is told from the page."""
    mixtures = (_mixed(rgb, end, step / STEPS) for step in range(STEPS + 1))
    return next(mixture for mixture in mixtures if contrast(mixture, page) >= TOLD_APART)


def _mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (_linear(channel / 255) for channel in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _hex(rgb: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)
