"""What is known about an order: a glimpse before locks, the facts of the decision under them.

As few statements as it takes, since this is the path of every checkout; built once, when this file is loaded, which is
a third of what they cost. A recorded order and a quote come through here alike; only the first one holds locks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Row, Select, and_, bindparam, func, literal, select
from sqlalchemy.orm import Session

from service.conversions.rules import Facts, Person
from service.conversions.tables.conversions import Conversion, Referral
from service.customers.tables import Customer, KnownCustomer
from service.database.engine import RaceLost
from service.links.evidence import CodeEvidence, Evidence, VisitEvidence
from service.links.tables import Link
from service.programs.tables import Program, ProgramTerms
from service.programs.terms import Terms, terms_of
from service.rewards.tables import rewards
from service.rewards.tables.rewards import Reward

_one = select(literal(1).label("one")).subquery("one")
# Tables rather than mapped classes: the unit of work would look at each row that passes here.
conversion, customer, link = Conversion.__table__, Customer.__table__, Link.__table__
program, referral, terms = Program.__table__, Referral.__table__, ProgramTerms.__table__
reward = Reward.__table__


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is known before any lock is taken: enough to tell a replay, and whom to lock."""

    conversion_id: UUID | None
    friend_is_known: bool
    referral_advocate_id: str | None
    referral_program_id: UUID | None
    referral_link_id: UUID | None
    link_id: UUID | None
    link_advocate_id: str | None
    link_program_id: UUID | None

    @property
    def referral(self) -> tuple[str | None, UUID | None, UUID | None]:
        """(advocate, program, link) of the referral that the friend has, or else of the one that came."""
        if self.referral_advocate_id is not None:
            return self.referral_advocate_id, self.referral_program_id, self.referral_link_id
        return self.link_advocate_id, self.link_program_id, self.link_id

    @property
    def advocate_ids(self) -> set[str]:
        """Who may be concerned besides the friend: the advocate who brought them, and the one whose token came."""
        return {name for name in (self.referral_advocate_id, self.link_advocate_id) if name is not None}


def _glimpse(link_matches: ColumnElement[bool]) -> Select[Any]:
    merchant: BindParameter[Any] = bindparam("merchant")
    return select(
        conversion.c.conversion_id,
        customer.c.customer_id.is_not(None).label("friend_is_known"),
        referral.c.advocate_id.label("referral_advocate_id"),
        referral.c.program_id.label("referral_program_id"),
        referral.c.link_id.label("referral_link_id"),
        link.c.link_id,
        link.c.customer_id.label("link_advocate_id"),
        link.c.program_id.label("link_program_id"),
    ).select_from(
        _one.outerjoin(
            conversion, and_(conversion.c.merchant_id == merchant, conversion.c.order_id == bindparam("order"))
        )
        .outerjoin(customer, and_(customer.c.merchant_id == merchant, customer.c.customer_id == bindparam("friend")))
        .outerjoin(referral, and_(referral.c.merchant_id == merchant, referral.c.friend_id == bindparam("friend")))
        .outerjoin(link, and_(link.c.merchant_id == merchant, link_matches))
    )


_BY_LINK = _glimpse(link.c.link_id == bindparam("link"))
_BY_CODE = _glimpse(link.c.folded_code == bindparam("code"))


def _gathered() -> Select[Any]:
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
        referral.c.advocate_id.label("referral_advocate_id"),
        program.c.status.label("program_status"),
        program.c.terms_version,
        terms.c.terms,
        link.c.status.label("link_status"),
        link.c.expires_at.label("link_expires_at"),
        own.exists().label("has_earlier_order"),
        rewarded.scalar_subquery().label("rewarded_orders"),
        select(above.c.person).where(above.c.person == friend).exists().label("friend_is_above"),
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


_GATHERED = _gathered()


def glimpse(
    session: Session,
    merchant_id: UUID,
    evidence: Evidence | None,
    *,
    order_id: str | None,
    friend_id: str | None,
) -> Glimpse:
    """What is known of the order, its customer and the referral that came with it. Locks nothing."""
    keys = {"merchant": merchant_id, "order": order_id, "friend": friend_id}
    if isinstance(evidence, CodeEvidence):
        row = session.execute(_BY_CODE, {**keys, "code": evidence.folded_code}).one()
    else:
        row = session.execute(_BY_LINK, {**keys, "link": evidence.link_id if evidence else None}).one()
    return Glimpse(**row._mapping)


def gather(
    session: Session,
    merchant_id: UUID,
    seen: Glimpse,
    *,
    evidence: Evidence | None,
    ordered_at: datetime,
    eligible_amount: int,
    currency: str,
    friend: KnownCustomer | None,
    people: Mapping[str, KnownCustomer],
) -> Facts | None:
    """What the decision rests on, while the people concerned are locked; None where no referral could earn anything.

    seen: from `glimpse`. evidence: what came with the order proves. eligible_amount: minor units.
    friend: who orders, or None while nobody knows (a quote). people: at least the advocates.
    Raises RaceLost if the friend was referred between the glimpse and now.
    """
    advocate_id, program_id, link_id = seen.referral
    row = _under_locks(session, merchant_id, seen, friend)
    if advocate_id is None or program_id is None or link_id is None or row.terms is None:
        return None
    in_force, is_referred = terms_of(row.terms), seen.referral_advocate_id is not None
    visit = evidence if isinstance(evidence, VisitEvidence) and not is_referred else None
    return Facts(
        program_id=program_id,
        terms=in_force,
        terms_version=row.terms_version,
        program_status=row.program_status,
        link_id=link_id,
        link_status=row.link_status,
        link_expires_at=row.link_expires_at,
        visited_at=visit.visited_at if visit else None,
        ordered_at=ordered_at,
        eligible_amount=eligible_amount,
        currency=currency,
        advocate=_person(people[advocate_id]),
        friend=_person(friend) if friend else None,
        friend_is_above=row.friend_is_above,
        has_earlier_order=row.has_earlier_order,
        rewarded_friends=_rewarded_friends(session, merchant_id, program_id, advocate_id, friend, in_force),
        is_referred=is_referred,
        given_by_another=is_referred and seen.link_advocate_id not in (None, seen.referral_advocate_id),
        rewarded_orders=row.rewarded_orders,
    )


def _under_locks(session: Session, merchant_id: UUID, seen: Glimpse, friend: KnownCustomer | None) -> Row[Any]:
    """The one look at the database while the people concerned are locked."""
    advocate_id, program_id, link_id = seen.referral
    friend_id = friend.customer_id if friend else None
    keys = {"merchant": merchant_id, "link": link_id, "friend": friend_id, "advocate": advocate_id}
    row = session.execute(_GATHERED, {**keys, "program": program_id}).one()
    if row.referral_advocate_id != seen.referral_advocate_id:
        raise RaceLost
    return row


def _rewarded_friends(
    session: Session,
    merchant_id: UUID,
    program_id: UUID,
    advocate_id: str,
    friend: KnownCustomer | None,
    terms: Terms,
) -> int:
    if terms.max_rewards_per_advocate is None and not terms.tiers:
        return 0
    besides = friend.customer_id if friend else ""
    return rewards.rewarded_friends(
        session, merchant_id, program_id=program_id, advocate_id=advocate_id, besides=besides
    )


def _person(customer: KnownCustomer) -> Person:
    return Person(customer.customer_id, customer.folded_email, customer.since)
