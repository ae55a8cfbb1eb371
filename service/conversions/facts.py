"""What is known about an order: a glimpse before locks, the facts of the decision under them.

As few statements as it takes, since this is the path of every checkout. A recorded order and a quote come through here
alike; only the first one holds locks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from service.conversions.eligibility import CLOCK_GRACE, kept_by
from service.conversions.looks import BY_CODE, BY_LINK, GATHERED
from service.conversions.rules import Decision, Facts, Person
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.links.evidence import CodeEvidence, Evidence, QuoteEvidence, VisitEvidence
from service.merchants import tables as merchants
from service.programs.terms import Terms, terms_of
from service.rewards.tables import rewards

NOTHING = UUID(int=0)


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
        named = None if evidence.slug is None else merchants.of_slug(session, evidence.slug)
        is_ours = named in (None, merchant_id)  # what nobody is called names no other shop
        row = session.execute(BY_CODE, {**keys, "code": evidence.folded_code if is_ours else None}).one()
    else:
        row = session.execute(BY_LINK, {**keys, "link": evidence.link_id if evidence else None}).one()
    return Glimpse(**row._mapping)


@dataclass(frozen=True, slots=True)
class Case:
    """An order that is to be judged, while the people concerned are locked.

    evidence: what came with it proves. eligible_amount: minor units. friend: who orders, or None while nobody knows (a
    quote). people: at least the advocates. conversion_id: where it was recorded before, so that it is no other order.
    pinned: (program, version) of terms that hold whatever is in force. kept: decisions of before, by their rules, which
    hold for the program to which it is pinned. overruled: those that a human made, which hold for any.
    """

    merchant_id: UUID
    seen: Glimpse
    evidence: Evidence | None
    ordered_at: datetime
    eligible_amount: int
    currency: str
    friend: KnownCustomer | None
    people: Mapping[str, KnownCustomer]
    conversion_id: UUID = NOTHING
    pinned: tuple[UUID | None, int | None] = (None, None)
    kept: Mapping[str, Decision] = field(default_factory=dict)
    overruled: Mapping[str, Decision] = field(default_factory=dict)

    @property
    def promise(self) -> QuoteEvidence | None:
        """The quote that came with it, where it holds for this order."""
        quote = self.evidence if isinstance(self.evidence, QuoteEvidence) else None
        if quote is None or quote.currency != self.currency:
            return None
        return quote if quote.quoted_at - CLOCK_GRACE <= self.ordered_at < quote.expires_at else None


def gather(session: Session, case: Case, *, is_newcomer: bool = False) -> Facts | None:
    """What the decision rests on; None where no referral could earn anything.

    is_newcomer: look at the referral that came as if the friend had none.
    Raises RaceLost if the friend was referred between the glimpse and now.
    """
    seen = case.seen
    advocate_id, program_id, link_id = seen.referral(is_newcomer=is_newcomer)
    promise = case.promise if (advocate_id, program_id) == (seen.link_advocate_id, seen.link_program_id) else None
    promised = promise.terms_version if promise else None
    version = case.pinned[1] if case.pinned[0] == program_id else promised
    row = _under_locks(session, case, advocate_id, program_id, link_id, version=version)
    if advocate_id is None or program_id is None or link_id is None or row.terms is None:
        return None
    in_force, is_referred = (
        terms_of(row.terms).in_currency(case.currency),
        seen.referral_advocate_id is not None and not is_newcomer,
    )
    visited_at = case.evidence.visited_at if isinstance(case.evidence, VisitEvidence | QuoteEvidence) else None
    return Facts(
        program_id=program_id,
        terms=in_force,
        terms_version=row.terms_version,
        program_status=row.program_status,
        link_id=link_id,
        link_status=row.link_status,
        link_expires_at=row.link_expires_at,
        visited_at=None if is_referred else visited_at,
        ordered_at=case.ordered_at,
        eligible_amount=case.eligible_amount,
        currency=case.currency,
        advocate=_person(case.people[advocate_id]),
        friend=_person(case.friend) if case.friend else None,
        friend_is_above=row.friend_is_above,
        has_earlier_order=row.has_earlier_order,
        rewarded_friends=_rewarded_friends(session, case, program_id, advocate_id, in_force),
        is_referred=is_referred,
        referral_stands=row.referral_stands,
        given_by_another=is_referred and seen.link_advocate_id not in (None, seen.referral_advocate_id),
        rewarded_orders=row.rewarded_orders,
        kept={
            **(case.kept if case.pinned[0] == program_id else {}),
            **(kept_by(promise) if promise else {}),
            **case.overruled,
        },
    )


def _under_locks(
    session: Session,
    case: Case,
    advocate_id: str | None,
    program_id: UUID | None,
    link_id: UUID | None,
    *,
    version: int | None,
) -> Row[Any]:
    """The one look at the database while people are locked. version: of the terms; None for those in force."""
    keys = {
        "merchant": case.merchant_id,
        "link": link_id,
        "friend": case.friend.customer_id if case.friend else None,
        "advocate": advocate_id,
        "program": program_id,
        "version": version,
        "ordered_at": case.ordered_at,
        "besides": case.conversion_id,
    }
    row = session.execute(GATHERED, keys).one()
    if row.referral_advocate_id != case.seen.referral_advocate_id:
        raise RaceLost
    return row


def _rewarded_friends(session: Session, case: Case, program_id: UUID, advocate_id: str, terms: Terms) -> int:
    if terms.max_rewards_per_advocate is None and not terms.tiers:
        return 0
    besides = case.friend.customer_id if case.friend else ""
    return rewards.rewarded_friends(
        session, case.merchant_id, program_id=program_id, advocate_id=advocate_id, besides=besides
    )


def _person(customer: KnownCustomer) -> Person:
    return Person(customer.customer_id, customer.folded_email, customer.since)
