"""/v1/redemptions"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from marshmallow import fields, validate

from service.rewards import redemptions
from service.rewards.tables.redemptions import Redemption, RedemptionStatus
from service.web.call import Call
from service.web.fields import Currency, Minor, Moment, Name, Strict, rfc3339
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, Resource

resource = Resource("redemptions", "Spending a balance at checkout: reserved, then captured or voided")


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a reservation was used, in minor units; None for all of it."""

    amount: int | None


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing that was said."""


class NewRedemption(Strict):
    """Balance to be set aside, in minor units."""

    makes = redemptions.NewRedemption

    customer_id = Name(required=True)
    amount = Minor(least=1, required=True)
    currency = Currency(required=True)
    order_id = Name(allow_none=True, load_default=None)


class Capture(Strict):
    """How much of it was used; all of it where nothing is said."""

    makes = Used

    amount = Minor(least=1, allow_none=True, load_default=None)


class Void(Strict):
    """Nothing needs to be said."""

    makes = Nothing


class RedemptionOut(Strict):
    """One use of a balance, in minor units."""

    redemption_id = fields.UUID(required=True)
    customer_id = Name(required=True)
    amount = Minor(least=1, required=True)
    captured_amount = Minor(least=1, required=True, allow_none=True)
    currency = Currency(required=True)
    order_id = Name(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(get_args(RedemptionStatus)))
    expires_at = Moment(required=True)
    created_at = Moment(required=True)


@resource.writes("POST", "/redemptions", RedemptionOut, body=NewRedemption, scopes=CHECKOUT, statuses=(201,))
def create_redemption(call: Call, body: redemptions.NewRedemption) -> Answer:
    """Set balance aside for an order"""
    reserved = redemptions.reserve(call.session, call.merchant_id, body, now=call.now)
    return Answer(_render(reserved, call.now), 201)


@resource.reads("/redemptions/<uuid:redemption_id>", RedemptionOut, scopes=CHECKOUT)
def get_redemption(call: Call, redemption_id: UUID) -> Answer:
    """Read a redemption"""
    return Answer(_render(redemptions.get(call.session, call.merchant_id, redemption_id), call.now))


@resource.writes("POST", "/redemptions/<uuid:redemption_id>/capture", RedemptionOut, body=Capture, scopes=CHECKOUT)
def capture_redemption(call: Call, body: Used, redemption_id: UUID) -> Answer:
    """Spend what was set aside, or a part of it"""
    captured = redemptions.capture(call.session, call.merchant_id, redemption_id, amount=body.amount, now=call.now)
    return Answer(_render(captured, call.now))


@resource.writes("POST", "/redemptions/<uuid:redemption_id>/void", RedemptionOut, body=Void, scopes=CHECKOUT)
def void_redemption(call: Call, _body: Nothing, redemption_id: UUID) -> Answer:
    """Give back what was set aside"""
    return Answer(_render(redemptions.void(call.session, call.merchant_id, redemption_id, now=call.now), call.now))


def _render(redemption: Redemption, now: datetime) -> dict[str, Any]:
    return {
        "redemption_id": str(redemption.redemption_id),
        "customer_id": redemption.customer_id,
        "amount": redemption.amount,
        "captured_amount": redemption.captured_amount,
        "currency": redemption.currency,
        "order_id": redemption.order_id,
        "status": redemption.status_at(now),
        "expires_at": rfc3339(redemption.expires_at),
        "created_at": rfc3339(redemption.created_at),
    }
