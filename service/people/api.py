"""/v1/customers/{customer_id}/merge and /export, and DELETE of the customer."""

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
from service.customers.api.customers import CustomerOut, render_customer
from service.people import access, erasing, merging, pages
from service.people.erasing import name_of
from service.people.tables import BalanceChoice, Erasure
from service.rewards import reading
from service.rewards.api.rewards import RewardOut, render_reward
from service.web.call import Call
from service.web.fields import CurrencyCode, Moment, Name, Strict, Whole, rfc3339
from service.web.files import FileResource
from service.web.pages import HEADERS, speak, wanted
from service.web.rendering import Answer
from service.web.resource import CHECKOUT, CHECKOUT_AND_MARKETING
from service.web.wiring import wiring

resource = FileResource("people", "Customers who become one, take all along, or are forgotten")


@dataclass(frozen=True, slots=True)
class Choice:
    """How somebody is to be erased."""

    balance: BalanceChoice


@dataclass(frozen=True, slots=True)
class FormerId:
    """Who becomes one with a customer."""

    from_id: str


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


class Former(Strict):
    """Who becomes one with the customer: their id means the customer from then on."""

    makes = FormerId

    from_id = Name(data_key="from", required=True)


class MergeOut(Strict):
    """What became of two customers, and of what they had earned from each other.

    `moved` is what the other one had; `denied` was pending, `kept` was not, and is for you to look at.
    """

    customer = fields.Nested(CustomerOut, required=True)
    merged_at = Moment(required=True)
    moved = fields.List(fields.Nested(OpenBalanceOut), required=True)
    denied = fields.List(fields.Nested(RewardOut), required=True)
    kept = fields.List(fields.Nested(RewardOut), required=True)


@resource.writes("POST", "/customers/<name:customer_id>/merge", MergeOut, body=Former, scopes=CHECKOUT)
def merge_customers(call: Call, body: FormerId, customer_id: str) -> Answer:
    """Make one customer of two"""
    merged = merging.merge(call.session, call.merchant_id, customer_id, body.from_id, now=call.now)
    return Answer(
        {
            "customer": render_customer(merged.customer),
            "merged_at": rfc3339(merged.merge.merged_at),
            "moved": merged.merge.moved,
            "denied": [render_reward(reward, call.now) for reward in merged.denied],
            "kept": [render_reward(reward, call.now) for reward in merged.kept],
        }
    )


@resource.streams(
    "/customers/<name:customer_id>/export", scopes=CHECKOUT_AND_MARKETING, media_types=["application/zip"]
)
def export_customer(merchant_id: UUID, customer_id: str) -> Response:
    """All that is known of a customer, for the customer"""
    now = datetime.now(UTC)
    reading.catch_up_first(wiring().database, merchant_id, customer_id, now=now)
    with wiring().database.reading() as session:
        customer = customers.get(session, merchant_id, customer_id)
        reader = speak(customer.locale, *wanted())
        document = access.known_of(session, merchant_id, customer, reader, now=now)
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
