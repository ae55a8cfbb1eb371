"""PURE: logos made safe: whatever was uploaded, what is kept and shown is an image that we wrote.

A PNG or JPEG is read and written anew, without what it carried besides. An SVG is drawn, once, when it comes: it may
hold shapes alone, so that nothing in it runs, loads or grows.
"""

import base64
import binascii
import codecs
import hashlib
import io
import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, tostring

import resvg_py
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import Image

LARGEST_BYTES = 200_000
LARGEST_SIDE = 4_000
KEPT_SIDE = 640
"""In pixels, of what is uploaded and of what is kept."""

LONGEST_SHAPE = 20
"""How many times as long as high, or as high as long, a logo may be."""

DEEPEST = 50
SVG = "{http://www.w3.org/2000/svg}"
SHAPES = frozenset(
    {"svg", "g", "defs", "title", "desc", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "style"}
    | {"linearGradient", "radialGradient", "stop", "clipPath"}
)
_NUMBER = re.compile(r"\s*([0-9]*\.?[0-9]+)(?:px)?\s*\Z")
_LOADS = re.compile(r"@import|url\((?!\s*['\"]?#)", re.IGNORECASE)
_DOCTYPE = re.compile(rb"<!DOCTYPE[^>\[]*>", re.IGNORECASE)
_ENCODING = re.compile(rb"^<\?xml[^>]*encoding=['\"](?!utf-8['\"])", re.IGNORECASE)
"""What names another encoding than the one in which images are drawn."""


class BadLogo(ValueError):
    """What was uploaded is no logo, and why, in words for who uploaded it."""


@dataclass(frozen=True, slots=True)
class SafeLogo:
    """An image that we wrote: PNG. digest: by which it is named."""

    content: bytes
    digest: str


def safe(encoded: str) -> SafeLogo:
    """The logo of an upload in base64: PNG, JPEG or SVG. Raises BadLogo."""
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise BadLogo("It is not base64.") from None
    return made_safe(content)


def made_safe(content: bytes) -> SafeLogo:
    """The same of the file itself. Raises BadLogo."""
    if len(content) > LARGEST_BYTES:
        raise BadLogo(f"It has {len(content)} bytes; {LARGEST_BYTES} are the most.")
    text = content.removeprefix(codecs.BOM_UTF8).lstrip()
    image = _drawn(text) if text[:1] == b"<" else _read(content)
    image.thumbnail((KEPT_SIDE, KEPT_SIDE))
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return SafeLogo(file.getvalue(), hashlib.sha256(file.getvalue()).hexdigest()[:32])


def _read(content: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            _refuse_size(*image.size)
            return image.convert("RGBA")
    except BadLogo:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise BadLogo("It cannot be read as a PNG, a JPEG or an SVG.") from error


def _refuse_size(width: float, height: float) -> None:
    if max(width, height) > LARGEST_SIDE:
        raise BadLogo(f"It is {width:g} by {height:g} pixels; {LARGEST_SIDE} are the most.")
    if min(width, height) <= 0 or max(width, height) > LONGEST_SHAPE * min(width, height):
        raise BadLogo(f"It is {width:g} by {height:g}: nobody could see what it is.")


def _drawn(content: bytes) -> Image.Image:
    """An SVG of shapes alone, as an image."""
    if _ENCODING.search(content):
        raise BadLogo("Its encoding is not UTF-8.")
    try:
        root = fromstring(_DOCTYPE.sub(b"", content, count=1), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BadLogo("It cannot be read as an SVG.") from error
    if root.tag != f"{SVG}svg":
        raise BadLogo("It cannot be read as an SVG.")
    _keep_shapes(root)
    width, height = _size(root)
    _refuse_size(*_fitted(width, height))
    is_wide = width >= height
    try:
        drawn = resvg_py.svg_to_bytes(
            svg_string=tostring(root, encoding="unicode"),
            skip_system_fonts=True,
            width=KEPT_SIDE if is_wide else None,
            height=None if is_wide else KEPT_SIDE,
        )
    except ValueError as error:
        raise BadLogo("It cannot be drawn.") from error
    return Image.open(io.BytesIO(bytes(drawn))).convert("RGBA")


def _keep_shapes(element: Element, *, depth: int = 0) -> None:
    """Take out what programs for drawing leave of their own, and refuse what is more than a shape."""
    if depth > DEEPEST:
        raise BadLogo(f"It has groups within groups, more than {DEEPEST} deep.")
    for child in list(element):
        if not isinstance(child.tag, str) or not child.tag.startswith(SVG) or child.tag == f"{SVG}metadata":
            element.remove(child)
        elif child.tag.removeprefix(SVG) not in SHAPES:
            raise BadLogo(f"It holds <{child.tag.removeprefix(SVG)[:40]}>, and a logo is made of shapes alone.")
        else:
            _keep_shapes(child, depth=depth + 1)
    for name, value in element.attrib.items():
        local = name.rpartition("}")[2].lower()
        if local.startswith("on") or (local == "href" and not value.startswith("#")) or _LOADS.search(value):
            raise BadLogo(f"It has {local[:40]}, by which it would run or load something.")
    if _LOADS.search(element.text or ""):
        raise BadLogo("Its style loads something.")


def _size(root: Element) -> tuple[float, float]:
    """How long and high it says it is."""
    box = root.get("viewBox", "").replace(",", " ").split()
    said = box[2:] if len(box) == 4 else [root.get("width", ""), root.get("height", "")]
    found = [_NUMBER.match(part) for part in said]
    if not all(found):
        raise BadLogo("It does not say how large it is: a viewBox is needed.")
    width, height = (float(one[1]) for one in found if one)
    return width, height


def _fitted(width: float, height: float) -> tuple[float, float]:
    """Its shape at the size at which it is kept: an SVG has no pixels of its own."""
    longest = max(width, height) or 1
    return round(width / longest * KEPT_SIDE, 3), round(height / longest * KEPT_SIDE, 3)
