"""/v1/ledger/adjustments"""

from typing import Any, get_args
from uuid import UUID

from marshmallow import fields, validate

from service.database.lists import Page
from service.rewards import adjustments
from service.rewards.tables import adjustments as storage
from service.rewards.tables.adjustments import Adjustment, Direction
from service.web.call import Call
from service.web.fields import CurrencyCode, Minor, Moment, Name, Strict, Text, rfc3339
from service.web.pagination import PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import ADMIN, MARKETING, Resource

resource = Resource("adjustments", "Balances changed by hand: goodwill and corrections")
DIRECTION = validate.OneOf(get_args(Direction))


class NewAdjustment(Strict):
    """A change by hand, in minor units: a credit adds to what is available, a debit takes from it."""

    makes = adjustments.NewAdjustment

    customer_id = Name(required=True)
    direction = fields.String(required=True, validate=DIRECTION)
    amount = Minor(least=1, required=True)
    currency = CurrencyCode(required=True)
    note = Text(most=500, required=True)


class AdjustmentOut(Strict):
    """A change by hand, in minor units. Its note stands in the customer's statement.

    `key_id` is that of the API key by which it was made, null for what a command made.
    """

    adjustment_id = fields.UUID(required=True)
    customer_id = Name(required=True)
    direction = fields.String(required=True, validate=DIRECTION)
    amount = Minor(least=1, required=True)
    currency = CurrencyCode(required=True)
    note = fields.String(required=True)
    key_id = fields.UUID(required=True, allow_none=True)
    created_at = Moment(required=True)


@resource.writes("POST", "/ledger/adjustments", AdjustmentOut, body=NewAdjustment, scopes=ADMIN, statuses=(201,))
def create_adjustment(call: Call, body: adjustments.NewAdjustment) -> Answer:
    """Add to a customer's balance, or take from it"""
    made = adjustments.adjust(call.session, call.merchant_id, body, key_id=call.key_id, now=call.now)
    return Answer(_render(made), 201)


@resource.reads("/ledger/adjustments", page_of(AdjustmentOut, "AdjustmentPage"), scopes=MARKETING, query=PeriodQuery)
def list_adjustments(call: Call, query: Page) -> Answer:
    """List the adjustments"""
    rows = storage.page(call.session, call.merchant_id, query)
    return page(rows, query, _render, lambda adjustment: adjustment.adjustment_id)


@resource.reads("/ledger/adjustments/<uuid:adjustment_id>", AdjustmentOut, scopes=MARKETING)
def get_adjustment(call: Call, adjustment_id: UUID) -> Answer:
    """Read an adjustment"""
    return Answer(_render(adjustments.get(call.session, call.merchant_id, adjustment_id)))


def _render(adjustment: Adjustment) -> dict[str, Any]:
    return {
        "adjustment_id": str(adjustment.adjustment_id),
        "customer_id": adjustment.customer_id,
        "direction": adjustment.direction,
        "amount": adjustment.amount,
        "currency": adjustment.currency,
        "note": adjustment.note,
        "key_id": str(adjustment.key_id) if adjustment.key_id else None,
        "created_at": rfc3339(adjustment.created_at),
    }
