"""An advocate who is forgotten: their links lead to no offer any more, and no code tells a name.

A code that was given out is never given to another, so a digest of it stays.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.database.writing import write_now
from service.links import links
from service.links import tables as storage
from service.links.tables import Code
from service.merchants.tables import Merchant


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is forgotten of an advocate's links. codes: folded code -> whose it was."""

    link_ids: Collection[UUID]
    codes: dict[str, UUID]
    shown_codes: Collection[str]


def forget(session: Session, merchant: Merchant, before: str, after: str, *, now: datetime) -> Forgotten:
    """End the links of the one customer, who is locked, and make them the other's, without codes and destinations."""
    merchant_id = merchant.merchant_id
    theirs = storage.all_of(session, merchant_id, before)
    codes = storage.codes_of(session, merchant_id, [link.link_id for link in theirs])
    forgotten = Forgotten(
        [link.link_id for link in theirs],
        {code.folded_code: code.link_id for code in codes},
        [link.code for link in theirs],
    )
    for code in codes:
        session.add(
            Code(
                merchant_id=merchant_id,
                folded_code=storage.digest_of(merchant, code.folded_code),
                link_id=code.link_id,
                given_at=code.given_at,
            )
        )
        session.delete(code)
    for link in theirs:
        link.customer_id, link.status, link.shop_metadata = after, "revoked", None
        # its own id tells it from the other links that lead nowhere
        link.destination_url, link.destination_key = None, link.link_id.bytes
        links.give_free_code(session, merchant, link, now=now)
    write_now(session)
    return forgotten
