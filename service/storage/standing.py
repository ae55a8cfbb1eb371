"""What an order stands on, read in as few statements as it takes: this is the path of every checkout.

The statements are built once, when this file is loaded, which is a third of what they cost.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, literal, select
from sqlalchemy.orm import Session

from service.storage.conversions import Conversion, Referral
from service.storage.customers import Customer
from service.storage.links import Link
from service.storage.programs import Program, ProgramTerms

_one = select(literal(1).label("one")).subquery("one")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known before any lock is taken: enough to tell a replay, and whom to lock."""

    conversion_id: UUID | None
    friend_is_known: bool
    referral_advocate_id: str | None
    referral_program_id: UUID | None
    referral_link_id: UUID | None
    link_id: UUID | None
    link_advocate_id: str | None
    link_program_id: UUID | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the decision rests on, read while the people concerned are locked.

    rewarded_orders: how many orders of this friend earned rewards.
    friend_is_above: the friend is among those through whom the advocate came.
    """

    referral_advocate_id: str | None
    program_status: str | None
    terms_version: int | None
    terms: dict[str, Any] | None
    link_status: str | None
    link_expires_at: datetime | None
    has_earlier_order: bool
    rewarded_orders: int
    friend_is_above: bool


def _sighting(link_matches: Any) -> Select[Any]:
    merchant = bindparam("merchant")
    return select(
        Conversion.conversion_id,
        Customer.customer_id.is_not(None),
        Referral.advocate_id,
        Referral.program_id,
        Referral.link_id,
        Link.link_id,
        Link.customer_id,
        Link.program_id,
    ).select_from(
        _one.outerjoin(Conversion, and_(Conversion.merchant_id == merchant, Conversion.order_id == bindparam("order")))
        .outerjoin(Customer, and_(Customer.merchant_id == merchant, Customer.customer_id == bindparam("friend")))
        .outerjoin(Referral, and_(Referral.merchant_id == merchant, Referral.friend_id == bindparam("friend")))
        .outerjoin(Link, and_(Link.merchant_id == merchant, link_matches))
    )


_BY_LINK = _sighting(Link.link_id == bindparam("link"))
_BY_CODE = _sighting(Link.folded_code == bindparam("code"))


def _standing() -> Select[Any]:
    merchant, friend = bindparam("merchant"), bindparam("friend")
    above = (
        select(Referral.advocate_id.label("person"))
        .where(Referral.merchant_id == merchant, Referral.friend_id == bindparam("advocate"))
        .cte("above", recursive=True)
    )
    above = above.union(
        select(Referral.advocate_id).where(Referral.merchant_id == merchant, Referral.friend_id == above.c.person)
    )
    own = select(Conversion.conversion_id).where(Conversion.merchant_id == merchant, Conversion.customer_id == friend)
    rewarded = select(func.count()).where(
        Conversion.merchant_id == merchant, Conversion.customer_id == friend, Conversion.status == "attributed"
    )
    return select(
        Referral.advocate_id,
        Program.status,
        Program.terms_version,
        ProgramTerms.terms,
        Link.status,
        Link.expires_at,
        own.exists(),
        rewarded.scalar_subquery(),
        select(above.c.person).where(above.c.person == friend).exists(),
    ).select_from(
        _one.outerjoin(Referral, and_(Referral.merchant_id == merchant, Referral.friend_id == friend))
        .outerjoin(Program, and_(Program.merchant_id == merchant, Program.program_id == bindparam("program")))
        .outerjoin(
            ProgramTerms,
            and_(
                ProgramTerms.merchant_id == merchant,
                ProgramTerms.program_id == Program.program_id,
                ProgramTerms.terms_version == Program.terms_version,
            ),
        )
        .outerjoin(Link, and_(Link.merchant_id == merchant, Link.link_id == bindparam("link")))
    )


_STANDING = _standing()


def sight(
    session: Session,
    merchant_id: UUID,
    *,
    order_id: str | None,
    friend_id: str | None,
    link_id: UUID | None = None,
    folded_code: str | None = None,
) -> Sighting:
    """What is known of an order, its customer and the link or code that came with it. Locks nothing."""
    values = {"merchant": merchant_id, "order": order_id, "friend": friend_id}
    if folded_code is not None:
        return Sighting(*session.execute(_BY_CODE, {**values, "code": folded_code}).one())
    return Sighting(*session.execute(_BY_LINK, {**values, "link": link_id}).one())


def read(
    session: Session,
    merchant_id: UUID,
    *,
    friend_id: str | None,
    advocate_id: str | None,
    program_id: UUID | None,
    link_id: UUID | None,
) -> Standing:
    """What the decision on an order rests on."""
    values = {
        "merchant": merchant_id,
        "friend": friend_id,
        "advocate": advocate_id,
        "program": program_id,
        "link": link_id,
    }
    return Standing(*session.execute(_STANDING, values).one())
