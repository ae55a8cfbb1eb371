"""What time does to a customer's balance: rewards ripen and lapse, and forgotten reservations are given back.

Whoever touches a customer's money calls this first, so the worker is never needed for a right answer. What happened is
booked in the order of its times, so the answer is the same whenever somebody looks.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.tables import KnownCustomer
from service.database.engine import Database
from service.ledger import books
from service.ledger.rewards import lapsing
from service.rewards import postings
from service.rewards.tables import adjustments, redemptions, rewards
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward

log = logging.getLogger("orchard.rewards")
BATCH = 500
RIPENS, GIVEN_BACK, LAPSES = range(3)
"""What comes first of what happens at one moment."""


@dataclass(slots=True)
class Held:
    """What a customer has of one currency while time passes, in minor units. left: reward -> what may yet lapse."""

    available: int = 0
    owed: int = 0
    unexpired: int = 0
    left: dict[UUID, int] = field(default_factory=dict)

    def gain(self, amount: int) -> None:
        """More is available; what is owed is paid first."""
        paid = min(self.owed, amount)
        self.owed -= paid
        self.available += amount - paid


def is_due(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime) -> bool:
    """Whether time has left something to be booked for this customer."""
    return bool(
        rewards.due(session, merchant_id, customer_id, now=now)
        or redemptions.stale(session, merchant_id, customer_id, now=now)
        or rewards.expired(session, merchant_id, customer_id, now=now)
    )


def catch_up(session: Session, merchant_id: UUID, customer: KnownCustomer, *, now: datetime) -> None:
    """Book all that time has done to this customer, who is locked. Doing it again does nothing."""
    due = rewards.due(session, merchant_id, customer.customer_id, now=now)
    stale = redemptions.stale(session, merchant_id, customer.customer_id, now=now)
    expired = rewards.expired(session, merchant_id, customer.customer_id, now=now)
    if not (due or stale or expired):
        return
    over = [*expired, *(reward for reward in due if reward.expires_at is not None and reward.expires_at <= now)]
    held = _held(session, merchant_id, customer, expired, now=now)
    happened: list[tuple[datetime, int, UUID, Reward | Redemption]] = [
        *((reward.available_at, RIPENS, reward.reward_id, reward) for reward in due),
        *((redemption.expires_at, GIVEN_BACK, redemption.redemption_id, redemption) for redemption in stale),
        *((reward.expires_at or now, LAPSES, reward.reward_id, reward) for reward in over),
    ]
    for _, what, _, subject in sorted(happened, key=lambda event: event[:3]):
        if isinstance(subject, Redemption):
            _give_back(session, subject, customer, held[subject.currency], now=now)
        elif what == RIPENS:
            _ripen(session, subject, customer, held[subject.currency], now=now)
        else:
            _lapse(session, subject, customer, held[subject.currency], now=now)


def catch_up_everybody(database: Database, *, now: datetime) -> int:
    """Bring every customer with something due up to date, each in a transaction of their own. Returns how many."""
    done, failed = 0, set[tuple[UUID, str]]()
    while due := _customers_with_due(database, now) - failed:
        for merchant_id, customer_id in due:
            try:
                database.write(partial(_catch_up_one, merchant_id=merchant_id, customer_id=customer_id, now=now))
                done += 1
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                failed.add((merchant_id, customer_id))
                log.error("a customer of %s is left for the next round: %s", merchant_id, type(error.orig).__name__)
    return done


def _customers_with_due(database: Database, now: datetime) -> set[tuple[UUID, str]]:
    with database.reading() as session:
        ripe = rewards.customers_with_due(session, now=now, limit=BATCH)
        stale = redemptions.customers_with_stale(session, now=now, limit=BATCH)
        return {*ripe, *stale}


def _catch_up_one(session: Session, *, merchant_id: UUID, customer_id: str, now: datetime) -> None:
    catch_up(session, merchant_id, customers.lock(session, merchant_id, customer_id), now=now)


def _held(
    session: Session, merchant_id: UUID, customer: KnownCustomer, expired: Sequence[Reward], *, now: datetime
) -> dict[str, Held]:
    held: dict[str, Held] = defaultdict(Held)
    for currency, balance in books.owner_balances(session, merchant_id, customer.owner).items():
        held[currency] = Held(balance.available, balance.owed)
    for currency, total in rewards.left_of_unexpired(session, merchant_id, customer.customer_id, now=now).items():
        held[currency].unexpired = total
    for currency, total in adjustments.added(session, merchant_id, customer.customer_id).items():
        held[currency].unexpired += max(0, total)  # goodwill never lapses; corrections are set off against it
    for reward in expired:
        held[reward.currency].left[reward.reward_id] = reward.remaining
    return held


def _ripen(session: Session, reward: Reward, customer: KnownCustomer, held: Held, *, now: datetime) -> None:
    postings.ripen(session, reward, customer.owner, debt=held.owed, recorded_at=now)
    held.gain(reward.remaining)
    held.left[reward.reward_id] = reward.remaining
    reward.status = "available"


def _give_back(session: Session, redemption: Redemption, customer: KnownCustomer, held: Held, *, now: datetime) -> None:
    postings.settle(session, redemption, customer.owner, captured=0, debt=held.owed, now=now)
    held.gain(redemption.amount)
    redemption.status = "voided"


def _lapse(session: Session, reward: Reward, customer: KnownCustomer, held: Held, *, now: datetime) -> None:
    left = held.left.pop(reward.reward_id)
    later = held.unexpired + sum(held.left.values())
    amount = lapsing(left, available=held.available, left_of_later=later)
    reward.lapsed_amount = amount
    if amount:
        postings.lapse(session, reward, customer.owner, amount=amount, recorded_at=now)
        held.available -= amount
        reward.status = "lapsed"
