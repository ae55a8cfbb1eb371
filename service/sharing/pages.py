"""GET /s/{token} and what belongs to it: the page on which a customer shares, and sees what has grown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from service.books import balances
from service.errors import BadValues
from service.formats import Formats
from service.links import codes, offers
from service.links.greetings import Offer, greet
from service.links.links import CodeTaken
from service.links.qr import MEDIA_TYPES, Drawing, drawn
from service.links.states import LinkState, state_of
from service.programs.sites import origins_of
from service.rewards import reading
from service.sharing import channels, embedding, growth, invitations, looks, wishes
from service.sharing.opening import NotOpen, Opened, found, named, open_page
from service.values import fault_of_text
from service.web.pages import HEADERS, formats, page, speak, wanted
from service.web.wiring import wiring

LINES = 10
"""Of the statement, so many are shown."""

blueprint = Blueprint(
    "sharing", __name__, template_folder="templates", static_folder="static", static_url_path="/sharing"
)


@dataclass(frozen=True, slots=True)
class Wished:
    """What a customer sent from the page, and what is wrong with it, in their language."""

    message: str | None = None
    message_fault: str | None = None
    code: str = ""
    code_fault: str | None = None
    is_granted: bool = False
    suggestions: Sequence[str] = ()


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """Whatever is answered here, an error too, is nobody else's; what is kept by browsers says so itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


@blueprint.errorhandler(NotOpen)
def kind_word(error: NotOpen) -> Response:
    """What is shown to somebody who comes too late, or with an address that is none."""
    shop = error.merchant_id and offers.shop(wiring().database, error.merchant_id)
    status = 410 if error.merchant_id else 404
    response = page("share-over.html", status, policy=embedding.policy(["*"]), shop=shop or None)
    response.headers["Access-Control-Allow-Origin"] = "*"  # it is nobody's, and may be shown wherever the page was
    return response


@blueprint.get("/s/<token>")
def show_share_page(token: str) -> Response:
    """The customer's page."""
    now = datetime.now(UTC)
    merchant_id, share_page_id = named(wiring().signer, token)
    with wiring().database.reading() as session:
        customer_id = found(session, merchant_id, share_page_id, now=now)[1].customer_id
    reading.catch_up_first(wiring().database, merchant_id, customer_id, now=now)
    with wiring().database.reading() as session:
        return _shown(session, _opened(session, token, now), Wished(), now)


@blueprint.post("/s/<token>")
def use_message(token: str) -> Response:
    """The same with the customer's own words in every way of sharing. They are kept nowhere."""
    now = datetime.now(UTC)
    said = " ".join(request.form.get("message", "").split())
    with wiring().database.reading() as session:
        opened = _opened(session, token, now)
        fault = None
        if fault_of_text(said, most=invitations.LONGEST_MESSAGE) is not None:
            most = formats().whole(invitations.LONGEST_MESSAGE)
            fault = formats().say("Please write 1 to %(most)s characters.", most=most)
        return _shown(session, opened, Wished(message=said, message_fault=fault), now, status=422 if fault else 200)


@blueprint.post("/s/<token>/code")
def wish_for_code(token: str) -> Response:
    """Give the customer the code that they wish for, or say why not, with others that they can have."""
    now = datetime.now(UTC)
    merchant_id, _ = named(wiring().signer, token)
    wish = request.form.get("code", "")
    try:
        is_granted = wiring().database.write(lambda session: _grant(session, token, wish, now))
    except (CodeTaken, BadValues) as error:
        with wiring().database.reading() as session:
            opened = _opened(session, token, now)
            has_room = wishes.has_room(session, opened.link)
            near = wishes.suggestions(session, merchant_id, wish, opened.customer.first_name) if has_room else []
            why = _why_not(wish, error, formats(), has_room=has_room)
            wished = Wished(code=wish[: codes.LONGEST_SHOWN], code_fault=why, suggestions=near)
            return _shown(session, opened, wished, now, status=409 if isinstance(error, CodeTaken) else 422)
    with wiring().database.reading() as session:
        wished = Wished(is_granted=is_granted)
        return _shown(session, _opened(session, token, now), wished, now, status=200 if is_granted else 409)


@blueprint.get("/s/<token>/qr.<any(svg, png):form>")
def share_qr(token: str, form: Any) -> Response:
    """The QR code of the customer's link."""
    now = datetime.now(UTC)
    with wiring().database.reading() as session:
        opened = _opened(session, token, now)
    if _state(opened, now) != "active":
        raise NotOpen(opened.link.merchant_id)
    disposition = "attachment" if form == "png" else "inline"  # what is to be saved, and what is to be seen
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'{disposition}; filename="{opened.link.code}.{form}"',
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(drawn(opened.short_url, form, Drawing()), content_type=MEDIA_TYPES[form], headers=headers)


