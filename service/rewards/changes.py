"""What a reward is worth changes as its order does: the difference is booked, in either direction.

Refunds, voids, amendments, reviews and their opposites all come through here. Each says what its rewards should be from
now on, and what that is does not depend on how they came to be what they are: so steps can come in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.customers.tables import KnownCustomer
from service.database.writing import write_now
from service.ledger import books
from service.rewards import lots, postings
from service.rewards.holdings import GIVEN_BACK_LASTS, Purse
from service.rewards.moves import Cause, Move
from service.rewards.tables.changes import RewardChange
from service.rewards.tables.rewards import Reward


@dataclass(frozen=True, slots=True)
class Target:
    """What a reward should be from now on, in minor units. amount: as the order stands; taken: what of it is gone."""

    reward: Reward
    amount: int
    taken: int


def bring(
    session: Session, targets: Sequence[Target], people: Mapping[str, KnownCustomer], cause: Cause
) -> list[tuple[Reward, int]]:
    """Make these rewards of one order what they should be, and book the difference.

    people: those who have the rewards, locked, with all that time has done to them booked. A reward that was denied
    stays so. Returns (reward, signed minor units) of those that are worth more or less than before.
    """
    moves, records = [], []
    purses: dict[str, Purse] = {}
    for target in targets:
        reward, lapsed, before = target.reward, target.reward.lapsed_amount or 0, target.reward.remaining
        if reward.status == "denied":
            continue
        left = reward.left_amount  # read before anything is set, as reading it writes what was set
        reward.amount, reward.reversed_amount = target.amount, target.taken
        if reward.remaining == before:
            continue
        if reward.customer_id not in purses:
            purses[reward.customer_id] = _purse(session, reward, people[reward.customer_id])
        owner, purse = people[reward.customer_id].owner, purses[reward.customer_id]
        move = _move(reward, reward.remaining - before, owner, purse, now=cause.recorded_at)
        _settle_lots(session, move, left)
        moves.append(move)
        records.append(_record(move, cause, lapsed=(reward.lapsed_amount or 0) - lapsed))
    if moves:
        postings.change(session, moves[0].reward.conversion_id, moves, cause)
        write_now(session)
        write_now(session, *records)
    return [(move.reward, move.amount) for move in moves]


def _purse(session: Session, reward: Reward, customer: KnownCustomer) -> Purse:
    held = books.owner_balances(session, reward.merchant_id, customer.owner).get(reward.currency)
    return Purse(held.available, held.owed) if held else Purse()


def _move(reward: Reward, amount: int, owner: str, purse: Purse, *, now: datetime) -> Move:
    """Where the change goes, and the state in which it leaves the reward."""
    if reward.given_as == "discount":
        reward.status = "available" if reward.remaining else "reversed"
        return Move(reward, owner, settled=amount)
    if not reward.is_ripe:
        if reward.status == "reversed":
            _wait_again(reward, now)
        reward.status = "pending" if reward.remaining else "reversed"
        return Move(reward, owner, pending=amount)
    lapsed = 0
    if reward.used_amount is not None:  # its time is over: what goes beyond what was used lapses, or never had lapsed
        before, reward.lapsed_amount = reward.lapsed_amount or 0, max(0, reward.remaining - reward.used_amount)
        lapsed = reward.lapsed_amount - before
    reward.status = ("lapsed" if reward.lapsed_amount else "available") if reward.remaining else "reversed"
    rest = amount - lapsed
    if rest < 0:
        missing = purse.lose(-rest)
        return Move(reward, owner, lapsed=lapsed, available=rest + missing, owed=missing)
    if rest > 0 and reward.expires_at is not None and reward.used_amount is None:
        reward.expires_at = max(reward.expires_at, now + GIVEN_BACK_LASTS)
    return Move(reward, owner, lapsed=lapsed, available=rest, paid=purse.gain(rest))


def _settle_lots(session: Session, move: Move, left: int) -> None:
    """What is available changes: of the reward itself as far as that goes, then of what is spent first.

    left: of the reward until now, in minor units.
    """
    reward, change = move.reward, move.available - move.paid
    whose = (reward.merchant_id, reward.customer_id, reward.currency)
    if change > 0 and not reward.is_living:
        lots.add_lasting(session, *whose, change)
        return
    own = max(change, -left)
    reward.left_amount = left + own
    if own > change:
        write_now(session)
        lots.spend(session, *whose, own - change)


def _wait_again(reward: Reward, now: datetime) -> None:
    """It ripens at its time, or now where that went by without it; its time to be used begins then."""
    if reward.available_at < now:
        if reward.expires_at is not None:
            reward.expires_at += now - reward.available_at
        reward.available_at = now


def _record(move: Move, cause: Cause, *, lapsed: int) -> RewardChange:
    reward = move.reward
    return RewardChange(
        merchant_id=reward.merchant_id,
        entry_id=cause.entry_id,
        reward_id=reward.reward_id,
        conversion_id=reward.conversion_id,
        customer_id=reward.customer_id,
        step=cause.step,
        amount=move.amount,
        lapsed_amount=lapsed,
        recorded_at=cause.recorded_at,
    )
