"""Codes that somebody types at a shop: what there is to be told of one before anybody follows it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from service.database.engine import Database
from service.links import offers, tables, visits
from service.links.codes import fold
from service.links.following import WayUnknown
from service.links.greetings import Offer
from service.links.hosts import Owner
from service.links.offers import Shop
from service.merchants.slugs import fault_of_slug


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody is told who types a code at a shop.

    offer: what it brings, None where it brings nothing. is_greeted: whether its link greets by itself who follows it.
    has_ended: the code is known, and leads nowhere any more.
    """

    shop: Shop
    offer: Offer | None = None
    is_greeted: bool = False
    has_ended: bool = False


def look_up(database: Database, slug: str, code: str, *, at: Owner | None, now: datetime) -> Typed | None:
    """What this code brings at the shop of this slug; None where there is no such shop. No visit is made.

    at: whose links are followed under the host that was asked. Raises WayUnknown.
    """
    if fault_of_slug(slug.lower()):
        return None
    try:
        return _look_up(database, slug.lower(), fold(code) or "", at, now)
    except SQLAlchemyError as error:
        raise WayUnknown from error


def _look_up(database: Database, slug: str, folded_code: str, at: Owner | None, now: datetime) -> Typed | None:
    found = tables.by_slug(database, slug, folded_code)
    if found is None or (at is not None and at.merchant_id != found[0]):
        return None
    merchant_id, link_id = found
    shop = offers.shop(database, merchant_id)
    if shop is None:
        return None
    target = visits.look(database, merchant_id, link_id) if link_id else None
    if link_id is None or target is None or (at is not None and target.program_id != at.program_id):
        return Typed(shop)
    if not target.is_open(now):
        return Typed(shop, has_ended=True)
    offer = offers.find(database, merchant_id, link_id, visited_at=None, now=now)
    return Typed(shop, offer, is_greeted=target.landing == "page")
