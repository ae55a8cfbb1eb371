"""A customer who is forgotten: their orders and referrals stay, under another name and without words."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import String, cast, or_, select, update
from sqlalchemy.orm import Session

from service.conversions.rules import BY_HAND
from service.conversions.tables import people as storage
from service.conversions.tables.conversions import UNSYNCHRONIZED, Conversion
from service.database.writing import write_now
from service.links.evidence import erased_code

ERASED = "(erased)"
"""What stands in place of what somebody wrote."""


def forget(session: Session, merchant_id: UUID, before: str, after: str, *, codes: Mapping[str, UUID]) -> None:
    """Say of the other customer what orders say of the one, who is locked, and take away what was written beside them.

    codes: folded code -> the link whose it was, of all that tell the customer's name.
    """
    c = Conversion
    storage.hand_over(session, merchant_id, before, after)
    storage.hand_over_referrals(session, merchant_id, before, after)
    of_customer = (c.merchant_id == merchant_id, c.customer_id == after)
    session.execute(update(c).where(*of_customer).values(shop_metadata=None), execution_options=UNSYNCHRONIZED)
    concerned = (c.merchant_id == merchant_id, or_(c.customer_id == after, c.advocate_id == after))
    noted = update(c).where(*concerned, c.void_note.is_not(None)).values(void_note=None)
    session.execute(noted, execution_options=UNSYNCHRONIZED)
    attributed = select(c).where(*concerned, c.late_attribution.is_not(None)).with_for_update()
    for conversion in session.scalars(attributed, execution_options={"populate_existing": True}):
        conversion.late_attribution = {**(conversion.late_attribution or {}), "note": ERASED}
        conversion.decisions = [_unsaid(decision) for decision in conversion.decisions]
    if codes:
        _forget_codes(session, merchant_id, codes)
    write_now(session)


def _unsaid(decision: Mapping[str, Any]) -> dict[str, Any]:
    """A stored decision without what the human wrote who made it."""
    is_by_hand = decision["detail"].startswith(BY_HAND)
    return {**decision, "detail": BY_HAND + ERASED} if is_by_hand else dict(decision)


def _forget_codes(session: Session, merchant_id: UUID, codes: Mapping[str, UUID]) -> None:
    """Where an order came with one of these codes, say which link it was of. They are looked for in all orders: one
    that was only noted belongs to somebody else.
    """
    c = Conversion
    said = (cast(column, String) for column in (c.reported, c.late_attribution))
    named = or_(*(text.like(f'%"{code}"%') for text in said for code in codes))
    query = select(c).where(c.merchant_id == merchant_id, named).order_by(c.conversion_id).with_for_update()
    for conversion in session.scalars(query, execution_options={"populate_existing": True}):
        conversion.reported = _without(conversion.reported, codes)
        if conversion.late_attribution is not None:
            conversion.late_attribution = _without(conversion.late_attribution, codes)
        conversion.to_be_sealed()


def _without(said: Mapping[str, Any], codes: Mapping[str, UUID]) -> dict[str, Any]:
    referral = said.get("referral") or {}
    link_id = codes.get(referral.get("folded_code", ""))
    return {**said, "referral": erased_code(link_id)} if link_id else dict(said)
