"""GET /orchard.js and what it asks: the script that shops put into their pages, and the offer that it may show."""

import gzip
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, jsonify, request

from service.formats import formats_for
from service.links.greetings import greet
from service.storefront import offers
from service.web.pages import wanted
from service.web.wiring import wiring

SCRIPTS = Path(__file__).parent / "scripts"
NEWEST = "1.0.0"
HOUR, FOR_EVER = "public, max-age=3600", "public, max-age=31536000, immutable"
FOR_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
"""What any site may load: it is the same for everybody who has its address."""

blueprint = Blueprint("storefront", __name__)


@blueprint.get("/orchard.js")
def newest_script() -> Response:
    """The script, in its newest version."""
    return _script(f"orchard-{NEWEST}.js", HOUR)


@blueprint.get("/orchard-<version>.js")
def script(version: str) -> Response:
    """One version of the script, which never changes: an integrity hash holds for it."""
    return _script(f"orchard-{version}.js", FOR_EVER)


@blueprint.get("/offers/<token>.json")
def offer(token: str) -> Response:
    """The offer of a referral in words, for the shop's own page; without a title where there is none.

    Always an answer: what is wrong here is not the visitor's, and must not stand in the console of the shop.
    """
    reader = formats_for(request.args.get("language"), *wanted())
    found = offers.of_referral(wiring().database, wiring().signer, token, now=datetime.now(UTC))
    answer = jsonify(
        title=greet(found, reader).title if found else None,
        language=reader.locale.language,
        direction=reader.locale.text_direction,
        label=reader.say("From a friend"),
        close=reader.say("Close"),
    )
    answer.headers.update({**FOR_ALL, "Cache-Control": "no-store", "X-Robots-Tag": "noindex"})
    answer.vary.add("Accept-Language")
    return answer


def _script(name: str, how_long: str) -> Response:
    text = _scripts().get(name)
    if text is None:
        abort(404)
    response = Response(text[0], content_type="text/javascript; charset=utf-8", headers=FOR_ALL)
    if request.accept_encodings.quality("gzip") > 0:
        response.data = text[1]
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = how_long
    response.vary.add("Accept-Encoding")
    response.add_etag()
    response.make_conditional(request)
    return response


@cache
def _scripts() -> dict[str, tuple[bytes, bytes]]:
    """name -> the script, and the same compressed."""
    return {path.name: (path.read_bytes(), gzip.compress(path.read_bytes(), 9, mtime=0)) for path in SCRIPTS.iterdir()}
