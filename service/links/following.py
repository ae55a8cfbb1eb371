"""Where somebody arrives who follows a link: at the shop, at a greeting, at a link that has ended, or nowhere.

Persons make a visit. Machines get the offer as a card, from which a person who was taken for one can go on. While the
database is away, the friend arrives all the same where the way is known; a visit token is evidence by itself.
"""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from service.database.engine import Database
from service.ids import new_id
from service.links import offers, tables, visits
from service.links.addresses import leading_code, leading_token
from service.links.codes import fold
from service.links.destinations import Destinations
from service.links.evidence import (
    LinkEvidence,
    VisitEvidence,
    claimed_merchant,
    link_token,
    read_link,
    visit_token,
)
from service.links.followers import LONGEST_QUERY, VIA, Follower, seen_as_nobody, traits
from service.links.greetings import Offer
from service.links.hosts import Owner
from service.links.offers import Shop
from service.links.visitor_keys import VisitorKeys
from service.links.visitors import Visitor
from service.links.visits import Followed, Seen, Target
from service.merchants.slugs import fault_of_slug
from service.tokens import TokenSigner

log = logging.getLogger("orchard.links")


@dataclass(frozen=True, slots=True)
class Onward:
    """They are led on to the shop."""

    location: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """They are greeted with the offer, and can go on from there. token: the link's, by which its image is named."""

    offer: Offer
    onward: str
    token: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The link leads to no offer any more; the shop is still there. locale: the advocate's."""

    shop: Shop
    locale: str | None


@dataclass(frozen=True, slots=True)
class Nowhere:
    """We never signed this, or there is no such link. shop: where it was to lead, if that much is known."""

    shop: Shop | None = None


Arrival = Onward | Welcome | Ended | Nowhere


class WayUnknown(Exception):
    """The database is away, and nobody on this machine followed the link before."""


