"""Everything that is known about an order at the moment of the decision, and the decision itself.

A recorded order and a quote come through here alike; only the first one holds locks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import attribution, standing
from service.conversions.attribution import Attribution
from service.conversions.eligibility import Case, Person
from service.conversions.standing import Sighting, Standing
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.links.evidence import CodeEvidence, Evidence, VisitEvidence
from service.programs.terms import Terms
from service.programs.terms import read as read_terms
from service.rewards.tables import rewards


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be decided: an order, or a question about one. amount: minor units.

    evidence: what the referral proves, None where it proves nothing. referral_given: whether there was one at all.
    """

    evidence: Evidence | None
    referral_given: bool
    ordered_at: datetime
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Situation:
    """The decision, with what it was made on.

    rewarded_friends: how many other friends the advocate's cap and tiers count; 0 where the terms have neither.
    """

    attribution: Attribution
    program_id: UUID | None = None
    terms: Terms | None = None
    terms_version: int | None = None
    link_id: UUID | None = None
    advocate_id: str | None = None
    rewarded_friends: int = 0
    is_new_referral: bool = False


def sight(
    session: Session,
    merchant_id: UUID,
    evidence: Evidence | None,
    *,
    order_id: str | None,
    friend_id: str | None,
) -> Sighting:
    """What is known of the order, its customer and the referral that came with it. Locks nothing."""
    if isinstance(evidence, CodeEvidence):
        code = evidence.folded_code
        return standing.sight(session, merchant_id, order_id=order_id, friend_id=friend_id, folded_code=code)
    link_id = evidence.link_id if evidence is not None else None
    return standing.sight(session, merchant_id, order_id=order_id, friend_id=friend_id, link_id=link_id)


def read(
    session: Session,
    merchant_id: UUID,
    seen: Sighting,
    asked: Asked,
    *,
    friend: KnownCustomer | None,
    people: Mapping[str, KnownCustomer],
) -> Situation:
    """Decide whether a referral earns credit for what is asked.

    seen: from `sight`. friend: who orders, or None while nobody knows (a quote). people: at least the advocates.
    Raises RaceLost if the friend was referred between the sighting and now.
    """
    advocate_id = seen.referral_advocate_id or seen.link_advocate_id
    program_id = seen.referral_program_id or seen.link_program_id
    link_id = seen.referral_link_id or seen.link_id
    facts = standing.read(
        session,
        merchant_id,
        friend_id=friend.customer_id if friend else None,
        advocate_id=advocate_id,
        program_id=program_id,
        link_id=link_id,
    )
    if facts.referral_advocate_id != seen.referral_advocate_id:
        raise RaceLost
    if advocate_id is None or program_id is None or facts.terms is None:
        return Situation(attribution.UNREADABLE if asked.referral_given else attribution.UNATTRIBUTED)
    terms = read_terms(facts.terms)
    rewarded = _rewarded_friends(session, merchant_id, program_id, advocate_id, friend, terms)
    case = _case(asked, seen, facts, terms, advocate=people[advocate_id], friend=friend, rewarded_friends=rewarded)
    decided = _decide(case, seen, facts)
    is_new_referral = seen.referral_advocate_id is None and decided.status == "attributed"
    version = facts.terms_version
    return Situation(decided, program_id, terms, version, link_id, advocate_id, rewarded, is_new_referral)


def _case(
    asked: Asked,
    seen: Sighting,
    facts: Standing,
    terms: Terms,
    *,
    advocate: KnownCustomer,
    friend: KnownCustomer | None,
    rewarded_friends: int,
) -> Case:
    is_new = seen.referral_advocate_id is None
    visit = asked.evidence if isinstance(asked.evidence, VisitEvidence) and is_new else None
    return Case(
        terms=terms,
        program_status=facts.program_status or "",
        link_status=facts.link_status or "",
        link_expires_at=facts.link_expires_at,
        visited_at=visit.visited_at if visit else None,
        ordered_at=asked.ordered_at,
        amount=asked.amount,
        currency=asked.currency,
        advocate=_person(advocate),
        friend=_person(friend) if friend else None,
        friend_is_above=facts.friend_is_above,
        has_earlier_order=facts.has_earlier_order,
        rewarded_friends=rewarded_friends,
    )


def _decide(case: Case, seen: Sighting, facts: Standing) -> Attribution:
    if seen.referral_advocate_id is None:
        return attribution.new_referral(case)
    return attribution.later_order(
        case,
        rewarded_orders_so_far=facts.rewarded_orders,
        given_by_another=seen.link_advocate_id not in (None, seen.referral_advocate_id),
    )


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
