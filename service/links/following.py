"""Where somebody arrives who follows a link: at the shop, at a greeting, at a link that has ended, or nowhere.

Persons make a visit. Machines get the offer as a card, from which a person who was taken for one can go on. While the
database is away, the friend arrives all the same where the way is known; a visit token is evidence by itself.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from service.database.engine import Database
from service.ids import new_id
from service.links import greetings, visits
from service.links.destinations import Destinations
from service.links.evidence import LinkEvidence, VisitEvidence, leading_token, link_token, read_link, visit_token
from service.links.greetings import Greeting
from service.links.visitors import Visitor
from service.links.visits import Followed, Target
from service.tokens import TokenSigner

log = logging.getLogger("orchard.links")
VISITOR_BYTES = 16
LONGEST_BROUGHT = 1_000
"""Of the query with which somebody comes: what is behind it is not passed on."""


@dataclass(frozen=True, slots=True)
class Follower:
    """Who follows: what kind of visitor, and what tells two of them apart. brought: the query that they came with."""

    visitor: Visitor
    address: str
    user_agent: str
    brought: str = ""


@dataclass(frozen=True, slots=True)
class Onward:
    """They are led on to the shop."""

    location: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """They are greeted with the offer, and can go on from there."""

    greeting: Greeting
    onward: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The link leads to no offer any more; the shop is still there."""

    destination_url: str


@dataclass(frozen=True, slots=True)
class Nowhere:
    """We never signed this, or there is no such link."""


Arrival = Onward | Welcome | Ended | Nowhere


class WayUnknown(Exception):
    """The database is away, and nobody on this machine followed the link before."""


@dataclass(frozen=True, slots=True)
class Following:
    """What following a link needs. destinations: where links led when they were last followed on this machine."""

    database: Database
    signer: TokenSigner
    destinations: Destinations

    def arrive(self, token: str, follower: Follower, *, now: datetime) -> Arrival:
        """Where this follower of this link's token arrives; a person's follow is stored as a visit.

        Raises WayUnknown.
        """
        named, behind = leading_token(token)
        link = read_link(self.signer, named)
        if link is None:
            return Nowhere()
        follower = replace(follower, brought=f"{behind.lstrip('/')}&{follower.brought}")
        try:
            if follower.visitor.is_machine:
                return self._card(link, follower, now)
            return self._lead(link, follower, self._look(link, follower, now), now)
        except (SQLAlchemyError, psycopg.Error) as error:
            log.error("a link is followed without the database: %s", type(error).__name__)
            return self._without_database(link, follower, now)

    def _look(self, link: LinkEvidence, follower: Follower, now: datetime) -> Followed | None:
        """The link's target with the visit; a developer sees what a person would get, and makes none."""
        if follower.visitor is Visitor.DEVELOPER:
            target = visits.look(self.database, link.merchant_id, link.link_id)
            return Followed(target, new_id(), now) if target else None
        seen = f"{link.link_id.hex}\n{follower.address}\n{follower.user_agent}"
        return visits.follow(
            self.database,
            link.merchant_id,
            link.link_id,
            visitor=self.signer.keyed_hash(seen)[:VISITOR_BYTES],
            visit_id=new_id(),
            now=now,
        )

    def _lead(self, link: LinkEvidence, follower: Follower, followed: Followed | None, now: datetime) -> Arrival:
        if followed is None:
            return Nowhere()
        target = followed.target
        if not target.is_open(now):
            self.destinations.forget(link.link_id)
            return Ended(target.destination_url)
        self.destinations.remember(link.link_id, target.destination_url)
        visit = VisitEvidence(link.merchant_id, link.link_id, followed.visit_id, followed.visited_at)
        onward = with_referral(target.destination_url, visit_token(self.signer, visit), follower.brought)
        return Welcome(self._greeting(link, target), onward) if target.landing == "page" else Onward(onward)

    def _card(self, link: LinkEvidence, follower: Follower, now: datetime) -> Arrival:
        """The offer without a visit; whoever goes on from it has the link itself as the referral."""
        target = visits.look(self.database, link.merchant_id, link.link_id)
        if target is None:
            return Nowhere()
        if not target.is_open(now):
            return Ended(target.destination_url)
        token = link_token(self.signer, link.merchant_id, link.link_id)
        onward = with_referral(target.destination_url, token, follower.brought)
        return Welcome(self._greeting(link, target), onward)

    def _greeting(self, link: LinkEvidence, target: Target) -> Greeting:
        with self.database.reading() as session:
            return greetings.greet(session, link.merchant_id, target.program_id, target.customer_id)

    def _without_database(self, link: LinkEvidence, follower: Follower, now: datetime) -> Arrival:
        destination = self.destinations.recall(link.link_id)
        if destination is None:
            raise WayUnknown
        if follower.visitor.is_machine:
            return Onward(destination)
        visit = VisitEvidence(link.merchant_id, link.link_id, new_id(), now)
        return Onward(with_referral(destination, visit_token(self.signer, visit), follower.brought))


def with_referral(destination_url: str, token: str, brought: str = "") -> str:
    """The destination with `referral` set in its query; what else was there stays as it was.

    brought: a query, of which is added what the destination does not say itself: from which letter or advertisement
    somebody came is the shop's to know.
    """
    parts = urlsplit(destination_url)
    own = [part for part in parts.query.split("&") if part and part.partition("=")[0] != "referral"]
    known = {unquote_plus(part.partition("=")[0]) for part in own} | {"referral"}
    passed = [(name, value) for name, value in _pairs(brought) if name not in known]
    query = "&".join([*own, *([urlencode(passed)] if passed else []), f"referral={token}"])
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, parts.fragment))


def _pairs(query: str) -> list[tuple[str, str]]:
    """The names and values of a query, as far as it is of a length that somebody may have meant."""
    cleaned = query.replace("?", "&")[:LONGEST_BROUGHT]
    return parse_qsl(cleaned, errors="replace")
