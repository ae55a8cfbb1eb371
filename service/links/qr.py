"""PURE: QR codes of short links, for flyers, packages and tills."""

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import segno

from service.links.followers import VIA

Form = Literal["svg", "png"]
ErrorCorrection = Literal["L", "M", "Q", "H"]
MEDIA_TYPES: dict[Form, str] = {"svg": "image/svg+xml", "png": "image/png"}
SMALLEST, LARGEST = 64, 2_000
CHANNEL = "qr"


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a QR code is drawn. size: pixels, at most, since each module has whole ones. margin: modules.

    error_correction: how much of it may be dirty or torn: 7, 15, 25 or 30 percent.
    """

    size: int = 512
    margin: int = 4
    error_correction: ErrorCorrection = "M"


def drawn(short_url: str, form: Form, drawing: Drawing) -> bytes:
    """The image of a short link, which says that it was followed from one."""
    code = segno.make_qr(f"{short_url}?{VIA}={CHANNEL}", error=drawing.error_correction, boost_error=False)
    modules = code.symbol_size(border=drawing.margin)[0]
    file = BytesIO()
    if form == "png":
        code.save(file, kind="png", scale=max(1, drawing.size // modules), border=drawing.margin)
    else:
        code.save(
            file,
            kind="svg",
            scale=drawing.size / modules,
            border=drawing.margin,
            light="#fff",
            xmldecl=False,
            title=None,
        )
    return file.getvalue()
