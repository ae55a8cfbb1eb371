"""What an order stands on, read in as few statements as it takes: this is the path of every checkout.

The statements are built once, when this file is loaded, which is a third of what they cost.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, literal, select
from sqlalchemy.orm import Session

from service.conversions.tables.conversions import Conversion, Referral
from service.customers.tables import Customer
from service.links.tables import Link
from service.programs.tables import Program, ProgramTerms
from service.rewards.tables.rewards import Reward

_one = select(literal(1).label("one")).subquery("one")
# Tables rather than mapped classes: the unit of work would look at each row that passes here.
conversion, customer, link = Conversion.__table__, Customer.__table__, Link.__table__
program, referral, terms = Program.__table__, Referral.__table__, ProgramTerms.__table__
reward = Reward.__table__


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


def _sighting(link_matches: ColumnElement[bool]) -> Select[Any]:
    merchant: BindParameter[Any] = bindparam("merchant")
    return select(
        conversion.c.conversion_id,
        customer.c.customer_id.is_not(None),
        referral.c.advocate_id,
        referral.c.program_id,
        referral.c.link_id,
        link.c.link_id,
        link.c.customer_id,
        link.c.program_id,
    ).select_from(
        _one.outerjoin(
            conversion, and_(conversion.c.merchant_id == merchant, conversion.c.order_id == bindparam("order"))
        )
        .outerjoin(customer, and_(customer.c.merchant_id == merchant, customer.c.customer_id == bindparam("friend")))
        .outerjoin(referral, and_(referral.c.merchant_id == merchant, referral.c.friend_id == bindparam("friend")))
        .outerjoin(link, and_(link.c.merchant_id == merchant, link_matches))
    )


_BY_LINK = _sighting(link.c.link_id == bindparam("link"))
_BY_CODE = _sighting(link.c.folded_code == bindparam("code"))


def _standing() -> Select[Any]:
    merchant: BindParameter[Any] = bindparam("merchant")
    friend: BindParameter[Any] = bindparam("friend")
    above = (
        select(referral.c.advocate_id.label("person"))
        .where(referral.c.merchant_id == merchant, referral.c.friend_id == bindparam("advocate"))
        .cte("above", recursive=True)
    )
    above = above.union(
        select(referral.c.advocate_id).where(referral.c.merchant_id == merchant, referral.c.friend_id == above.c.person)
    )
    own = select(conversion.c.conversion_id).where(
        conversion.c.merchant_id == merchant, conversion.c.customer_id == friend
    )
    earned = select(reward.c.reward_id).where(
        reward.c.merchant_id == merchant, reward.c.conversion_id == conversion.c.conversion_id
    )
    rewarded = select(func.count()).where(
        conversion.c.merchant_id == merchant, conversion.c.customer_id == friend, earned.exists()
    )
    return select(
        referral.c.advocate_id,
        program.c.status,
        program.c.terms_version,
        terms.c.terms,
        link.c.status,
        link.c.expires_at,
        own.exists(),
        rewarded.scalar_subquery(),
        select(above.c.person).where(above.c.person == friend).exists(),
    ).select_from(
        _one.outerjoin(referral, and_(referral.c.merchant_id == merchant, referral.c.friend_id == friend))
        .outerjoin(program, and_(program.c.merchant_id == merchant, program.c.program_id == bindparam("program")))
        .outerjoin(
            terms,
            and_(
                terms.c.merchant_id == merchant,
                terms.c.program_id == program.c.program_id,
                terms.c.terms_version == program.c.terms_version,
            ),
        )
        .outerjoin(link, and_(link.c.merchant_id == merchant, link.c.link_id == bindparam("link")))
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
