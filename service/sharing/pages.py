"""GET /s/{token} and what belongs to it: the page on which a customer shares, and sees what has grown."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request, stream_template
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service.errors import BadValues, TryLater
from service.formats import Formats
from service.links import codes, offers
from service.links.links import CodeTaken
from service.links.qr import MEDIA_TYPES, Drawing, drawn
from service.rewards import reading
from service.sharing import embedding, heads, invitations, wishes
from service.sharing.contents import Wished, contents, state
from service.sharing.heads import Head
from service.sharing.opening import NotOpen, Opened, named, open_page
from service.values import fault_of_text
from service.web.pages import HEADERS, formats, page, speak, wanted
from service.web.wiring import wiring

log = logging.getLogger("orchard.sharing")
blueprint = Blueprint(
    "sharing", __name__, template_folder="templates", static_folder="static", static_url_path="/sharing"
)


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
    """The customer's page. Its head is sent at once, and what takes longer to look up after it."""
    now, before = datetime.now(UTC), _before()
    head = _head(token, now)

    def read() -> dict[str, Any] | None:
        try:
            merchant_id, _ = named(wiring().signer, token)
            reading.catch_up_first(wiring().database, merchant_id, head.customer_id, now=now)
            with wiring().database.reading() as session:
                return _contents(session, _opened(session, token, now), Wished(), now, before=before)
        except (SQLAlchemyError, TryLater) as error:
            log.error("a share page ends without what is to be read: %s", type(error).__name__)
            return None

    if _is_elsewhere(head):
        return page("share-elsewhere.html", 403, policy=embedding.policy(["*"]))
    pieces = stream_template("share.html", formats=formats(), head=head, look=head.look, read=read)
    return _framed(Response(_head_first(pieces), 200, {"Vary": "Accept-Language"}), head)


@blueprint.post("/s/<token>")
def use_message(token: str) -> Response:
    """The same with the customer's own words in every way of sharing. They are kept nowhere."""
    now = datetime.now(UTC)
    head, said = _head(token, now), " ".join(request.form.get("message", "").split())
    fault = None
    if fault_of_text(said, most=invitations.LONGEST_MESSAGE) is not None:
        most = formats().whole(invitations.LONGEST_MESSAGE)
        fault = formats().say("Please write 1 to %(most)s characters.", most=most)
    wished = Wished(message=said, message_fault=fault)
    return _answered(token, head, wished, now, status=422 if fault else 200)


@blueprint.post("/s/<token>/code")
def wish_for_code(token: str) -> Response:
    """Give the customer the code that they wish for, or say why not, with others that they can have."""
    now, wish = datetime.now(UTC), request.form.get("code", "")
    head = _head(token, now)
    try:
        is_granted = wiring().database.write(lambda session: _grant(session, token, wish, now))
    except (CodeTaken, BadValues) as error:
        status = 409 if isinstance(error, CodeTaken) else 422
        return _answered(token, head, _refused(token, wish, error, now), now, status=status)
    return _answered(token, head, Wished(is_granted=is_granted), now, status=200 if is_granted else 409)


@blueprint.get("/s/<token>/qr.<any(svg, png):form>")
def share_qr(token: str, form: Any) -> Response:
    """The QR code of the customer's link."""
    now = datetime.now(UTC)
    with wiring().database.reading() as session:
        opened = _opened(session, token, now)
    if state(opened, now=now) != "active":
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


def _head(token: str, now: datetime) -> Head:
    """The head of the page of this address; from then on the customer's language is spoken, else their browser's."""
    merchant_id, share_page_id = named(wiring().signer, token)
    head = heads.find(wiring().database, merchant_id, share_page_id, now=now)
    speak(head.locale, *wanted())
    return head


def _opened(session: Session, token: str, now: datetime) -> Opened:
    return open_page(session, wiring().signer, token, ours=wiring().settings.base_url, now=now)


def _grant(session: Session, token: str, wish: str, now: datetime) -> bool:
    """Give the code, where there is something to be shared at all. Returns whether there is."""
    opened = _opened(session, token, now)
    is_open = state(opened, now=now) == "active"
    if is_open:
        wishes.grant(session, opened.link.merchant_id, opened.link.link_id, wish, now=now)
    return is_open


def _refused(token: str, wish: str, error: CodeTaken | BadValues, now: datetime) -> Wished:
    """What is said of a code that cannot be had, with others that can, while there is room for one."""
    with wiring().database.reading() as session:
        opened = _opened(session, token, now)
        has_room = wishes.has_room(session, opened.link)
        first_name = opened.customer.first_name
        near = wishes.suggestions(session, opened.link.merchant_id, wish, first_name) if has_room else []
    why = _why_not(wish, error, formats(), has_room=has_room)
    return Wished(code=wish[: codes.LONGEST_SHOWN], code_fault=why, suggestions=near)


def _why_not(wish: str, error: CodeTaken | BadValues, reader: Formats, *, has_room: bool) -> str:
    if isinstance(error, CodeTaken):
        return reader.say("Sorry, somebody else has this code already. How about one of these?")
    if not has_room:
        return reader.say("You have chosen as many codes as there can be. All of them go on working.")
    if not codes.is_kind(wish):
        return reader.say("Sorry, somebody may take offence at that. How about one of these?")
    return reader.say("A code has 4 to 32 letters and digits, such as SUMMER25.")


def _is_elsewhere(head: Head) -> bool:
    return embedding.is_elsewhere(dict(request.headers), head.sites, wiring().settings.base_url)


def _answered(token: str, head: Head, wished: Wished, now: datetime, *, status: int) -> Response:
    """The page after something was sent from it."""
    if _is_elsewhere(head):
        return page("share-elsewhere.html", 403, policy=embedding.policy(["*"]))
    with wiring().database.reading() as session:
        shown = _contents(session, _opened(session, token, now), wished, now, before=None)
        return _framed(page("share.html", status, head=head, look=head.look, read=lambda: shown), head)


def _contents(
    session: Session, opened: Opened, wished: Wished, now: datetime, *, before: UUID | None
) -> dict[str, Any]:
    shown = contents(session, wiring().database, opened, wished, before=before, reader=formats(), now=now)
    return {**shown, "base_url": wiring().settings.base_url}


def _framed(response: Response, head: Head) -> Response:
    """The page, for the sites at which it may be shown, in a frame or by a script."""
    response.headers["Content-Security-Policy"] = embedding.policy(head.sites)
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin and embedding.may_read(origin, head.sites):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


def _head_first(pieces: Iterator[str]) -> Iterator[str]:
    """What stands before the contents at once, so that a browser fetches the styles meanwhile, and then the rest."""
    head = []
    for piece in pieces:
        head.append(piece)
        if "<main>" in piece:
            break
    yield "".join(head)
    yield "".join(pieces)


def _before() -> UUID | None:
    """Before which order the list begins, where the customer asked for older ones."""
    try:
        return UUID(request.args["before"])
    except (KeyError, ValueError):
        return None
