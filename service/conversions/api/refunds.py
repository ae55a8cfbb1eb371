"""/v1/conversions/{conversion_id}/refunds and /v1/refunds"""

from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from service.conversions import refunds
from service.conversions.refunds import Taken
from service.database.lists import Page
from service.web.call import Call
from service.web.fields import CurrencyCode, Flag, Minor, Moment, Name, Strict, rfc3339
from service.web.pagination import PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, CHECKOUT_AND_MARKETING, Resource

resource = Resource("refunds", "What was given back of orders, and what that took back of rewards")


class NewRefund(Strict):
    """What the shop gave back of an order."""

    makes = refunds.NewRefund

    refund_id = Name(required=True)
    amount = Minor(least=1)
    full = Flag(validate=validate.Equal(True))
    eligible_amount = Minor(least=0, allow_none=True)
    refunded_at = Moment(allow_none=True, load_default=None)


class NewRefundOfOrder(NewRefund):
    """What the shop gave back of the order of this name."""

    order_id = Name(required=True)


class ReversalOut(Strict):
    """What a refund took back of one reward, in minor units."""

    reward_id = fields.UUID(required=True)
    side = fields.String(required=True)
    customer_id = Name(required=True)
    amount = Minor(least=1, required=True)


class RefundOut(Strict):
    """A recorded refund, with what it took back."""

    refund_id = Name(required=True)
    conversion_id = fields.UUID(required=True)
    amount = Minor(least=1, required=True)
    eligible_amount = Minor(least=0, required=True)
    currency = CurrencyCode(required=True)
    reversals = fields.List(fields.Nested(ReversalOut), required=True)
    refunded_at = Moment(required=True)
    recorded_at = Moment(required=True)
    reversed_at = Moment(required=True, allow_none=True)


@resource.writes(
    "POST",
    "/conversions/<uuid:conversion_id>/refunds",
    RefundOut,
    body=NewRefund,
    scopes=CHECKOUT,
    statuses=(201, 200),
)
def create_refund(call: Call, body: refunds.NewRefund, conversion_id: UUID) -> Answer:
    """Report a refund"""
    taken = refunds.refund(call.session, call.merchant_id, conversion_id, body, now=call.now)
    return Answer(_render_refund(taken), 201 if taken.is_new else 200)


@resource.writes("POST", "/refunds", RefundOut, body=NewRefundOfOrder, scopes=CHECKOUT, statuses=(201, 200))
def create_refund_of_order(call: Call, body: refunds.NewRefund) -> Answer:
    """Report a refund by the order's own id"""
    taken = refunds.refund_of_order(call.session, call.merchant_id, body, now=call.now)
    return Answer(_render_refund(taken), 201 if taken.is_new else 200)


@resource.reads(
    "/conversions/<uuid:conversion_id>/refunds",
    page_of(RefundOut, "RefundPage"),
    scopes=CHECKOUT_AND_MARKETING,
    query=PeriodQuery,
)
def list_refunds(call: Call, query: Page, conversion_id: UUID) -> Answer:
    """List the refunds of a conversion"""
    rows = refunds.page(call.session, call.merchant_id, conversion_id, query)
    return page(rows, query, _render_refund, lambda taken: taken.refund.entry_id)


@resource.writes(
    "POST", "/conversions/<uuid:conversion_id>/refunds/<name:refund_id>/reverse", RefundOut, scopes=CHECKOUT
)
def reverse_refund(call: Call, conversion_id: UUID, refund_id: str) -> Answer:
    """Say that a refund failed or was won back"""
    taken = refunds.reverse(call.session, call.merchant_id, conversion_id, refund_id, now=call.now)
    return Answer(_render_refund(taken))


def describe_refunds(schemas: dict[str, Any]) -> None:
    """Say in the contract that a refund is of an amount or in full."""
    for name in ("NewRefund", "NewRefundOfOrder"):
        schemas[name]["oneOf"] = [{"required": ["amount"]}, {"required": ["full"]}]
        schemas[name]["properties"]["full"] = {"type": "boolean", "enum": [True], "description": "All that is left"}


def _render_refund(taken: Taken) -> dict[str, Any]:
    return {
        "refund_id": taken.refund.refund_id,
        "conversion_id": str(taken.refund.conversion_id),
        "amount": taken.refund.amount,
        "eligible_amount": taken.refund.eligible_share,
        "currency": taken.currency,
        "reversals": [
            {
                "reward_id": str(reward.reward_id),
                "side": reward.side,
                "customer_id": reward.customer_id,
                "amount": amount,
            }
            for reward, amount in taken.reversals
        ],
        "refunded_at": rfc3339(taken.refund.refunded_at),
        "recorded_at": rfc3339(taken.refund.recorded_at),
        "reversed_at": rfc3339(taken.reversed_at),
    }
