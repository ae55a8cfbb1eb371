"""/v1/customers/{customer_id}/export, and DELETE of the customer."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, get_args
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from flask import Response, after_this_request, current_app
from marshmallow import fields, validate

from service.customers import customers
from service.privacy import access, erasing, pages
from service.privacy.erasing import name_of
from service.privacy.tables import BalanceChoice, Erasure
from service.rewards import reading
from service.web.call import Call
from service.web.fields import CurrencyCode, Moment, Name, Strict, Whole, rfc3339
from service.web.files import FileResource
from service.web.pages import HEADERS, speak, wanted
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, CHECKOUT_AND_MARKETING
from service.web.wiring import wiring

resource = FileResource("privacy", "What people may ask for: to have all that is known of them, and to be forgotten")


@dataclass(frozen=True, slots=True)
class Choice:
    """How somebody is to be erased."""

    balance: BalanceChoice


class ErasureQuery(Strict):
    """What is to become of what is open of the balance."""

    makes = Choice

    balance = fields.String(load_default="lapse", validate=validate.OneOf(get_args(BalanceChoice)))


class OpenBalanceOut(Strict):
    """What was open in one currency, in minor units."""

    currency = CurrencyCode(required=True)
    pending = Whole(least=0, required=True)
    available = Whole(least=0, required=True)
    reserved = Whole(least=0, required=True)
    owed = Whole(least=0, required=True)


class ErasureOut(Strict):
    """A receipt. It does not say who it was; `customer_id` is what the customer is called since."""

    erasure_id = fields.UUID(required=True)
    customer_id = Name(required=True)
    erased_at = Moment(required=True)
    balance = fields.String(required=True, validate=validate.OneOf(get_args(BalanceChoice)))
    balances = fields.List(fields.Nested(OpenBalanceOut), required=True)


@resource.streams(
    "/customers/<name:customer_id>/export", scopes=CHECKOUT_AND_MARKETING, media_types=["application/zip"]
)
def export_customer(merchant_id: UUID, customer_id: str) -> Response:
    """All that is known of a customer, for the customer"""
    now = datetime.now(UTC)
    reading.catch_up_first(wiring().database, merchant_id, customer_id, now=now)
    with wiring().database.reading() as session:
        reader = speak(customers.get(session, merchant_id, customer_id).locale, *wanted())
        document = access.known_of(session, merchant_id, customer_id, reader, now=now)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="customer.zip"'}
    page = pages.known(document, reader, wiring().time_zone(merchant_id))
    return Response(_zipped(document, page), 200, headers, content_type="application/zip")


def _zipped(document: dict[str, Any], page: str) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("customer.json", json.dumps(document, ensure_ascii=False, indent=2, default=_plain))
        archive.writestr("customer.html", page)
    return file.getvalue()


def _plain(value: object) -> str | None:
    return rfc3339(value) if isinstance(value, datetime) else str(value)


@resource.writes("DELETE", "/customers/<name:customer_id>", ErasureOut, query=ErasureQuery, scopes=CHECKOUT)
def erase_customer(call: Call, query: Choice, customer_id: str) -> Answer:
    """Forget a customer"""
    also = current_app.extensions["orchard-forgetters"]
    erased = erasing.erase(call.session, call.merchant_id, customer_id, balance=query.balance, also=also, now=call.now)
    _forget_here(call, erased.link_ids)
    return Answer(_receipt(erased.erasure))


def _forget_here(call: Call, link_ids: Collection[UUID]) -> None:
    """Once it is committed, forget what this machine remembers beside the database."""
    database = call.wiring.database

    @after_this_request
    def forget(response: Response) -> Response:
        for link_id in link_ids:
            current_app.extensions["orchard-following"].destinations.forget(link_id)
        current_app.extensions["orchard-previews"].forget_all()
        database.forget_past()
        return response


def _receipt(erasure: Erasure) -> dict[str, Any]:
    return {
        "erasure_id": str(erasure.erasure_id),
        "customer_id": name_of(erasure.erasure_id),
        "erased_at": rfc3339(erasure.erased_at),
        "balance": erasure.balance,
        "balances": erasure.balances,
    }
