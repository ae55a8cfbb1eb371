"""What is known about an order: a glimpse before locks, the facts of the decision under them.

As few statements as it takes, since this is the path of every checkout. A recorded order and a quote come through here
alike; only the first one holds locks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from service.conversions.looks import BY_CODE, BY_LINK, GATHERED
from service.conversions.rules import Facts, Person
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.links.evidence import CodeEvidence, Evidence, VisitEvidence
from service.programs.terms import Terms, terms_of
from service.rewards.tables import rewards


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

    def referral(self, *, is_newcomer: bool) -> tuple[str | None, UUID | None, UUID | None]:
        """(advocate, program, link) of the referral that the friend has, or else of the one that came.

        is_newcomer: of the one that came, whether or not there is another.
        """
        if self.referral_advocate_id is not None and not is_newcomer:
            return self.referral_advocate_id, self.referral_program_id, self.referral_link_id
        return self.link_advocate_id, self.link_program_id, self.link_id

    @property
    def advocate_ids(self) -> set[str]:
        """Who may be concerned besides the friend: the advocate who brought them, and the one whose token came."""
        return {name for name in (self.referral_advocate_id, self.link_advocate_id) if name is not None}


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
        row = session.execute(BY_CODE, {**keys, "code": evidence.folded_code}).one()
    else:
        row = session.execute(BY_LINK, {**keys, "link": evidence.link_id if evidence else None}).one()
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
    is_newcomer: bool = False,
) -> Facts | None:
    """What the decision rests on, while the people concerned are locked; None where no referral could earn anything.

    seen: from `glimpse`. evidence: what came with the order proves. eligible_amount: minor units.
    friend: who orders, or None while nobody knows (a quote). people: at least the advocates.
    is_newcomer: look at the referral that came as if the friend had none.
    Raises RaceLost if the friend was referred between the glimpse and now.
    """
    advocate_id, program_id, link_id = candidate = seen.referral(is_newcomer=is_newcomer)
    row = _under_locks(session, merchant_id, seen, candidate, friend, ordered_at=ordered_at)
    if advocate_id is None or program_id is None or link_id is None or row.terms is None:
        return None
    in_force, is_referred = terms_of(row.terms), seen.referral_advocate_id is not None and not is_newcomer
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
        referral_stands=row.referral_stands,
        given_by_another=is_referred and seen.link_advocate_id not in (None, seen.referral_advocate_id),
        rewarded_orders=row.rewarded_orders,
    )


def _under_locks(
    session: Session,
    merchant_id: UUID,
    seen: Glimpse,
    candidate: tuple[str | None, UUID | None, UUID | None],
    friend: KnownCustomer | None,
    *,
    ordered_at: datetime,
) -> Row[Any]:
    """The one look at the database while the people concerned are locked. candidate: (advocate, program, link)."""
    advocate_id, program_id, link_id = candidate
    friend_id = friend.customer_id if friend else None
    keys = {"merchant": merchant_id, "link": link_id, "friend": friend_id, "advocate": advocate_id}
    row = session.execute(GATHERED, {**keys, "program": program_id, "ordered_at": ordered_at}).one()
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
