"""/v1/conversions"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from marshmallow import fields, post_load, validate

from service.conversions import conversions, explanations
from service.conversions.attribution import Status
from service.conversions.conversions import Recorded
from service.conversions.eligibility import REASONS
from service.conversions.orders import Order
from service.conversions.tables.conversions import ConversionFilter, VoidReason
from service.customers import customers
from service.customers.api.customers import ContactIn
from service.formats import formats_for
from service.rewards.api.rewards import RewardOut, render_reward
from service.web.call import Call
from service.web.fields import CurrencyCode, Minor, Moment, Name, Referral, Strict, Whole, rfc3339
from service.web.optional import Metadata, Optional, Unusable, WarningOut
from service.web.pages import wanted
from service.web.pagination import Listing, PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, CHECKOUT_AND_MARKETING, Resource

STATUSES, VOID_REASONS = list(get_args(Status)), list(get_args(VoidReason))
NO_WARNINGS: Mapping[str, str] = {}
resource = Resource("conversions", "Reported orders, and what they earned")


class NewConversion(Strict):
    """An order as a shop reports it."""

    makes = Order

    order_id = Name(required=True)
    amount = Minor(least=0, required=True)
    currency = CurrencyCode(required=True)
    customer = fields.Nested(ContactIn, required=True)
    referral = Referral(allow_none=True)
    discount_amount = Minor(least=0, allow_none=True)
    eligible_amount = Minor(least=0, allow_none=True)
    ordered_at = Moment(allow_none=True)
    metadata = Optional(Metadata())

    @post_load
    def make(self, members: dict[str, Any], **_: Any) -> Order:
        """The order, with what was left out of it and why."""
        metadata = members.pop("metadata", None)
        if isinstance(metadata, Unusable):
            return Order(**members, left_out={"metadata": metadata.message})
        return Order(**members, metadata=metadata)


class ConversionQuery(PeriodQuery):
    """Which conversions."""

    makes = ConversionFilter

    order_id = Name(load_default=None)
    customer_id = Name(load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))
    advocate_id = Name(load_default=None)
    program_id = fields.UUID(load_default=None)


class ConversionOut(Strict):
    """A recorded order with the rewards that it earned."""

    conversion_id = fields.UUID(required=True)
    order_id = Name(required=True)
    amount = Minor(least=0, required=True)
    discount_amount = Minor(least=0, required=True)
    eligible_amount = Minor(least=0, required=True)
    refunded_amount = Minor(least=0, required=True)
    currency = CurrencyCode(required=True)
    customer_id = Name(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    reasons = fields.List(fields.String(validate=validate.OneOf(list(REASONS))), required=True)
    program_id = fields.UUID(required=True, allow_none=True)
    terms_version = Whole(least=1, required=True, allow_none=True)
    link_id = fields.UUID(required=True, allow_none=True)
    advocate_id = Name(required=True, allow_none=True)
    rewards = fields.List(fields.Nested(RewardOut), required=True)
    ordered_at = Moment(required=True)
    recorded_at = Moment(required=True)
    voided_at = Moment(required=True, allow_none=True)
    void_reason = fields.String(required=True, allow_none=True, validate=validate.OneOf(VOID_REASONS))
    metadata = Metadata(required=True)
    warnings = fields.List(fields.Nested(WarningOut), required=True)


class DecisionOut(Strict):
    """What one rule said."""

    rule = fields.String(required=True)
    passed = fields.Boolean(required=True)
    detail = fields.String(required=True)


class ExplanationOut(Strict):
    """Why an order was treated as it was: rule by rule, for staff, and for the customer."""

    decisions = fields.List(fields.Nested(DecisionOut), required=True)
    staff_text = fields.String(required=True)
    customer_text = fields.String(required=True)


@resource.writes(
    "POST",
    "/conversions",
    ConversionOut,
    body=NewConversion,
    scopes=CHECKOUT,
    statuses=(201, 200),
)
def create_conversion(call: Call, body: Order) -> Answer:
    """Report an order, referred or not"""
    recorded = conversions.record(call.session, call.wiring.signer, call.merchant_id, body, now=call.now)
    return Answer(render(recorded, call.now, warnings=body.warnings), 201 if recorded.is_new else 200)


@resource.reads(
    "/conversions", page_of(ConversionOut, "ConversionPage"), scopes=CHECKOUT_AND_MARKETING, query=ConversionQuery
)
def list_conversions(call: Call, query: Listing[ConversionFilter]) -> Answer:
    """List conversions"""
    wanted = customers.meant(call.session, call.merchant_id, query.wanted)
    rows = conversions.page(call.session, call.merchant_id, query.page, wanted)
    return page(rows, query.page, lambda row: render(row, call.now), lambda row: row.conversion.conversion_id)


@resource.reads("/conversions/<uuid:conversion_id>", ConversionOut, scopes=CHECKOUT_AND_MARKETING)
def get_conversion(call: Call, conversion_id: UUID) -> Answer:
    """Read a conversion"""
    return Answer(render(conversions.get(call.session, call.merchant_id, conversion_id), call.now))


@resource.reads("/conversions/<uuid:conversion_id>/explanation", ExplanationOut, scopes=CHECKOUT_AND_MARKETING)
def explain_conversion(call: Call, conversion_id: UUID) -> Answer:
    """Explain a conversion"""
    recorded = conversions.get(call.session, call.merchant_id, conversion_id)
    conversion = recorded.conversion
    name = conversion.customer_id
    locale = customers.get(call.session, call.merchant_id, name).locale if name is not None else None
    reader = formats_for(locale, *wanted())
    explained = explanations.explain(conversion.status, conversion.reasons, recorded.now(call.now), reader)
    return Answer(
        {
            "decisions": conversion.decisions,
            "staff_text": explained.staff_text,
            "customer_text": explained.customer_text,
        }
    )


def render(recorded: Recorded, now: datetime, *, warnings: Mapping[str, str] = NO_WARNINGS) -> dict[str, Any]:
    """An order as it stands. warnings: field -> why it was left out."""
    conversion = recorded.conversion
    # A request that waited for the one that recorded the order read its clock before that one did.
    now = max(now, conversion.recorded_at)
    return {
        "conversion_id": str(conversion.conversion_id),
        "order_id": conversion.order_id,
        "amount": conversion.amount,
        "discount_amount": conversion.discount_amount,
        "eligible_amount": conversion.eligible_amount,
        "refunded_amount": conversion.refunded_amount,
        "currency": conversion.currency,
        "customer_id": conversion.customer_id,
        "status": conversion.status,
        "reasons": conversion.reasons,
        "program_id": conversion.program_id and str(conversion.program_id),
        "terms_version": conversion.terms_version,
        "link_id": conversion.link_id and str(conversion.link_id),
        "advocate_id": conversion.advocate_id,
        "rewards": [render_reward(reward, now) for reward in recorded.rewards],
        "ordered_at": rfc3339(conversion.ordered_at),
        "recorded_at": rfc3339(conversion.recorded_at),
        "voided_at": rfc3339(conversion.voided_at),
        "void_reason": conversion.void_reason,
        "metadata": conversion.shop_metadata or {},
        "warnings": [{"field": field, "code": "unusable", "message": message} for field, message in warnings.items()],
    }
