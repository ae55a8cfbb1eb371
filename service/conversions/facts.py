"""The facts of the decision on an order, which are gathered while people are locked.

As few statements as it takes, since this is the path of every checkout. A recorded order and a quote come through here
alike; only the first one holds locks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import Session

from service.conversions.eligibility import CLOCK_GRACE, kept_by
from service.conversions.glimpses import Glimpse
from service.conversions.looks import NOBODY, NOTHING, OF_ONE, OF_SEVERAL, Looks
from service.conversions.rules import Decision, Facts
from service.conversions.tables import conversions
from service.customers import tables as customers
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.links.evidence import Evidence, QuoteEvidence, VisitEvidence
from service.programs.terms import Terms, terms_of
from service.rewards.tables.friends import rewarded_friends


@dataclass(frozen=True, slots=True)
class Case:
    """An order that is to be judged, while the people concerned are locked.

    evidence: what came with it proves. eligible_amount: minor units. friend: who orders, or None while nobody knows (a
    quote). people: at least the advocates. conversion_id: where it was recorded before, so that it is no other order.
    is_nobodys: the order names no customer. pinned: (program, version) of terms that hold whatever is in force.
    kept: decisions of before, by their rules, which hold for the program to which it is pinned.
    overruled: those that a human made, which hold for any.
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
    is_nobodys: bool = False
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
    if advocate_id is None or program_id is None or link_id is None:
        _looked(session, case, _looks(case).referred, {})
        return None
    row = _under_locks(session, case, advocate_id, program_id, link_id, version=version)
    if row.terms is None:
        return None
    in_force = terms_of(row.terms).in_currency(case.currency)
    is_referred = seen.referral_advocate_id is not None and not is_newcomer
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
        advocate_id=advocate_id,
        friend_id=case.friend.customer_id if case.friend else None,
        friend_is_unknown=case.is_nobodys,
        friend_is_advocate=advocate_id in seen.friends,
        friend_is_above=row.friend_is_above or (row.persons_above > 0 and _is_above(session, case, advocate_id)),
        friend_came_before=row.came_before or bool(seen.meeting and seen.meeting.erased_at),
        has_earlier_order=row.has_earlier_order,
        rewarded_friends=_rewarded_friends(session, case, program_id, advocate_id, in_force),
        is_referred=is_referred,
        referral_stands=row.referral_stands,
        given_by_another=is_referred and seen.link_advocate_id not in (None, *seen.all_of(advocate_id)),
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
    advocate_id: str,
    program_id: UUID,
    link_id: UUID,
    *,
    version: int | None,
) -> Any:
    """The one look at the database while people are locked. version: of the terms; None for those in force."""
    keys: dict[str, Any] = {
        "link": link_id,
        "advocate": advocate_id,
        "program": program_id,
        "version": version,
        "ordered_at": case.ordered_at,
        "besides": case.conversion_id,
    }
    if case.seen.has_company:
        keys["advocates"] = sorted(case.seen.all_of(advocate_id))
    return _looked(session, case, _looks(case).gathered, keys)


def _looks(case: Case) -> Looks:
    return OF_SEVERAL if case.seen.has_company else OF_ONE


def _looked(session: Session, case: Case, look: Select[Any], keys: dict[str, Any]) -> Any:
    """What the look finds. Raises RaceLost if the friend was referred since the glimpse."""
    keys |= {"merchant": case.merchant_id, "friend": case.friend.customer_id if case.friend else NOBODY}
    if case.seen.has_company:
        keys["friends"] = sorted(case.seen.friends) or [NOBODY]
    row = session.execute(look, keys).one()
    if row.referral_advocate_id != case.seen.referral_advocate_id:
        raise RaceLost
    return row


def _is_above(session: Session, case: Case, advocate_id: str) -> bool:
    """Whether the friend is among those through whom the advocate came, by whichever of everybody's customers.

    Step by step, and asked only where somebody above has several customers: the one statement that follows them all
    makes databases without statistics read every person there is.
    """
    above: set[str] = set()
    further = set(case.seen.all_of(advocate_id))
    while further and not above & case.seen.friends:
        brought = conversions.brought(session, case.merchant_id, further) - above
        above |= brought
        known = customers.known(session, case.merchant_id, brought).values()
        further = brought.union(
            *(customers.of_person(session, case.merchant_id, one.person_id) for one in known if one.person_id)
        )
    return bool(above & case.seen.friends)


def _rewarded_friends(session: Session, case: Case, program_id: UUID, advocate_id: str, terms: Terms) -> int:
    return rewarded_friends(
        session,
        case.merchant_id,
        program_id=program_id,
        advocates=case.seen.all_of(advocate_id),
        besides=case.seen.friends,
        most=terms.tells_apart,
    )
