"""What happens to an order after it was reported: /v1/conversions/{conversion_id}/void and its siblings"""

from uuid import UUID

from marshmallow import fields, validate

from service.conversions import amendments, attributing, voids
from service.conversions.api.conversions import VOID_REASONS, ConversionOut, render
from service.conversions.attributing import LateAttribution
from service.conversions.eligibility import REASONS
from service.conversions.voids import Void
from service.values import LONGEST_NOTE
from service.web.call import Call
from service.web.fields import Few, Minor, Name, Referral, Strict, Text
from service.web.rendering import Answer
from service.web.resource import ADMIN, CHECKOUT, Resource

resource = Resource("order-lives", "Orders that were cancelled, edited, or given a referral later")


class NewVoid(Strict):
    """Why the order never was."""

    makes = Void

    reason = fields.String(required=True, validate=validate.OneOf(VOID_REASONS))
    note = Text(most=LONGEST_NOTE, allow_none=True, load_default=None)


class NewVoidOfOrder(NewVoid):
    """That the order of this name never was, and why."""

    order_id = Name(required=True)


class NewAmendment(Strict):
    """What the amounts of the order are from now on, in minor units."""

    makes = amendments.NewAmendment

    amendment_id = Name(required=True)
    amount = Minor(least=0, required=True)
    discount_amount = Minor(least=0, allow_none=True, load_default=None)
    eligible_amount = Minor(least=0, allow_none=True, load_default=None)


class NewAttribution(Strict):
    """A referral that did not come with the order, and why it is given now."""

    makes = LateAttribution

    referral = Referral(required=True)
    note = Text(most=LONGEST_NOTE, required=True)
    overrule = Few(fields.String(validate=validate.OneOf(list(REASONS))), most=len(REASONS), load_default=())


@resource.writes("POST", "/conversions/<uuid:conversion_id>/void", ConversionOut, body=NewVoid, scopes=CHECKOUT)
def void_conversion(call: Call, body: Void, conversion_id: UUID) -> Answer:
    """Say that an order never was"""
    return Answer(render(voids.void(call.session, call.merchant_id, conversion_id, body, now=call.now), call.now))


@resource.writes("POST", "/voids", ConversionOut, body=NewVoidOfOrder, scopes=CHECKOUT)
def void_order(call: Call, body: Void) -> Answer:
    """Say that an order never was, by its own id"""
    return Answer(render(voids.void_order(call.session, call.merchant_id, body, now=call.now), call.now))


@resource.writes("POST", "/conversions/<uuid:conversion_id>/reopen", ConversionOut, scopes=CHECKOUT)
def reopen_conversion(call: Call, conversion_id: UUID) -> Answer:
    """Say that a voided order stands after all"""
    return Answer(render(voids.reopen(call.session, call.merchant_id, conversion_id, now=call.now), call.now))


@resource.writes(
    "POST",
    "/conversions/<uuid:conversion_id>/amendments",
    ConversionOut,
    body=NewAmendment,
    scopes=CHECKOUT,
    statuses=(201, 200),
)
def amend_conversion(call: Call, body: amendments.NewAmendment, conversion_id: UUID) -> Answer:
    """Say that an order was edited"""
    amended = amendments.amend(call.session, call.merchant_id, conversion_id, body, now=call.now)
    return Answer(render(amended, call.now), 201 if amended.is_new else 200)


@resource.writes(
    "POST", "/conversions/<uuid:conversion_id>/attribution", ConversionOut, body=NewAttribution, scopes=ADMIN
)
def attribute_conversion(call: Call, body: LateAttribution, conversion_id: UUID) -> Answer:
    """Give an order a referral that did not come with it"""
    signer, by = call.wiring.signer, call.key_id
    given = attributing.attribute(call.session, signer, call.merchant_id, conversion_id, body, key_id=by, now=call.now)
    return Answer(render(given, call.now))
