"""What time does to a customer's balance: rewards ripen and lapse, and forgotten reservations are given back.

Whoever touches a customer's money calls this first, so the worker is never needed for a right answer. What happened is
booked in the order of its times, so the answer is the same whenever somebody looks.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.tables import KnownCustomer
from service.database.engine import Database, WorkFirst
from service.database.writing import write_now
from service.errors import TryLater
from service.events import events as history
from service.events.events import Happened
from service.events.kinds import Kind
from service.ledger import books
from service.ledger.books import Transaction
from service.ledger.rewards import lapsing
from service.rewards import erased, happenings, postings
from service.rewards.holdings import GIVEN_BACK_LASTS, Held
from service.rewards.tables import adjustments, changes, redemptions
from service.rewards.tables import due as due_rewards
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward

log = logging.getLogger("orchard.rewards")
BATCH = 500
RIPENS, GIVEN_BACK, LAPSES = range(3)
"""What comes first of what happens at one moment."""

STEP = 250
"""How many of a kind one transaction books, and what came at the same moment as the last of them."""

MOST_STEPS = 20
"""So many steps one caller waits for."""

EVERYTHING = 2**31 - 1

Event = tuple[datetime, int, UUID, Reward | Redemption]
"""When, what, of which, and that one."""


@dataclass(frozen=True, slots=True)
class Due:
    """What time has brought to an end and nobody has booked: each kind in the order of its times."""

    ripe: Sequence[Reward]
    stale: Sequence[Redemption]
    expired: Sequence[Reward]

    def known_until(self, now: datetime) -> datetime | None:
        """Up to when all of it is known; None where it is all there is."""
        times = (
            [reward.available_at for reward in self.ripe],
            [redemption.expires_at for redemption in self.stale],
            [reward.expires_at or now for reward in self.expired],
        )
        return min((of_a_kind[-1] for of_a_kind in times if len(of_a_kind) == STEP), default=None)


def catch_up(session: Session, merchant_id: UUID, customer: KnownCustomer, *, now: datetime) -> None:
    """Book all that time has done to this customer, who is locked. Doing it again does nothing.

    Raises WorkFirst where it takes more than a step, so that nobody waits for this customer until all of it is booked.
    """
    if not catch_up_some(session, merchant_id, customer, now=now):
        raise WorkFirst(partial(catch_up_in_steps, merchant_id=merchant_id, customer_id=customer.customer_id, now=now))


def catch_up_at_once(session: Session, merchant_id: UUID, customer: KnownCustomer, *, now: datetime) -> None:
    """As `catch_up`, all of it in this transaction: of what came up within it, which no other one sees."""
    while not catch_up_some(session, merchant_id, customer, now=now):
        pass


def catch_up_some(session: Session, merchant_id: UUID, customer: KnownCustomer, *, now: datetime) -> bool:
    """Book the first of what time has done to this customer, who is locked. Returns whether that was all."""
    if not due_rewards.is_due(session, merchant_id, customer.customer_id, now=now):
        erased.settle(session, merchant_id, customer, now=now)
        return True
    due = _due(session, merchant_id, customer.customer_id, now=now, limit=STEP)
    until = due.known_until(now)
    if until is not None:
        # Of a kind that has more, nothing is known of what came after the last one: that is for the next step. What
        # came at the same moment as the last one belongs to this step, however much it is.
        due = _due(session, merchant_id, customer.customer_id, now=until, limit=EVERYTHING)
    _book(session, merchant_id, customer, due, until=until or now, now=now)
    write_now(session)
    if is_all := until is None or until == now:
        erased.settle(session, merchant_id, customer, now=now)
    return is_all


def _due(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime, limit: int) -> Due:
    return Due(
        due_rewards.ripe(session, merchant_id, customer_id, now=now, limit=limit),
        redemptions.stale(session, merchant_id, customer_id, now=now, limit=limit),
        due_rewards.expired(session, merchant_id, customer_id, now=now, limit=limit),
    )


def _events(due: Due, until: datetime) -> list[Event]:
    """What happened up to this time, in its order. A reward that has ripened may have lapsed since."""
    over = [*due.expired, *(reward for reward in due.ripe if reward.expires_at is not None)]
    happened: list[Event] = [
        *((reward.available_at, RIPENS, reward.reward_id, reward) for reward in due.ripe),
        *((redemption.expires_at, GIVEN_BACK, redemption.redemption_id, redemption) for redemption in due.stale),
        *((reward.expires_at, LAPSES, reward.reward_id, reward) for reward in over if reward.expires_at is not None),
    ]
    return sorted((event for event in happened if event[0] <= until), key=lambda event: event[:3])


def _book(
    session: Session, merchant_id: UUID, customer: KnownCustomer, due: Due, *, until: datetime, now: datetime
) -> None:
    events = _events(due, until)
    held = _held(session, merchant_id, customer, due.expired, until=until)
    over = [moment for moment, what, _, _ in events if what == LAPSES]
    if over:
        since = min(over) - GIVEN_BACK_LASTS
        given_back = redemptions.returned_since(session, merchant_id, customer.customer_id, since=since)
        restored = changes.restored_since(session, merchant_id, customer.customer_id, since=since)
        for currency, at, amount in (*given_back, *restored):
            held[currency].returned.append((at, amount))
    transactions, happened = list[Transaction](), list[Happened]()
    for _, what, _, subject in events:
        of_currency = held[subject.currency]
        if isinstance(subject, Redemption):
            transactions.append(_give_back(subject, customer, of_currency, now=now))
            happened.append(happenings.of_credit(Kind.CREDIT_RELEASED, subject, subject.amount))
        elif what == RIPENS:
            transactions.append(_ripen(subject, customer, of_currency, now=now))
            happened.append(happenings.of_reward(Kind.REWARD_RIPENED, subject, subject.remaining))
        elif lapse := _lapse(subject, customer, of_currency, now=now):
            transactions.append(lapse)
            happened.append(happenings.of_reward(Kind.REWARD_LAPSED, subject, -(subject.lapsed_amount or 0)))
    books.post_many(session, merchant_id, transactions)
    history.record(session, merchant_id, happened, now=now)


def catch_up_everybody(database: Database, now: datetime) -> int:
    """Bring every customer with something due up to date, each in a transaction of their own. Returns how many."""
    done, failed = 0, set[tuple[UUID, str]]()
    while due := _customers_with_due(database, now) - failed:
        for merchant_id, customer_id in due:
            try:
                catch_up_in_steps(database, merchant_id, customer_id, now=now)
                done += 1
            except TryLater:
                continue  # with the others in between
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                failed.add((merchant_id, customer_id))
                log.error("a customer of %s is left for the next round: %s", merchant_id, type(error.orig).__name__)
    return done


def _customers_with_due(database: Database, now: datetime) -> set[tuple[UUID, str]]:
    with database.reading() as session:
        ripe = due_rewards.customers_with_due(session, now=now, limit=BATCH)
        stale = redemptions.customers_with_stale(session, now=now, limit=BATCH)
        return {*ripe, *stale}


def catch_up_in_steps(database: Database, merchant_id: UUID, customer_id: str, *, now: datetime) -> None:
    """As `catch_up`, in as many transactions as it takes, so that none of them holds its locks for long.

    Raises Unknown, and TryLater after so many that a caller would wait for seconds.
    """

    def step(session: Session) -> bool:
        return catch_up_some(session, merchant_id, customers.lock(session, merchant_id, customer_id), now=now)

    for _ in range(MOST_STEPS):
        if database.write(step):
            return
    raise TryLater("More is due to this customer than can be booked at once.")


def _held(
    session: Session, merchant_id: UUID, customer: KnownCustomer, expired: Sequence[Reward], *, until: datetime
) -> dict[str, Held]:
    held: dict[str, Held] = defaultdict(Held)
    for currency, balance in books.owner_balances(session, merchant_id, customer.owner).items():
        held[currency] = Held(balance.available, balance.owed)
    for currency, total in due_rewards.left_of_unexpired(session, merchant_id, customer.customer_id, now=until).items():
        held[currency].unexpired = total
    for currency, total in adjustments.added(session, merchant_id, customer.customer_id).items():
        held[currency].unexpired += max(0, total)  # goodwill never lapses; corrections are set off against it
    for reward in expired:
        held[reward.currency].left[reward.reward_id] = reward.remaining
    return held


def _ripen(reward: Reward, customer: KnownCustomer, held: Held, *, now: datetime) -> Transaction:
    transaction = postings.ripening(reward, customer.owner, debt=held.owed, recorded_at=now)
    held.gain(reward.remaining)
    held.left[reward.reward_id] = reward.remaining
    reward.status, reward.is_ripe = "available", True
    return transaction


def _give_back(redemption: Redemption, customer: KnownCustomer, held: Held, *, now: datetime) -> Transaction:
    transaction = postings.settlement(redemption, customer.owner, captured=0, debt=held.owed, now=now)
    held.gain(redemption.amount)
    redemption.status, redemption.claim = "voided", None
    redemption.to_be_sealed()
    return transaction


def _lapse(reward: Reward, customer: KnownCustomer, held: Held, *, now: datetime) -> Transaction | None:
    """What lapses of the reward, or None where nothing is left of it."""
    left = held.left.pop(reward.reward_id)
    later = held.kept_at(reward.expires_at or now)
    amount = lapsing(left, available=held.available, left_of_later=later)
    reward.lapsed_amount, reward.used_amount = amount, reward.remaining - amount
    if not amount:
        return None
    held.available -= amount
    reward.status = "lapsed"
    return postings.lapse(reward, customer.owner, amount=amount, recorded_at=now)
