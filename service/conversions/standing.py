"""An order that is changed after it was recorded: held under locks, and its rewards made what they should be.

Every change comes through here, and each says what the order is from now on. What the rewards are worth follows from
that alone, and the difference from what they were is booked: so the order of the changes does not matter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.earning import counts, earned_by, reward_of
from service.conversions.tables import conversions, refunds
from service.conversions.tables.conversions import Conversion
from service.customers import tables as customers
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.database.writing import write_now
from service.errors import ReferralError, Unknown
from service.events import events
from service.events.events import Happened
from service.events.kinds import Kind
from service.ledger.rewards import Returns, taken_back
from service.programs import tables as programs
from service.programs.terms import Terms, terms_of
from service.rewards import upkeep
from service.rewards.changes import Target, bring
from service.rewards.moves import Cause
from service.rewards.references import Step
from service.rewards.tables import rewards
from service.rewards.tables.rewards import Reward

EVENTS: Mapping[Step, Kind] = {
    Step.REFUND: Kind.ORDER_REFUNDED,
    Step.REVERSAL: Kind.REFUND_REVERSED,
    Step.AMENDMENT: Kind.ORDER_AMENDED,
    Step.VOID: Kind.ORDER_VOIDED,
    Step.REOPENING: Kind.ORDER_REOPENED,
    Step.ATTRIBUTION: Kind.ORDER_ATTRIBUTED,
}
"""What each step that changes an order is, as an event."""

Changed = list[tuple[Reward, int]]
"""(reward, signed minor units) of those that became worth more or less."""


class OrderVoided(ReferralError):
    """The order was voided, so nothing of it can be changed until it is reopened."""

    def __init__(self, order_id: str, voided_at: datetime) -> None:
        super().__init__(
            f"Order {order_id} was voided at {voided_at.isoformat()}. Reopen it first:"
            " POST /v1/conversions/{conversion_id}/reopen."
        )
        self.order_id = order_id


@dataclass(frozen=True, slots=True)
class Held:
    """An order and everybody whom its change concerns, locked, with all that time has done to them booked."""

    session: Session
    conversion: Conversion
    people: dict[str, KnownCustomer]
    now: datetime

    def all_of(self, customer_id: str) -> set[str]:
        """All customers who are one person with this one, who is held."""
        person_id = self.people[customer_id].person_id
        return customers.all_of(self.session, self.conversion.merchant_id, customer_id, person_id)

    def refuse_voided(self) -> None:
        """Raise OrderVoided if the order was voided."""
        if self.conversion.voided_at is not None:
            raise OrderVoided(self.conversion.order_id, self.conversion.voided_at)

    def returns(self) -> Returns:
        """What came back of the order so far."""
        of = self.conversion
        named, shared = refunds.returned(self.session, of.merchant_id, of.conversion_id)
        return Returns(of.amount, of.refunded_amount, of.eligible_amount, named, shared)

    def terms(self) -> Terms:
        """The terms to which the order is pinned, which it has."""
        of = self.conversion
        assert of.program_id is not None
        assert of.terms_version is not None
        stored = programs.terms(self.session, of.merchant_id, of.program_id, of.terms_version).terms
        return terms_of(stored).in_currency(of.currency)

    def rewards(self) -> Sequence[Reward]:
        """All that the order ever earned."""
        return rewards.of_conversions(self.session, self.conversion.merchant_id, [self.conversion.conversion_id])


def hold(
    session: Session, merchant_id: UUID, conversion_id: UUID, others: Sequence[str] = (), *, now: datetime
) -> Held:
    """The merchant's order, held for a change. others: who else it concerns. Raises Unknown, and RaceLost."""
    conversion = find(session, merchant_id, conversion_id)
    names = {name for name in (conversion.customer_id, conversion.advocate_id, *others) if name is not None}
    people = customers.lock(session, merchant_id, names)
    for person in people.values():
        upkeep.catch_up(session, merchant_id, person, now=now)
    held = Held(session, find(session, merchant_id, conversion_id), people, now)
    if not {held.conversion.customer_id, held.conversion.advocate_id} <= {*people, None}:
        raise RaceLost  # it was given another advocate while we waited
    return held


