"""/v1/redemptions"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from marshmallow import fields, validate

from service.customers.customers import meant
from service.rewards import redemptions, returns
from service.rewards.redemptions import LONGEST_RESERVATION
from service.rewards.tables import redemptions as storage
from service.rewards.tables.redemptions import Redemption, RedemptionFilter, RedemptionStatus
from service.web.call import Call
from service.web.fields import CurrencyCode, Minor, Moment, Name, Strict, Whole, rfc3339
from service.web.optional import Metadata
from service.web.pagination import Listing, PeriodQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, CHECKOUT_AND_MARKETING, Resource

LONGEST_SECONDS = int(LONGEST_RESERVATION.total_seconds())
STATUSES = list(get_args(RedemptionStatus))

resource = Resource("redemptions", "Spending a balance at checkout: reserved, then captured or voided")


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a reservation was used, in minor units; None for all of it."""

    amount: int | None


@dataclass(frozen=True, slots=True)
class WantedRedemptions:
    """Which redemptions: by what is stored of them, and by the status that they have now."""

    order_id: str | None
    customer_id: str | None
    status: RedemptionStatus | None

    @property
    def stored(self) -> RedemptionFilter:
        """What the database can tell by itself."""
        return RedemptionFilter(self.customer_id, self.order_id)


@dataclass(frozen=True, slots=True)
class Longer:
    """For how long it is to be kept, in seconds from now."""

    expires_in: int


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing that was said."""


class NewRedemption(Strict):
    """Balance to be set aside, in minor units."""

    makes = redemptions.NewRedemption

    customer_id = Name(required=True)
    amount = Minor(least=1, required=True)
    currency = CurrencyCode(required=True)
    order_id = Name(allow_none=True, load_default=None)
    expires_in = Whole(least=1, most=LONGEST_SECONDS, allow_none=True, load_default=None)
    metadata = Metadata(allow_none=True, load_default=None)


class Capture(Strict):
    """How much of it was used; all of it where nothing is said."""

    makes = Used

    amount = Minor(least=1, allow_none=True, load_default=None)


class Extension(Strict):
    """For how long it is to be kept, in seconds from now."""

    makes = Longer

    expires_in = Whole(least=1, most=LONGEST_SECONDS, required=True)


class NewReturn(Strict):
    """Captured credit that is the customer's again, in minor units."""

    makes = returns.NewReturn

    return_id = Name(required=True)
    amount = Minor(least=1, required=True)


class RedemptionQuery(PeriodQuery):
    """Which redemptions. status: as it is now."""

    makes = WantedRedemptions

    order_id = Name(load_default=None)
    customer_id = Name(load_default=None)
    status = fields.String(load_default=None, validate=validate.OneOf(STATUSES))


class Void(Strict):
    """Nothing needs to be said."""

    makes = Nothing


class RedemptionOut(Strict):
    """One use of a balance, in minor units."""

    redemption_id = fields.UUID(required=True)
    customer_id = Name(required=True)
    amount = Minor(least=1, required=True)
    captured_amount = Minor(least=1, required=True, allow_none=True)
    returned_amount = Minor(least=0, required=True)
    currency = CurrencyCode(required=True)
    order_id = Name(required=True, allow_none=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))
    metadata = Metadata(required=True)
    expires_at = Moment(required=True)
    created_at = Moment(required=True)


@resource.writes("POST", "/redemptions", RedemptionOut, body=NewRedemption, scopes=CHECKOUT, statuses=(201, 200))
def create_redemption(call: Call, body: redemptions.NewRedemption) -> Answer:
    """Set balance aside for an order"""
    reserved, is_new = redemptions.reserve(call.session, call.merchant_id, body, now=call.now)
    return Answer(_render(reserved, call.now), 201 if is_new else 200)


@resource.reads(
    "/redemptions", page_of(RedemptionOut, "RedemptionPage"), scopes=CHECKOUT_AND_MARKETING, query=RedemptionQuery
)
def list_redemptions(call: Call, query: Listing[WantedRedemptions]) -> Answer:
    """List redemptions"""
    wanted, status = meant(call.session, call.merchant_id, query.wanted.stored), query.wanted.status
    rows = storage.page(call.session, call.merchant_id, query.page, wanted, status=status, now=call.now)
    return page(rows, query.page, lambda row: _render(row, call.now), lambda row: row.redemption_id)


@resource.reads("/redemptions/<uuid:redemption_id>", RedemptionOut, scopes=CHECKOUT_AND_MARKETING)
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


@resource.writes("POST", "/redemptions/<uuid:redemption_id>/extend", RedemptionOut, body=Extension, scopes=CHECKOUT)
def extend_redemption(call: Call, body: Longer, redemption_id: UUID) -> Answer:
    """Keep what was set aside for longer"""
    seconds = body.expires_in
    extended = redemptions.extend(call.session, call.merchant_id, redemption_id, seconds=seconds, now=call.now)
    return Answer(_render(extended, call.now))


@resource.writes(
    "POST",
    "/redemptions/<uuid:redemption_id>/returns",
    RedemptionOut,
    body=NewReturn,
    scopes=CHECKOUT,
    statuses=(201, 200),
)
def return_redemption(call: Call, body: returns.NewReturn, redemption_id: UUID) -> Answer:
    """Give captured credit back, as the order that it paid was returned"""
    given, is_new = returns.give_back(call.session, call.merchant_id, redemption_id, body, now=call.now)
    return Answer(_render(given, call.now), 201 if is_new else 200)


def _render(redemption: Redemption, now: datetime) -> dict[str, Any]:
    return {
        "redemption_id": str(redemption.redemption_id),
        "customer_id": redemption.customer_id,
        "amount": redemption.amount,
        "captured_amount": redemption.captured_amount,
        "returned_amount": redemption.returned_amount,
        "currency": redemption.currency,
        "order_id": redemption.order_id,
        "status": redemption.status_at(now),
        "metadata": redemption.shop_metadata or {},
        "expires_at": rfc3339(redemption.expires_at),
        "created_at": rfc3339(redemption.created_at),
    }
