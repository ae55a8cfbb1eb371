"""/v1/conversions/batch"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import current_app
from marshmallow import fields, validate
from sqlalchemy.orm import Session

from service.conversions import conversions
from service.conversions.api.conversions import ConversionOut, NewConversion, render
from service.database.batches import each
from service.errors import ReferralError
from service.web.errors import InvalidValues
from service.web.fields import Strict, Whole
from service.web.parsing import parsed
from service.web.rendering import Answer, ProblemDocument
from service.web.resource import CHECKOUT, Resource
from service.web.wiring import wiring

MOST_ORDERS = 500
FAULTS = (InvalidValues, ReferralError)
resource = Resource("batches", "Many orders at once")


class OneOrder(fields.Nested):
    """An order that is documented here and judged later, each for itself."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, partial: Any = None, **_: Any) -> object:
        return value


@dataclass(frozen=True, slots=True)
class Batch:
    """Orders, as they came."""

    orders: Sequence[Any]


class NewBatch(Strict):
    """Orders, as they would be reported one by one."""

    makes = Batch

    orders = fields.List(
        OneOrder(NewConversion, allow_none=True), required=True, validate=validate.Length(1, MOST_ORDERS)
    )


class BatchedOut(Strict):
    """What one order of a batch is answered with: what it would have been alone."""

    status = Whole(least=200, required=True)
    conversion = fields.Nested(ConversionOut, required=True, allow_none=True)
    problem = ProblemDocument(required=True, allow_none=True)


class BatchOut(Strict):
    """An answer to each order, in their order."""

    results = fields.List(fields.Nested(BatchedOut), required=True)


@resource.batches("/conversions/batch", BatchOut, scopes=CHECKOUT, body=NewBatch)
def create_conversions(merchant_id: UUID, body: Batch) -> Answer:
    """Report many orders, each for itself"""
    schema = NewConversion()

    def report(session: Session, members: Any) -> dict[str, Any]:
        now, order = datetime.now(UTC), parsed(schema, members)
        recorded = conversions.record(session, wiring().signer, merchant_id, order, now=now)
        document = render(recorded, now, warnings=order.warnings)
        return {"status": 201 if recorded.is_new else 200, "conversion": document, "problem": None}

    done = each(wiring().database, body.orders, report, faults=FAULTS)
    return Answer({"results": [_refused(one) if isinstance(one, Exception) else one for one in done]})


def _refused(error: Exception) -> dict[str, Any]:
    """What a request with this order alone would have been answered with."""
    response = current_app.make_response(current_app.handle_user_exception(error))
    return {"status": response.status_code, "conversion": None, "problem": response.get_json(force=True)}
