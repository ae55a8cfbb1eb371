"""What a shop's page may tell of the referral that somebody came with: what the link's own page does, or nothing."""

from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from service.database.engine import Database
from service.links import offers
from service.links.evidence import LinkEvidence, read_link, read_visit
from service.links.greetings import Offer
from service.links.visits import look
from service.tokens import TokenSigner


def of_referral(database: Database, signer: TokenSigner, referral: str, *, now: datetime) -> Offer | None:
    """What an order that is placed now with this token would be given; None for nothing, and while nobody can tell."""
    visit = read_visit(signer, referral)
    link = read_link(signer, referral) if visit is None else LinkEvidence(visit.merchant_id, visit.link_id)
    if link is None:
        return None
    try:
        target = look(database, link.merchant_id, link.link_id)
        if target is None or not target.is_open(now):
            return None
        visited_at = visit.visited_at if visit else None
        offer = offers.find(database, link.merchant_id, link.link_id, visited_at=visited_at, now=now)
    except SQLAlchemyError:
        return None
    is_over = offer.holds_until is not None and offer.holds_until <= now
    return None if is_over or offer.terms is None else offer
