"""What a browser may ask by itself, with a publishable key: a quote without a customer, from a site of the merchant's.

Such a key stands in a page for everybody to read. What it answers is what anybody learns who has the link.
"""

from typing import cast

from flask import Response, g, request
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from service.conversions.quotes import Question
from service.errors import BadValues
from service.merchants.authentication import Caller
from service.programs import tables as programs
from service.web.wiring import Wiring

ALLOWED = parse("120/minute")
"""From one address with one key. Counted by each process for itself: a limit against load and guessing."""

PREFLIGHT_SECONDS = 7200
_window = MovingWindowRateLimiter(MemoryStorage())


class OriginRefused(Exception):
    """A publishable key came from a site that is none of its merchant's programs'."""

    def __init__(self, origin: str | None) -> None:
        came = f"This came from {origin}" if origin else "This came without an Origin, as from no browser"
        super().__init__(f"{came}; the key is for browsers at the hosts of the merchant's programs.")


class TooManyQuestions(Exception):
    """One address asks more with a publishable key than a person at a checkout would."""

    def __init__(self) -> None:
        super().__init__(f"A publishable key asks {ALLOWED} from one address.")


def admit(wiring: Wiring) -> None:
    """Let in who asks with a publishable key, if they may; others are not looked at.

    Raises OriginRefused and TooManyQuestions.
    """
    caller = cast(Caller, g.caller)
    if caller.scope != "public":
        return
    origin = request.headers.get("Origin")
    if not _window.hit(ALLOWED, caller.key_id.hex, request.remote_addr or ""):
        g.browser_at = origin or ""  # it may read that it is to wait, and nothing else
        raise TooManyQuestions
    with wiring.database.reading() as session:
        if origin not in programs.origins(session, caller.merchant_id):
            raise OriginRefused(origin)
    g.browser_at = origin


def refuse_customer(question: Question) -> None:
    """Raise BadValues where a browser asks about somebody: it would learn whom the shop knows."""
    if question.customer is not None and "browser_at" in g:
        raise BadValues({"customer": "A publishable key asks without a customer. The shop's server may name one."})


def let_browsers_read(response: Response) -> Response:
    """Tell a browser that its page may ask and read this. Before it asks, nobody knows with which key it will."""
    origin = request.headers.get("Origin")
    if request.method == "OPTIONS" and origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Methods"] = "POST"
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        response.vary.add("Origin")
    elif "browser_at" in g:
        response.headers["Access-Control-Allow-Origin"] = g.browser_at
        response.headers["Access-Control-Expose-Headers"] = "Retry-After"
        response.vary.add("Origin")
    return response
