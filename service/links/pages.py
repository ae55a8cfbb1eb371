"""GET /r/{token} and GET /c/{slug}/{code}: a friend follows a shared link."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, request

from service.links.followers import Follower
from service.links.following import Arrival, Ended, Following, Onward, WayUnknown, Welcome
from service.links.greetings import greet
from service.links.visitors import Visitor, classify
from service.web.pages import page, redirect, speak, wanted

RETRY_AFTER_SECONDS = 5
blueprint = Blueprint("links_pages", __name__, template_folder="templates")


@blueprint.get("/r/<path:token>")
def follow_link(token: str) -> Response:
    """Record the visit and send the friend on to the shop."""
    return _followed(lambda following, follower: following.arrive(token, follower, now=datetime.now(UTC)))


@blueprint.get("/c/<slug>/<path:code>")
def follow_code(slug: str, code: str) -> Response:
    """The same by the shop's name in addresses and a code."""
    return _followed(lambda following, follower: following.arrive_by_code(slug, code, follower, now=datetime.now(UTC)))


def _followed(arrive: Callable[[Following, Follower], Arrival]) -> Response:
    headers = request.headers
    follower = Follower(
        visitor=classify(request.method, headers),
        address=request.remote_addr or "",
        user_agent=headers.get("User-Agent", ""),
        brought=request.query_string.decode("utf-8", "replace"),
        accept_language=headers.get("Accept-Language", ""),
        referrer=headers.get("Referer", ""),
        is_private=headers.get("Sec-GPC") == "1",
    )
    try:
        return _page_of(arrive(current_app.extensions["orchard-following"], follower), follower.visitor)
    except WayUnknown:
        response = page("unavailable.html", 503)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response


def _page_of(arrival: Arrival, visitor: Visitor) -> Response:
    match arrival:
        case Onward(location):
            return redirect(location)
        case Welcome(offer, onward):
            # what a machine asks for is its maker's language, and the card is for whom the advocate writes to
            tags = [offer.locale, *wanted()] if visitor.is_machine else [*wanted(), offer.locale]
            return page("greeting.html", 200, greeting=greet(offer, speak(*tags)), onward=onward)
        case Ended(shop):
            return page("gone.html", 410, shop=shop)
        case _:
            return page("not-found.html", 404, shop=arrival.shop)