def find(session: Session, merchant_id: UUID, conversion_id: UUID) -> Conversion:
    """The merchant's conversion. Raises Unknown."""
    conversion = conversions.get(session, merchant_id, conversion_id)
    if conversion is None:
        raise Unknown("conversion", conversion_id)
    return conversion


def named(session: Session, merchant_id: UUID, order_id: str) -> UUID:
    """The conversion of the merchant's order of this name. Raises Unknown."""
    conversion_id = conversions.of_order(session, merchant_id, order_id)
    if conversion_id is None:
        raise Unknown("order", order_id)
    return conversion_id


def reckon(held: Held, cause: Cause) -> Changed:
    """Take back of what the order earns what its refunds so far take, or give back what they take no more."""
    held.conversion.to_be_sealed()
    returns = held.returns()
    targets = [
        Target(reward, reward.amount, taken_back(reward.amount, returns))
        for reward in held.rewards()
        if reward.is_earned
    ]
    return _bring(held, targets, cause)


def earn_anew(held: Held, terms: Terms | None, cause: Cause, *, nth_referral: int = 1) -> Changed:
    """Make the order's rewards what it earns as it is now: some are worth more or less, some are new, some are gone.

    terms: None where it earns nothing. nth_referral: which of its advocate's it is.
    """
    of, returns = held.conversion, held.returns()
    of.to_be_sealed()
    earned = earned_by(of, terms, nth_referral=nth_referral) if terms else []
    amounts = {one.key: one.amount for one in earned}
    targets = []
    for reward in sorted(held.rewards(), key=lambda reward: not reward.is_earned):
        amount = amounts.pop((reward.side, reward.customer_id, reward.given_as), 0)
        reward.is_earned = amount > 0
        if amount and terms is not None:
            _pin(reward, of, terms, nth_referral)
        targets.append(
            Target(reward, amount or reward.amount, taken_back(amount, returns) if amount else reward.amount)
        )
    for one in earned:
        if one.key in amounts and terms is not None:
            customer = held.people[one.customer_id]
            reward = reward_of(of, terms, one, customer, nth_referral=nth_referral, now=held.now)
            reward.reversed_amount, reward.status = reward.amount, "reversed"  # worth nothing until it is booked
            targets.append(Target(reward, one.amount, taken_back(one.amount, returns)))
            held.session.add(reward)
    write_now(held.session)
    return _bring(held, targets, cause)


def _bring(held: Held, targets: list[Target], cause: Cause) -> Changed:
    of = held.conversion
    happened = Happened(EVENTS[cause.step], of.conversion_id, cause.entry_id, of.amount, of.currency)
    events.record(held.session, of.merchant_id, [happened], now=cause.recorded_at)
    changed = bring(held.session, targets, held.people, cause)
    write_now(held.session)
    for person in held.people.values():  # what was restored after its hold ended is ripe at once
        upkeep.catch_up_at_once(held.session, held.conversion.merchant_id, person, now=held.now)
    return changed


def _pin(reward: Reward, conversion: Conversion, terms: Terms, nth_referral: int) -> None:
    """It belongs to the referral and the terms that the order has now; other terms have other times, while it waits."""
    reward.advocate_id, reward.nth_referral = str(conversion.advocate_id), nth_referral
    reward.counted = counts(reward.side, terms)
    if (reward.program_id, reward.terms_version) == (conversion.program_id, conversion.terms_version):
        return
    assert conversion.program_id is not None
    assert conversion.terms_version is not None
    reward.program_id, reward.terms_version = conversion.program_id, conversion.terms_version
    if reward.given_as == "credit" and not reward.is_ripe:
        reward.available_at = terms.available_at(conversion.ordered_at)
        reward.expires_at = terms.expires_at(reward.available_at)
