"""Reviews of rewards by a human."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.tables import KnownCustomer
from service.errors import ReferralError, Unknown
from service.events import events
from service.events.kinds import Kind
from service.ids import new_id
from service.ledger import books
from service.rewards import erased, happenings, postings, upkeep
from service.rewards.changes import Target, bring
from service.rewards.moves import Cause
from service.rewards.references import Step
from service.rewards.tables import rewards as storage
from service.rewards.tables.rewards import Reward


class RewardSettled(ReferralError):
    """The reward is past the state in which this review can be made."""

    def __init__(self, reward_id: object, status: str) -> None:
        super().__init__(f"Reward {reward_id} is {status} already.")
        self.reward_id = reward_id
        self.status = status


def get(session: Session, merchant_id: UUID, reward_id: UUID) -> Reward:
    """The merchant's reward. Raises Unknown."""
    reward = storage.get(session, merchant_id, reward_id)
    if reward is None:
        raise Unknown("reward", reward_id)
    return reward


def deny(
    session: Session, merchant_id: UUID, reward_id: UUID, *, note: str, key_id: UUID | None = None, now: datetime
) -> Reward:
    """Take a reward away, in whatever state: what is still there is taken back, what was spent is owed.

    key_id: of the API key by which somebody decides so; None where a command does.
    A discount's cost is taken back from what was settled. Doing it again answers the same. Raises Unknown.
    """
    reward, customer = _locked(session, merchant_id, reward_id, now=now)
    if reward.status == "denied":
        return reward
    taken_before = reward.reversed_amount
    cause = Cause(Step.DENY, new_id(), effective_at=now, recorded_at=now)
    changed = bring(session, [Target(reward, reward.amount, reward.amount)], {customer.customer_id: customer}, cause)
    if not changed:  # nothing was left of it, and it is denied all the same
        events.record(session, merchant_id, [happenings.of_reward(Kind.REWARD_DENIED, reward, 0)], now=now)
    # what a review took away is told by the status; reversed_amount goes on saying what refunds took
    reward.status, reward.reversed_amount = "denied", taken_before
    reward.review_note, reward.review_key_id = note, key_id
    erased.settle(session, merchant_id, customer, now=now)
    return reward


def release(
    session: Session, merchant_id: UUID, reward_id: UUID, *, note: str, key_id: UUID | None = None, now: datetime
) -> Reward:
    """Make a pending reward available before its hold ends. One that is available already stays as it is.

    key_id: as in `deny`.
    Raises Unknown, and RewardSettled for one that was denied, reversed or lapsed.
    """
    reward, customer = _locked(session, merchant_id, reward_id, now=now)
    if reward.status == "available":
        return reward
    if reward.status != "pending":
        raise RewardSettled(reward_id, reward.status)
    balance = books.owner_balances(session, merchant_id, customer.owner)[reward.currency]
    if reward.expires_at is not None:
        reward.expires_at = now + (reward.expires_at - reward.available_at)
    reward.available_at = now
    postings.ripen(session, reward, customer.owner, debt=balance.owed, recorded_at=now)
    gained = reward.remaining - min(balance.owed, reward.remaining)
    reward.status, reward.is_ripe, reward.left_amount = "available", True, gained
    reward.review_note, reward.review_key_id = note, key_id
    erased.settle(session, merchant_id, customer, now=now)
    return reward


def _locked(session: Session, merchant_id: UUID, reward_id: UUID, *, now: datetime) -> tuple[Reward, KnownCustomer]:
    customer = customers.lock_again(session, merchant_id, get(session, merchant_id, reward_id).customer_id)
    upkeep.catch_up(session, merchant_id, customer, now=now)
    return get(session, merchant_id, reward_id), customer
