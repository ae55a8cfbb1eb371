"""GET /r/{token} and GET /c/{slug}/{code}: a friend follows a shared link."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, g, request

from service.formats import Formats
from service.links.addresses import bare
from service.links.codes import LONGEST_SHOWN, tidy
from service.links.followers import Follower
from service.links.following import Arrival, Ended, Following, Onward, WayUnknown, Welcome
from service.links.greetings import Greeting, greet
from service.links.previews import Previews
from service.links.typed_codes import look_up
from service.links.visitors import Visitor, classify
from service.web.pages import HEADERS, page, redirect, speak, wanted
from service.web.wiring import wiring

RETRY_AFTER_SECONDS = 5
IMAGE_HEADERS = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
FORM_POLICY = HEADERS["Content-Security-Policy"].replace("form-action 'none'", "form-action 'self'")
FOR_FRIENDS = ("/r/", "/c/", "/cards/")
DRESS = ("/assets/", "/logos/", "/accents/")
blueprint = Blueprint("links_pages", __name__, template_folder="templates")


@blueprint.get("/r/<path:token>")
def follow_link(token: str) -> Response:
    """Record the visit and send the friend on to the shop."""
    return _followed(lambda following, follower: following.arrive(token, follower, now=datetime.now(UTC)))


@blueprint.get("/c/<slug>/<path:code>")
def follow_code(slug: str, code: str) -> Response:
    """The same by the shop's name in addresses and a code."""
    return _followed(lambda following, follower: following.arrive_by_code(slug, code, follower, now=datetime.now(UTC)))


@blueprint.get("/c/<slug>")
def type_code(slug: str) -> Response:
    """Where a friend types a code that they heard: it is told at once whether it is good, and leads on."""
    asked = bare(request.args.get("code", ""))
    code = tidy(asked[:LONGEST_SHOWN])
    try:
        typed = look_up(wiring().database, slug, code, at=g.link_owner, now=datetime.now(UTC))
    except WayUnknown:
        return _unavailable()
    if typed is None:
        return page("not-found.html", 404, shop=None)
    if typed.offer is None:
        status = (410 if typed.has_ended else 404) if asked else 200
        told = {"asked": asked[:LONGEST_SHOWN], "slug": slug, "has_ended": typed.has_ended}
        return page("code.html", status, policy=FORM_POLICY, shop=typed.shop, **told)
    onward = f"/c/{slug}/{code}"
    if typed.is_greeted:
        return redirect(onward)
    return page("code-good.html", 200, greeting=greet(typed.offer, speak(*wanted())), onward=onward)


@blueprint.get("/cards/<token>.png")
def card(token: str) -> Response:
    """The image of a link, as chats and posts show it. Nothing but the link changes it."""
    from service.links.drawing import Card  # what draws is large, and seldom needed

    found = current_app.extensions["orchard-following"].offered(token, at=g.link_owner, now=datetime.now(UTC))
    if found is None:
        return page("not-found.html", 404, shop=None)
    offer, logo = found
    reader = speak(offer.locale)
    greeting = greet(offer, reader)
    shown = Card(
        shop=greeting.look.name,
        title=greeting.title,
        notes=greeting.conditions,
        accent=greeting.look.accent,
        logo=logo,
        is_rtl=reader.locale.text_direction == "rtl",
    )
    previews: Previews = current_app.extensions["orchard-previews"]
    return Response(previews.of(shown), 200, IMAGE_HEADERS, content_type="image/png")


def refuse_other_hosts() -> Response | None:
    """Before each request: a shop's own host serves what friends meet, and that of its program alone; in production, a
    host that nobody was shown to have serves nothing to friends.
    """
    g.link_owner = None
    host, settings = _host(), wiring().settings
    if host == urlsplit(settings.base_url).hostname:
        return None
    owner = g.link_owner = current_app.extensions["orchard-hosts"].owner(host)
    is_for_friends = request.path.startswith(FOR_FRIENDS)
    if owner is not None:
        is_refused = not request.path.startswith((*FOR_FRIENDS, *DRESS))
    else:
        is_refused = is_for_friends and settings.is_production
    return page("not-found.html", 404, shop=None) if is_refused else None


def _host() -> str:
    return request.host.partition(":")[0].lower()


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
        at=g.link_owner,
    )
    try:
        return _page_of(arrive(current_app.extensions["orchard-following"], follower), follower.visitor)
    except WayUnknown:
        return _unavailable()


def _unavailable() -> Response:
    response = page("unavailable.html", 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _page_of(arrival: Arrival, visitor: Visitor) -> Response:
    match arrival:
        case Onward(location):
            return redirect(location)
        case Welcome(offer, onward, token):
            greeting = greet(offer, _speak(offer.locale, visitor))
            return page("greeting.html", 200, greeting=greeting, onward=onward, image=_image(token, greeting))
        case Ended(shop, locale):
            _speak(locale, visitor)
            return page("gone.html", 410, shop=shop)
        case _:
            return page("not-found.html", 404, shop=arrival.shop)


def _speak(locale: str | None, visitor: Visitor) -> Formats:
    """Speak as a person's browser asks, then as the advocate does; to machines as the advocate does: they ask for their
    makers' language, and what they show is for whom the advocate writes to.
    """
    return speak(locale, *wanted()) if visitor.is_machine else speak(*wanted(), locale)


def _image(token: str, greeting: Greeting) -> str:
    """The address of a link's image: another one once it shows something else, since chats keep what they saw."""
    shown = repr((greeting.title, greeting.conditions, greeting.look))
    version = hashlib.sha256(shown.encode()).hexdigest()[:8]
    base_url = f"https://{_host()}" if g.link_owner else wiring().settings.base_url
    return f"{base_url}/cards/{token}.png?v={version}"
