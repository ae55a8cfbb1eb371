"""GET /r/{token}: a friend follows a shared link."""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

import crawleruseragents
import psycopg
from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from service.ids import new_id
from service.links import greetings, visits
from service.links.destinations import Destinations
from service.links.evidence import LinkEvidence, VisitEvidence, link_token, read_link, visit_token
from service.links.greetings import Greeting
from service.links.visits import Followed, Target
from service.web.pages import HEADERS, page
from service.web.wiring import Wiring, wiring

blueprint = Blueprint("pages", __name__, template_folder="templates")
PREFETCH_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREFETCH_WORDS = ("prefetch", "prerender", "preview")
DEVELOPERS_TOOL = re.compile(r"(curl|wget|httpie|python-|werkzeug|postman|insomnia)", re.IGNORECASE)
"""Not a person and not a crawler: somebody who tries the service and wants to see what a person would get."""


@blueprint.get("/r/<token>")
def follow_link(token: str) -> Response:
    """Record the visit and send the friend on to the shop."""
    wired, now = wiring(), datetime.now(UTC)
    evidence = read_link(wired.signer, token)
    if evidence is None:
        return page("not-found.html", 404)
    try:
        if _is_a_machine():
            return _preview(wired, evidence, now)
        if DEVELOPERS_TOOL.match(request.headers.get("User-Agent", "")):
            return _shown_to_a_developer(wired, evidence, now)
        visit_id = new_id()
        followed = visits.follow(
            wired.database,
            evidence.merchant_id,
            evidence.link_id,
            visitor=_visitor(wired, evidence),
            visit_id=visit_id,
            now=now,
        )
        return _answer(wired, evidence, followed, now)
    except (SQLAlchemyError, psycopg.Error) as error:
        current_app.logger.error("a link is followed without the database: %s", type(error).__name__)
        return _without_database(wired, evidence, now)


def _answer(wired: Wiring, evidence: LinkEvidence, followed: Followed | None, now: datetime) -> Response:
    if followed is None:
        return page("not-found.html", 404)
    target = followed.target
    if not target.is_open(now):
        _destinations().forget(evidence.link_id)
        return page("gone.html", 410, destination=target.destination_url)
    _destinations().remember(evidence.link_id, target.destination_url)
    visit = VisitEvidence(evidence.merchant_id, evidence.link_id, followed.visit_id, followed.visited_at)
    onward = with_referral(target.destination_url, visit_token(wired.signer, visit))
    if target.landing == "page":
        return page("greeting.html", 200, greeting=_greeting(wired, evidence, target), onward=onward)
    return _redirect(onward)


def _preview(wired: Wiring, evidence: LinkEvidence, now: datetime) -> Response:
    """What a bot or a messenger gets: a card of the offer, and no visit.

    A person who was taken for a bot can go on from it, with the link itself as the referral.
    """
    target = visits.look(wired.database, evidence.merchant_id, evidence.link_id)
    if target is None:
        return page("not-found.html", 404)
    if not target.is_open(now):
        return page("gone.html", 410, destination=target.destination_url)
    greeting = _greeting(wired, evidence, target)
    onward = with_referral(target.destination_url, link_token(wired.signer, evidence.merchant_id, evidence.link_id))
    return page("greeting.html", 200, greeting=greeting, onward=onward)


def _shown_to_a_developer(wired: Wiring, evidence: LinkEvidence, now: datetime) -> Response:
    """What a person would get, without a visit in the statistics."""
    target = visits.look(wired.database, evidence.merchant_id, evidence.link_id)
    return _answer(wired, evidence, Followed(target, new_id(), now) if target else None, now)


def _without_database(wired: Wiring, evidence: LinkEvidence, now: datetime) -> Response:
    """The friend arrives all the same, where we know the way; the visit token is evidence by itself."""
    destination = _destinations().recall(evidence.link_id)
    if destination is None:
        response = page("unavailable.html", 503)
        response.headers["Retry-After"] = "5"
        return response
    if _is_a_machine():
        return _redirect(destination)
    visit = VisitEvidence(evidence.merchant_id, evidence.link_id, new_id(), now)
    return _redirect(with_referral(destination, visit_token(wired.signer, visit)))


def with_referral(destination_url: str, token: str) -> str:
    """The destination with `referral` set in its query; what else was there stays as it was."""
    parts = urlsplit(destination_url)
    kept = "&".join(part for part in parts.query.split("&") if part and part.partition("=")[0] != "referral")
    query = f"{kept}&referral={token}" if kept else f"referral={token}"
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, parts.fragment))


def _greeting(wired: Wiring, evidence: LinkEvidence, target: Target) -> Greeting:
    with wired.database.reading() as session:
        return greetings.greet(session, evidence.merchant_id, target.program_id, target.customer_id)


def _visitor(wired: Wiring, evidence: LinkEvidence) -> bytes:
    """Tells two visitors of one link apart. Keyed with the link and our secret, so it says nothing else of them."""
    key = hashlib.sha256(wired.settings.secret_keys[-1].encode()).digest()
    seen = f"{evidence.link_id.hex}\n{request.remote_addr}\n{request.headers.get('User-Agent', '')}"
    return hmac.digest(key, seen.encode(), "sha256")[:16]


def _is_a_machine() -> bool:
    if request.method == "HEAD":
        return True
    for header in PREFETCH_HEADERS:
        value = request.headers.get(header)
        if value and any(word in value.lower() for word in PREFETCH_WORDS):
            return True
    return _is_a_bot(request.headers.get("User-Agent", ""))


@lru_cache(maxsize=4096)
def _is_a_bot(user_agent: str) -> bool:
    if DEVELOPERS_TOOL.match(user_agent):
        return False
    return not user_agent or bool(crawleruseragents.is_crawler(user_agent))


def _redirect(location: str) -> Response:
    return Response("", 302, {**HEADERS, "Location": location}, content_type="text/plain")


def _destinations() -> Destinations:
    return current_app.extensions["orchard-destinations"]  # type: ignore[no-any-return]
