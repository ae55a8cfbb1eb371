"""GET /logos/{merchant_id}/{digest} and GET /accents/{colour}.css: what a shop's pages are dressed in."""

import re
from uuid import UUID

from flask import Blueprint, Response, abort

from service.brands import tables
from service.brands.colours import HEX, Accent, fault_of_accent, in_dark, in_light
from service.web.wiring import wiring

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
DIGEST = re.compile(r"^[0-9a-f]{32}\Z")
blueprint = Blueprint("brand_pages", __name__)


@blueprint.get("/logos/<uuid:merchant_id>/<digest>")
def logo(merchant_id: UUID, digest: str) -> Response:
    """A shop's logo. Its address never shows another one."""
    if not DIGEST.match(digest):
        abort(404)
    with wiring().database.reading() as session:
        found = tables.logo(session, merchant_id, digest)
    if found is None:
        abort(404)
    return Response(found.content, content_type="image/png", headers=FOR_EVER)


@blueprint.get("/accents/<colour>.css")
def accent(colour: str) -> Response:
    """The style of one accent, since a strict policy lets no page bring its own."""
    wanted = f"#{colour.lower()}"
    if not HEX.match(wanted) or fault_of_accent(wanted):
        abort(404)
    light, dark = _rules(in_light(wanted)), _rules(in_dark(wanted))
    style = f":root, :host {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root, :host {{ {dark} }} }}\n"
    return Response(style, content_type="text/css; charset=utf-8", headers=FOR_EVER)


def _rules(accent: Accent) -> str:
    return f"--leaf: {accent.colour}; --on-leaf: {accent.text};"
