"""/v1/rewards"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from marshmallow import fields, validate

from service.customers.customers import meant
from service.ledger.rewards import Given
from service.rewards import reviews as rewards
from service.rewards.tables import rewards as storage
from service.rewards.tables.rewards import Reward, RewardFilter, RewardStatus, Side
from service.web.call import Call
from service.web.fields import CurrencyCode, Minor, Moment, Name, Strict, Text, Whole, rfc3339
from service.web.pagination import Listing, PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import ADMIN, CHECKOUT_AND_MARKETING, Resource

SIDES, STATUSES = list(get_args(Side)), list(get_args(RewardStatus))
resource = Resource("rewards", "What each side earned, and what became of it")


@dataclass(frozen=True, slots=True)
class WantedRewards:
    """Which rewards: by what is stored of them, and by the status that they have now."""

    conversion_id: UUID | None
    customer_id: str | None
    program_id: UUID | None
    side: Side | None
    status: RewardStatus | None

    @property
    def stored(self) -> RewardFilter:
        """What the database can tell by itself."""
        return RewardFilter(self.conversion_id, self.customer_id, self.program_id, self.side)


@dataclass(frozen=True, slots=True)
class Note:
    """Why a human decided so."""

    note: str


class RewardQuery(PeriodQuery):
    """Which rewards."""

    makes = WantedRewards

    conversion_id = fields.UUID(load_default=None)
    customer_id = Name(load_default=None)
    program_id = fields.UUID(load_default=None)
    side = fields.String(load_default=None, validate=validate.OneOf(SIDES))
    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))


class Review(Strict):
    """Why a human decided so."""

    makes = Note

    note = Text(most=500, required=True)


class RewardOut(Strict):
    """What one side earned from one conversion, in minor units."""

    reward_id = fields.UUID(required=True)
    side = fields.String(required=True, validate=validate.OneOf(SIDES))
    customer_id = Name(required=True)
    amount = Minor(least=1, required=True)
    reversed_amount = Minor(least=0, required=True)
    currency = CurrencyCode(required=True)
    given_as = fields.String(data_key="as", required=True, validate=validate.OneOf(get_args(Given)))
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    available_at = Moment(required=True)


class ListedReward(RewardOut):
    """A reward on its own, with what it belongs to. `review_key_id` is that of the API key by which it was reviewed."""

    conversion_id = fields.UUID(required=True)
    program_id = fields.UUID(required=True)
    terms_version = Whole(least=1, required=True)
    expires_at = Moment(required=True, allow_none=True)
    review_note = fields.String(required=True, allow_none=True)
    review_key_id = fields.UUID(required=True, allow_none=True)


@resource.reads("/rewards", page_of(ListedReward, "RewardPage"), scopes=CHECKOUT_AND_MARKETING, query=RewardQuery)
def list_rewards(call: Call, query: Listing[WantedRewards]) -> Answer:
    """List rewards"""
    wanted, status = meant(call.session, call.merchant_id, query.wanted.stored), query.wanted.status
    rows = storage.page(call.session, call.merchant_id, query.page, wanted, status=status, now=call.now)
    return page(rows, query.page, lambda reward: _render(reward, call.now), lambda reward: reward.reward_id)


@resource.writes("POST", "/rewards/<uuid:reward_id>/deny", ListedReward, body=Review, scopes=ADMIN)
def deny_reward(call: Call, body: Note, reward_id: UUID) -> Answer:
    """Take a reward away"""
    by = call.key_id
    denied = rewards.deny(call.session, call.merchant_id, reward_id, note=body.note, key_id=by, now=call.now)
    return Answer(_render(denied, call.now))


@resource.writes("POST", "/rewards/<uuid:reward_id>/release", ListedReward, body=Review, scopes=ADMIN)
def release_reward(call: Call, body: Note, reward_id: UUID) -> Answer:
    """Make a pending reward available now"""
    by = call.key_id
    released = rewards.release(call.session, call.merchant_id, reward_id, note=body.note, key_id=by, now=call.now)
    return Answer(_render(released, call.now))


def render_reward(reward: Reward, now: datetime) -> dict[str, Any]:
    """A reward as a conversion shows it."""
    return {
        "reward_id": str(reward.reward_id),
        "side": reward.side,
        "customer_id": reward.customer_id,
        "amount": reward.amount,
        "reversed_amount": reward.reversed_amount,
        "currency": reward.currency,
        "as": reward.given_as,
        "status": reward.status_at(now),
        "available_at": rfc3339(reward.available_at),
    }


def _render(reward: Reward, now: datetime) -> dict[str, Any]:
    return {
        **render_reward(reward, now),
        "conversion_id": str(reward.conversion_id),
        "program_id": str(reward.program_id),
        "terms_version": reward.terms_version,
        "expires_at": rfc3339(reward.expires_at),
        "review_note": reward.review_note,
        "review_key_id": str(reward.review_key_id) if reward.review_key_id else None,
    }
