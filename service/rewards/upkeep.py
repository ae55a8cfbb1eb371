"""What time does to a customer's balance: rewards ripen and lapse, and forgotten reservations are given back.

Whoever touches a customer's money calls this first, so the worker is never needed for a right answer. What happened is
booked in the order of its times, so the answer is the same whenever somebody looks.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from operator import itemgetter
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.tables import KnownCustomer
from service.database.engine import Database, RaceLost, WorkFirst
from service.database.writing import write_now
from service.errors import TryLater, Unknown
from service.events import events as history
from service.events.events import Happened
from service.events.kinds import Kind
from service.ledger import books
from service.ledger.books import Transaction
from service.rewards import booking, erased, happenings, postings
from service.rewards.holdings import Purse
from service.rewards.lots import Lots
from service.rewards.tables import due as due_rewards
from service.rewards.tables import lots as lot_storage
from service.rewards.tables import redemptions
from service.rewards.tables.lots import Taken
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward

log = logging.getLogger("orchard.rewards")
BATCH = 500
RIPENS, GIVEN_BACK, LAPSES = range(3)
"""What comes first of what happens at one moment."""

STEP = 250
"""How many of a kind one transaction books."""

MOST_STEPS = 20
"""So many steps one caller waits for."""

Key = tuple[datetime, int, UUID]
"""When, what, of which."""
Event = tuple[Key, Reward | Redemption]


@dataclass(frozen=True, slots=True)
class Due:
    """What time has brought to an end and nobody has booked: each kind in the order of its times."""

    ripe: Sequence[Reward]
    stale: Sequence[Redemption]
    expired: Sequence[Reward]

    def events(self) -> tuple[list[Event], bool]:
        """What happened, in its order, as far as all of it is known; and whether that is all there is.

        Of a kind that has more, nothing is known of what came after the last one. A reward that has ripened may have
        lapsed since.
        """
        kinds: tuple[list[Event], ...] = (
            [((reward.available_at, RIPENS, reward.reward_id), reward) for reward in self.ripe],
            [((one.expires_at, GIVEN_BACK, one.redemption_id), one) for one in self.stale],
            _lapses(self.expired),
        )
        until = min((of_a_kind[-1][0] for of_a_kind in kinds if len(of_a_kind) == STEP), default=None)
        happened = sorted(chain(*kinds, _lapses(self.ripe)), key=itemgetter(0))
        return [event for event in happened if until is None or event[0] <= until], until is None


def _lapses(rewards: Iterable[Reward]) -> list[Event]:
    return [
        ((reward.expires_at, LAPSES, reward.reward_id), reward) for reward in rewards if reward.expires_at is not None
    ]


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
    due = Due(
        due_rewards.ripe(session, merchant_id, customer.customer_id, now=now, limit=STEP),
        redemptions.stale(session, merchant_id, customer.customer_id, now=now, limit=STEP),
        due_rewards.expired(session, merchant_id, customer.customer_id, now=now, limit=STEP),
    )
    events, is_all = due.events()
    _book(session, merchant_id, customer, due, [event for event in events if event[0][0] <= now], now=now)
    write_now(session)
    if is_all:
        erased.settle(session, merchant_id, customer, now=now)
    return is_all


def _book(
    session: Session, merchant_id: UUID, customer: KnownCustomer, due: Due, events: Sequence[Event], *, now: datetime
) -> None:
    held = books.owner_balances(session, merchant_id, customer.owner)
    purses = {currency: Purse(balance.available, balance.owed) for currency, balance in held.items()}
    taken = lot_storage.taken(session, merchant_id, [redemption.redemption_id for redemption in due.stale])
    lots = Lots([*due.ripe, *due.expired])
    transactions, happened = list[Transaction](), list[Happened]()
    for (_, what, _), subject in events:
        purse = purses[subject.currency]
        if isinstance(subject, Redemption):
            parts = taken.get(subject.redemption_id, ())
            transactions.append(_give_back(subject, customer, purse, lots, parts, now=now))
            happened.append(happenings.of_credit(Kind.CREDIT_RELEASED, subject, subject.amount))
        elif what == RIPENS:
            transactions.append(_ripen(subject, customer, purse, now=now))
            happened.append(happenings.of_reward(Kind.REWARD_RIPENED, subject, subject.remaining))
        elif lapse := _lapse(subject, customer, purse, now=now):
            transactions.append(lapse)
            happened.append(happenings.of_reward(Kind.REWARD_LAPSED, subject, -(subject.lapsed_amount or 0)))
    booking.post_many(session, merchant_id, transactions)
    lots.write(session, merchant_id, customer.customer_id)
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
            except Unknown:
                failed.add((merchant_id, customer_id))  # they have got another name meanwhile, and are found by it
            except RaceLost:
                failed.add((merchant_id, customer_id))
                log.error("a customer of %s is left for the next round: others were always quicker", merchant_id)
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
    raise TryLater("More is due to this customer than can be booked at once. Some of it was booked just now.")


def _ripen(reward: Reward, customer: KnownCustomer, purse: Purse, *, now: datetime) -> Transaction:
    transaction = postings.ripening(reward, customer.owner, debt=purse.owed, recorded_at=now)
    reward.left_amount = reward.remaining - purse.gain(reward.remaining)
    reward.status, reward.is_ripe = "available", True
    return transaction


def _give_back(
    redemption: Redemption, customer: KnownCustomer, purse: Purse, lots: Lots, parts: Sequence[Taken], *, now: datetime
) -> Transaction:
    amount = redemption.amount
    transaction = postings.settlement(redemption, customer.owner, captured=0, debt=purse.owed, now=now)
    lots.give_back(redemption, parts, amount, held=amount, paid=purse.gain(amount))
    redemption.end_unspent()
    return transaction


def _lapse(reward: Reward, customer: KnownCustomer, purse: Purse, *, now: datetime) -> Transaction | None:
    """What is left of the reward lapses. None where nothing is."""
    amount, reward.left_amount = reward.left_amount, 0
    reward.lapsed_amount, reward.used_amount = amount, reward.remaining - amount
    if not amount:
        return None
    purse.available -= amount
    reward.status = "lapsed"
    return postings.lapse(reward, customer.owner, amount=amount, recorded_at=now)
