"""/v1/customers/{customer_id}/balance and /statement"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marshmallow import fields

from service.books import balances
from service.books.balances import CustomerBalance, StatementEntry
from service.customers import customers
from service.formats import Formats, formats_for
from service.ledger import books
from service.rewards import reading
from service.tokens import TokenSigner
from service.web.call import Call
from service.web.fields import CurrencyCode, Moment, Name, Strict, Whole, rfc3339
from service.web.pages import wanted
from service.web.pagination import SealedPageQuery, bad_cursor, page_of
from service.web.rendering import Answer
from service.web.resource import CHECKOUT_AND_MARKETING, Resource
from service.web.wiring import Wiring

resource = Resource("balances", "What customers have, and how it came to be")


class CurrencyBalance(Strict):
    """What a customer has in one currency, in minor units."""

    currency = CurrencyCode(required=True)
    pending = Whole(least=0, required=True)
    available = Whole(least=0, required=True)
    reserved = Whole(least=0, required=True)
    owed = Whole(least=0, required=True)
    earned_total = Whole(least=0, required=True)
    spent_total = Whole(least=0, required=True)


class BalanceOut(Strict):
    """What a customer has, by currency."""

    customer_id = Name(required=True)
    balances = fields.List(fields.Nested(CurrencyBalance), required=True)


class EntryOut(Strict):
    """One line of a statement. `amount` is signed: positive in the customer's favour."""

    entry_id = fields.String(required=True)
    kind = fields.String(required=True)
    amount = fields.Integer(required=True)
    currency = CurrencyCode(required=True)
    available_after = Whole(least=0, required=True)
    order_id = Name(required=True, allow_none=True)
    text = fields.String(required=True)
    recorded_at = Moment(required=True)


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of a statement. cursor: sealed by us, None for the newest."""

    limit: int
    cursor: str | None


class StatementQuery(SealedPageQuery):
    """Which part of a statement. Its cursor also carries what was available there."""

    makes = Part


def _catch_up(wiring: Wiring, merchant_id: UUID, customer_id: str) -> None:
    reading.catch_up_first(wiring.database, merchant_id, customer_id, now=datetime.now(UTC))


@resource.reads("/customers/<name:customer_id>/balance", BalanceOut, scopes=CHECKOUT_AND_MARKETING, before=_catch_up)
def get_balance(call: Call, customer_id: str) -> Answer:
    """Read a customer's balances"""
    customer = customers.get(call.session, call.merchant_id, customer_id)
    held = balances.balances(call.session, call.merchant_id, customer)
    return Answer({"customer_id": customer_id, "balances": [_render(balance) for balance in held]})


@resource.reads(
    "/customers/<name:customer_id>/statement",
    page_of(EntryOut, "StatementPage"),
    scopes=CHECKOUT_AND_MARKETING,
    query=StatementQuery,
    before=_catch_up,
)
def get_statement(call: Call, query: Part, customer_id: str) -> Answer:
    """Read a customer's statement, newest first"""
    signer = call.wiring.signer
    before = _opened(signer, query.cursor) if query.cursor else None
    entries, position = balances.statement(
        call.session, call.merchant_id, customer_id, limit=query.limit, before=before
    )
    cursor = _sealed(signer, position) if position else None
    reader = formats_for(customers.get(call.session, call.merchant_id, customer_id).locale, *wanted())
    return Answer({"data": [_render_entry(entry, reader) for entry in entries], "next_cursor": cursor})


def _sealed(signer: TokenSigner, position: books.EntryPosition) -> str:
    parts = [position.transaction_id.hex, position.line, dict(position.available_before)]
    return signer.seal(json.dumps(parts, separators=(",", ":")))


def _opened(signer: TokenSigner, cursor: str) -> books.EntryPosition:
    position = signer.unseal(cursor)
    if position is None:
        raise bad_cursor()
    try:
        transaction, line, available = json.loads(position)
        return books.EntryPosition(UUID(transaction), line, available)
    except (ValueError, TypeError):
        raise bad_cursor() from None


def _render(balance: CustomerBalance) -> dict[str, Any]:
    held = balance.held
    return {
        "currency": held.currency,
        "pending": held.pending,
        "available": held.available,
        "reserved": held.reserved,
        "owed": held.owed,
        "earned_total": balance.earned_total,
        "spent_total": balance.spent_total,
    }


def _render_entry(entry: StatementEntry, reader: Formats) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "kind": entry.kind,
        "amount": entry.amount,
        "currency": entry.currency,
        "available_after": entry.available_after,
        "order_id": entry.order_id,
        "text": entry.said(reader),
        "recorded_at": rfc3339(entry.recorded_at),
    }