@blueprint.get("/orchard-share.js")
def widget() -> Response:
    """The page as an element, `<orchard-share>`, for shops that want no frame."""
    headers = {"Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "*"}
    headers |= {"Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(_widget(), content_type="text/javascript; charset=utf-8", headers=headers)


@cache
def _widget() -> str:
    static = Path(__file__).parent / "static"
    return "".join((static / name).read_text() for name in ("share.js", "widget.js"))


def _opened(session: Session, token: str, now: datetime) -> Opened:
    """The page of this address, in the customer's language, else as their browser asks."""
    opened = open_page(session, wiring().signer, token, ours=wiring().settings.base_url, now=now)
    speak(opened.customer.locale, *wanted())
    return opened


def _grant(session: Session, token: str, wish: str, now: datetime) -> bool:
    """Give the code, where there is something to be shared at all. Returns whether there is."""
    opened = open_page(session, wiring().signer, token, ours=wiring().settings.base_url, now=now)
    is_open = _state(opened, now) == "active"
    if is_open:
        wishes.grant(session, opened.link.merchant_id, opened.link.link_id, wish, now=now)
    return is_open


def _state(opened: Opened, now: datetime) -> LinkState:
    return state_of(opened.link.status, opened.program.status, opened.link.expires_at, now=now)


def _why_not(wish: str, error: CodeTaken | BadValues, reader: Formats, *, has_room: bool) -> str:
    if isinstance(error, CodeTaken):
        return reader.say("Sorry, somebody else has this code already. How about one of these?")
    if not has_room:
        return reader.say("You have chosen as many codes as there can be. All of them go on working.")
    if not codes.is_kind(wish):
        return reader.say("Sorry, somebody may take offence at that. How about one of these?")
    return reader.say("A code has 4 to 32 letters and digits, such as SUMMER25.")


def _shown(session: Session, opened: Opened, wished: Wished, now: datetime, *, status: int = 200) -> Response:
    hosts = origins_of(opened.program.destination_url, opened.program.allowed_hosts)
    if embedding.is_elsewhere(dict(request.headers), hosts, wiring().settings.base_url):
        return page("share-elsewhere.html", 403, policy=embedding.policy(["*"]))
    offer = offers.find(wiring().database, opened.link.merchant_id, opened.link.link_id, visited_at=None, now=now)
    values = {**_to_share(opened, offer, wished, now), **_grown(session, opened, now)}
    response = page("share.html", status, policy=embedding.policy(hosts), opened=opened, wished=wished, **values)
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin and embedding.may_read(origin, hosts):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


def _to_share(opened: Opened, offer: Offer, wished: Wished, now: datetime) -> dict[str, Any]:
    """What there is to be shared, and the terms of it, in words."""
    reader = formats()
    invitation = invitations.invitation(offer, reader)
    said = wished.message if wished.message and not wished.message_fault else invitation
    return {
        "look": offer.look,
        "greeting": greet(offer, reader),
        "state": _state(opened, now),
        "message": said,
        "most": invitations.LONGEST_MESSAGE,
        "ways": channels.ways(said, opened.short_url, invitations.subject(offer, reader)),
        "sheet": channels.marked(opened.short_url, channels.SHEET),
        "promises": list(invitations.promises(opened.terms, reader)),
        "shown_url": opened.short_url.partition("://")[2],
        "base_url": wiring().settings.base_url,
    }


def _grown(session: Session, opened: Opened, now: datetime) -> dict[str, Any]:
    """What has grown, and what the customer has."""
    merchant_id, customer_id, reader = opened.link.merchant_id, opened.customer.customer_id, formats()
    before = _before()
    held = balances.balances(session, merchant_id, opened.customer)
    unspent = {one.held.currency: one.held.available + one.held.reserved for one in held}
    if before is not None:
        for currency, amount in looks.earned_since(session, merchant_id, customer_id, before).items():
            unspent[currency] = max(0, unspent.get(currency, 0) - amount)
    orders = looks.orders(session, merchant_id, customer_id, before=before, now=now)
    times = [] if before else looks.follows(session, opened.link, now=now)
    follows = growth.followed(times, opened.zone, most=looks.MOST_FOLLOWS)
    entries, _ = balances.statement(session, merchant_id, customer_id, limit=LINES, before=None)
    available = {one.held.currency: one.held.available for one in held}
    has_tiers = bool(opened.terms.tiers)
    return {
        "grown": growth.grown(orders.orders, follows, unspent, opened.zone, reader),
        "stages": growth.STAGES,
        "older": orders.older,
        "is_first": before is None,
        "held": held,
        "lapses": looks.lapses(session, merchant_id, customer_id, available, now=now),
        "can_spend": any(available.values()),
        "entries": entries,
        "progress": invitations.progress(opened.terms, looks.friends_so_far(session, opened.link), reader)
        if has_tiers
        else None,
    }


def _before() -> UUID | None:
    """Before which order the list begins, where the customer asked for older ones."""
    try:
        return UUID(request.args["before"])
    except (KeyError, ValueError):
        return None
