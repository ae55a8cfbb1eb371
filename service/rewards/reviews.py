"""Reviews of rewards by a human."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.tables import KnownCustomer
from service.errors import ReferralError, Unknown
from service.ledger import books
from service.rewards import postings, upkeep
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


def deny(session: Session, merchant_id: UUID, reward_id: UUID, *, note: str, now: datetime) -> Reward:
    """Take a pending reward away. Doing it again answers the same.

    Raises Unknown, and RewardSettled for one that is pending no more.
    """
    reward, customer = _locked(session, merchant_id, reward_id, now=now)
    if reward.status == "denied":
        return reward
    _require_pending(reward)
    postings.deny(session, reward, customer.owner, recorded_at=now)
    reward.status, reward.review_note = "denied", note
    return reward


def release(session: Session, merchant_id: UUID, reward_id: UUID, *, note: str, now: datetime) -> Reward:
    """Make a pending reward available before its hold ends. One that is available already stays as it is.

    Raises Unknown, and RewardSettled for one that was denied, reversed or lapsed.
    """
    reward, customer = _locked(session, merchant_id, reward_id, now=now)
    if reward.status == "available":
        return reward
    _require_pending(reward)
    balance = books.owner_balances(session, merchant_id, customer.owner)[reward.currency]
    if reward.expires_at is not None:
        reward.expires_at = now + (reward.expires_at - reward.available_at)
    reward.available_at = now
    postings.ripen(session, reward, customer.owner, debt=balance.owed, recorded_at=now)
    reward.status, reward.review_note = "available", note
    return reward


def _locked(session: Session, merchant_id: UUID, reward_id: UUID, *, now: datetime) -> tuple[Reward, KnownCustomer]:
    customer = customers.lock(session, merchant_id, get(session, merchant_id, reward_id).customer_id)
    upkeep.catch_up(session, merchant_id, customer, now=now)
    return get(session, merchant_id, reward_id), customer


def _require_pending(reward: Reward) -> None:
    if reward.status != "pending":
        raise RewardSettled(reward.reward_id, reward.status)
