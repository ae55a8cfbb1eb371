"""Every QR code is read by a reader that is none of ours."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import resvg_py
import zxingcpp
from PIL import Image
from sqlalchemy import select

from service.database.engine import Database
from service.links.qr import Drawing, drawn
from service.links.visits import Visit
from tests.shop import BROWSER, Shop

TWO_CENTIMETRES_AT_300_DPI = 236


def read(image: bytes) -> str:
    """What stands in it, by ZXing."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=image.decode())) if image.startswith(b"<svg") else image
    [found] = zxingcpp.read_barcodes(Image.open(BytesIO(png)).convert("L"))
    return found.text


@pytest.mark.parametrize("form", ["svg", "png"])
@pytest.mark.parametrize("query", ["", "?size=2000&margin=0&error_correction=H", "?size=200&error_correction=L"])
def test_a_links_qr_code_leads_where_the_link_does(shop: Shop, database: Database, form: str, query: str) -> None:
    link = shop.link(shop.program())
    answer = shop.call("GET", f"/links/{link['link_id']}/qr.{form}{query}", scope="checkout")
    assert answer.status_code == 200
    assert answer.content_type == {"svg": "image/svg+xml", "png": "image/png"}[form]
    said = read(answer.data)
    assert said == f"{link['short_url']}?via=qr"
    parts = urlsplit(said)
    followed = shop._send(f"{parts.path}?{parts.query}", method="GET", headers={"User-Agent": BROWSER})
    assert followed.status_code == 302
    assert "via=" not in followed.headers["Location"]
    with database.reading() as session:
        query_of_visits = select(Visit.channel).where(Visit.link_id == UUID(link["link_id"]))
        assert session.scalars(query_of_visits).all() == ["qr"]


@pytest.mark.parametrize("level", ["L", "M", "Q", "H"])
def test_it_is_read_at_two_centimetres_of_print(level: Any) -> None:
    url = "https://orchard.example/c/tea-and-more-of-it-all/WILHELMINA-7K3F"
    image = drawn(url, "png", Drawing(size=512, error_correction=level))
    small = Image.open(BytesIO(image)).convert("L").resize((TWO_CENTIMETRES_AT_300_DPI,) * 2)
    file = BytesIO()
    small.save(file, "JPEG", quality=60)
    assert read(file.getvalue()) == f"{url}?via=qr"


def test_its_size_is_what_was_asked_for_at_most_and_its_margin_as_wide() -> None:
    wide, narrow = (Image.open(BytesIO(drawn("https://x.example/c/a/ANA1", "png", Drawing(300, m)))) for m in (4, 0))
    assert 250 < wide.width == wide.height <= 300
    assert 250 < narrow.width <= 300
    assert wide.convert("L").getpixel((5, 5)) == 255
    assert narrow.convert("L").getpixel((0, 0)) == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [("size=63", "size"), ("size=99999", "size"), ("margin=-1", "margin"), ("error_correction=X", "error_correction")],
)
def test_what_cannot_be_drawn_is_told(shop: Shop, query: str, field: str) -> None:
    link = shop.link(shop.program())
    assert shop.get(f"/links/{link['link_id']}/qr.png?{query}", status=422)["errors"][0]["field"] == field


def test_another_shops_link_is_not_drawn(new_shop: Callable[[], Shop]) -> None:
    one, other = new_shop(), new_shop()
    link = one.link(one.program())
    other.get(f"/links/{link['link_id']}/qr.svg", status=404)
    one.get(f"/links/{link['link_id']}/qr.gif", status=404)
