"""Logos that are none, that are too much, and that would do something."""

import base64
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from service.brands.logos import KEPT_SIDE, LARGEST_BYTES, BadLogo, made_safe, safe

XMLNS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def image(form: str, size: tuple[int, int] = (300, 100), **saved: object) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, "#2c6e36").save(file, form, **saved)
    return file.getvalue()


def svg(inside: str, attributes: str = 'viewBox="0 0 300 100"') -> bytes:
    return f"<svg {XMLNS} {attributes}>{inside}</svg>".encode()


def opened(content: bytes) -> Image.Image:
    found = Image.open(BytesIO(made_safe(content).content))
    assert found.format == "PNG"
    return found


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_an_image_is_kept_as_one_that_we_wrote(form: str) -> None:
    found = opened(image(form, (3_000, 1_000)))
    assert found.size == (KEPT_SIDE, 213)
    assert opened(image(form)).size == (300, 100)
    assert made_safe(image(form)).digest == made_safe(image(form)).digest


def test_what_an_image_carries_besides_is_left_out() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "ana@example.com")
    kept = made_safe(image("PNG", pnginfo=info)).content
    assert b"ana@example" not in kept
    exif = Image.Exif()
    exif[0x010E] = "ana@example.com"
    assert b"ana@example" not in made_safe(image("JPEG", exif=exif)).content


def test_an_svg_is_drawn() -> None:
    drawing = '<g><title>Acme</title><rect width="300" height="100" fill="#2c6e36"/></g>'
    left = '<sodipodi:namedview xmlns:sodipodi="http://sodipodi.example/"/><metadata><x/></metadata><!-- by hand -->'
    found = opened(svg(left + drawing))
    assert found.size == (KEPT_SIDE, 214)
    assert found.convert("RGB").getpixel((320, 100)) == (0x2C, 0x6E, 0x36)
    tall = opened(svg('<rect width="10" height="20" fill="red"/>', 'width="10px" height="20"'))
    assert tall.size == (KEPT_SIDE // 2, KEPT_SIDE)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<rect onload="alert(1)" width="1" height="1"/>',
        '<image href="file:///etc/passwd"/>',
        '<image xlink:href="/tmp/x.png"/>',
        '<use href="https://evil.example/x.svg#a"/>',
        '<g id="a"/><use href="#a"/>',
        "<foreignObject><body/></foreignObject>",
        "<style>@import 'https://evil.example/x.css';</style>",
        '<rect style="fill:url(https://evil.example/x)" width="1" height="1"/>',
        "<style>rect{fill:url( 'https://evil.example/x' )}</style>",
        "<a href='javascript:alert(1)'><rect/></a>",
        "<filter id='f'><feGaussianBlur stdDeviation='9999'/></filter>",
        "<animate/>",
        "<text>Acme</text>",
    ],
)
def test_an_svg_that_is_more_than_shapes_is_refused(inside: str) -> None:
    with pytest.raises(BadLogo):
        made_safe(svg(inside))


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + svg("<rect/>"),
        b'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x.dtd">'
        + svg("<rect/>"),
        svg("<defs><linearGradient id='g'/></defs><rect fill=\"url('#g')\"/><rect fill='url( #g )'/>"),
    ],
)
def test_what_programs_for_drawing_write_is_understood(content: bytes) -> None:
    assert made_safe(content).content


@pytest.mark.parametrize("encoding", ["bogus", "hex", "rot13", "base64", "zip", "utf-7", "unicode_escape", "utf-16"])
def test_an_svg_is_of_utf_8(encoding: str) -> None:
    with pytest.raises(BadLogo):
        made_safe(f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + svg("<rect/>"))


BOMB = (
    b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><title>&b;</title></svg>'
)


def png_of(width: int, height: int) -> bytes:
    """A small file that says that it is large."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(b"\0" * 1_000_000)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + b"\0" * 50,
        b"\x89PNG\r\n\x1a\n",
        image("JPEG")[:200],
        image("GIF"),
        b"%PDF-1.7",
        b"PK\x03\x04" + b"\0" * 100,
        b"\x1f\x8b\x08\0" * 10,
        b"<",
        b"<html></html>",
        b"<svg/>",
        BOMB,
        svg("", ""),
        svg("", 'viewBox="0 0 x 1"'),
        svg("", 'viewBox="0 0 0 0"'),
        svg("", 'viewBox="0 0 30 10" width="0" height="0"'),
        svg("", 'viewBox="0 0 1 100000"'),
        svg("<g>" * 5_000 + "</g>" * 5_000),
        png_of(20_000, 20),
        png_of(20_000, 20_000),
        png_of(4_000, 2),
        image("PNG") + b"\0" * LARGEST_BYTES,
    ],
    ids=range(22),
)
def test_what_is_no_logo_is_told(content: bytes) -> None:
    with pytest.raises(BadLogo) as told:
        made_safe(content)
    assert str(told.value).endswith(".")


@pytest.mark.parametrize("encoded", ["", "=", "é", "not base64!"])
def test_what_is_no_base64_is_told(encoded: str) -> None:
    with pytest.raises(BadLogo):
        safe(encoded)


def test_base64_is_what_it_was() -> None:
    assert safe(base64.b64encode(image("PNG")).decode()) == made_safe(image("PNG"))