@dataclass(frozen=True, slots=True)
class Following:
    """What following a link needs. destinations: where links led when they were last followed on this machine."""

    database: Database
    signer: TokenSigner
    destinations: Destinations
    keys: VisitorKeys = field(default_factory=VisitorKeys)

    def arrive(self, token: str, follower: Follower, *, now: datetime) -> Arrival:
        """Where this follower of this link's token arrives; a person's follow is stored as a visit.

        Raises WayUnknown.
        """
        named, behind = leading_token(token)
        link = read_link(self.signer, named)
        if link is None:
            return self._nowhere(follower, claimed=claimed_merchant(token))
        return self._arrive(link, _bringing(behind, follower), now)

    def offered(self, token: str, *, at: Owner | None, now: datetime) -> tuple[Offer, bytes | None] | None:
        """What this link's token offers now to anybody, and the shop's logo; None where it leads to nothing under this
        host.
        """
        link = read_link(self.signer, token)
        if link and at and not self._is_at_home(link, at):
            return None
        target = link and visits.look(self.database, link.merchant_id, link.link_id)
        if not link or not target or not target.is_open(now):
            return None
        offer = offers.find(self.database, link.merchant_id, link.link_id, visited_at=None, now=now)
        return offer, offers.logo(self.database, link.merchant_id, offer)

    def arrive_by_code(self, slug: str, code: str, follower: Follower, *, now: datetime) -> Arrival:
        """The same by a shop's slug and one of its codes. Raises WayUnknown."""
        named, behind = leading_code(code)
        shop, folded = slug.lower(), fold(named) or ""
        if fault_of_slug(shop):
            return self._nowhere(follower)
        try:
            found = tables.by_slug(self.database, shop, folded)
            if found is None or (follower.at is not None and follower.at.merchant_id != found[0]):
                return self._nowhere(follower)
            merchant_id, link_id = found
            if link_id is None:
                return Nowhere(offers.shop(self.database, merchant_id))
        except SQLAlchemyError as error:
            link = self.destinations.recall_code(shop, folded)
            if link is None or (follower.at is not None and follower.at.merchant_id != link.merchant_id):
                raise WayUnknown from error
            return self._without_database(link, _bringing(behind, follower), now)
        link = LinkEvidence(merchant_id, link_id)
        self.destinations.remember_code(shop, folded, link)
        return self._arrive(link, _bringing(behind, follower), now)

    def _arrive(self, link: LinkEvidence, follower: Follower, now: datetime) -> Arrival:
        try:
            if follower.at is not None and not self._is_at_home(link, follower.at):
                return self._nowhere(follower)
            if follower.visitor.is_machine:
                return self._card(link, follower, now)
            return self._lead(link, follower, self._look(link, follower, now), now)
        except SQLAlchemyError as error:
            log.error("a link is followed without the database: %s", type(error).__name__)
            return self._without_database(link, follower, now)

    def _nowhere(self, follower: Follower, *, claimed: UUID | None = None) -> Nowhere:
        """There is no such link. The shop may be known all the same: by its own host, or as a broken link claims."""
        merchant_id = follower.at.merchant_id if follower.at else claimed
        if merchant_id is None:
            return Nowhere()
        try:
            return Nowhere(offers.shop(self.database, merchant_id))
        except SQLAlchemyError:
            return Nowhere()

    def _is_at_home(self, link: LinkEvidence, owner: Owner) -> bool:
        """Whether the link is of the program whose host it was followed under."""
        if link.merchant_id != owner.merchant_id:
            return False
        target = visits.look(self.database, link.merchant_id, link.link_id)
        return target is not None and target.program_id == owner.program_id

    def _look(self, link: LinkEvidence, follower: Follower, now: datetime) -> Followed | None:
        """The link's target with the visit; a developer sees what a person would get, and makes none."""
        if follower.visitor is Visitor.DEVELOPER:
            target = visits.look(self.database, link.merchant_id, link.link_id)
            return Followed(target, new_id(), now) if target else None
        visit_id = new_id()
        seen = self._seen(link, follower, visit_id, now)
        return visits.follow(self.database, link.merchant_id, link.link_id, seen, visit_id=visit_id, now=now)

    def _seen(self, link: LinkEvidence, follower: Follower, visit_id: UUID, now: datetime) -> Seen:
        if follower.is_private:
            visitor = seen_as_nobody(visit_id)
            return Seen(visitor, visitor, traits(follower))
        today, yesterday = self.keys.of(self.database, link.merchant_id, now=now)
        visitor = follower.seen_as(today, link.link_id)
        return Seen(visitor, follower.seen_as(yesterday, link.link_id) if yesterday else visitor, traits(follower))

    def _lead(self, link: LinkEvidence, follower: Follower, followed: Followed | None, now: datetime) -> Arrival:
        if followed is None:
            return Nowhere(offers.shop(self.database, link.merchant_id))
        target = followed.target
        if not target.is_open(now):
            self.destinations.forget(link.link_id)
            return self._ended(link, target, now)
        self.destinations.remember(link.link_id, target.destination_url)
        visit = VisitEvidence(link.merchant_id, link.link_id, followed.visit_id, followed.visited_at)
        onward = with_referral(target.destination_url, visit_token(self.signer, visit), follower.brought)
        if target.landing == "redirect":
            return Onward(onward)
        offer = offers.find(self.database, link.merchant_id, link.link_id, visited_at=followed.visited_at, now=now)
        return Welcome(offer, onward, link_token(self.signer, link.merchant_id, link.link_id))

    def _card(self, link: LinkEvidence, follower: Follower, now: datetime) -> Arrival:
        """The offer without a visit; whoever goes on from it has the link itself as the referral."""
        target = visits.look(self.database, link.merchant_id, link.link_id)
        if target is None:
            return Nowhere(offers.shop(self.database, link.merchant_id))
        if not target.is_open(now):
            return self._ended(link, target, now)
        token = link_token(self.signer, link.merchant_id, link.link_id)
        onward = with_referral(target.destination_url, token, follower.brought)
        offer = offers.find(self.database, link.merchant_id, link.link_id, visited_at=None, now=now)
        return Welcome(offer, onward, token)

    def _ended(self, link: LinkEvidence, target: Target, now: datetime) -> Ended:
        offer = offers.find(self.database, link.merchant_id, link.link_id, visited_at=None, now=now)
        return Ended(Shop(offer.look, target.destination_url), offer.locale)

    def _without_database(self, link: LinkEvidence, follower: Follower, now: datetime) -> Arrival:
        destination = self.destinations.recall(link.link_id)
        if destination is None:
            raise WayUnknown
        if follower.visitor.is_machine:
            return Onward(destination)
        visit = VisitEvidence(link.merchant_id, link.link_id, new_id(), now)
        return Onward(with_referral(destination, visit_token(self.signer, visit), follower.brought))


def _bringing(behind: str, follower: Follower) -> Follower:
    """The follower with what stood behind the link as a part of their query."""
    return replace(follower, brought=f"{behind.lstrip('/')}&{follower.brought}")


def with_referral(destination_url: str, token: str, brought: str = "") -> str:
    """The destination with `referral` set in its query; what else was there stays as it was.

    brought: a query, of which is added what the destination does not say itself: from which letter or advertisement
    somebody came is the shop's to know.
    """
    parts = urlsplit(destination_url)
    own = [part for part in parts.query.split("&") if part and part.partition("=")[0] != "referral"]
    known = {unquote_plus(part.partition("=")[0]) for part in own} | {"referral", VIA}
    passed = [(name, value) for name, value in _pairs(brought) if name not in known]
    query = "&".join([*own, *([urlencode(passed)] if passed else []), f"referral={token}"])
    return urlunsplit((parts.scheme, parts.netloc, parts.path or "/", query, parts.fragment))


def _pairs(query: str) -> list[tuple[str, str]]:
    """The names and values of a query, as far as it is of a length that somebody may have meant."""
    cleaned = query.replace("?", "&")[:LONGEST_QUERY]
    return parse_qsl(cleaned, errors="replace")
