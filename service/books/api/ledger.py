"""/v1/ledger"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from service.books import verifications
from service.database.lists import Page
from service.ledger import books, proof
from service.web.call import Call
from service.web.fields import CurrencyCode, Minor, Moment, Strict, rfc3339
from service.web.pagination import PageQuery, page, page_of
from service.web.rendering import Answer
from service.web.resource import MARKETING, Resource
from service.web.wiring import Wiring

resource = Resource("ledger", "The books, in double entry")


class PostingOut(Strict):
    """One movement, in minor units."""

    debit = fields.String(required=True)
    credit = fields.String(required=True)
    amount = Minor(least=1, required=True)
    currency = CurrencyCode(required=True)


class TransactionOut(Strict):
    """One event in the books."""

    transaction_id = fields.UUID(required=True)
    reference = fields.String(required=True)
    event = fields.String(required=True)
    postings = fields.List(fields.Nested(PostingOut), required=True)
    effective_at = Moment(required=True)
    recorded_at = Moment(required=True)


@dataclass(frozen=True, slots=True)
class KeptHead:
    """The head that was kept, `NUMBER:HASH` or `HASH`; None without one."""

    head: str | None


class VerificationQuery(Strict):
    """A head that was kept: history up to it must be unchanged.

    With the number of its block (`12:5d41...`), books that end before it are told from another history.
    """

    makes = KeptHead

    head = fields.String(load_default=None, validate=validate.Regexp(r"^([0-9]{1,9}:)?[0-9a-fA-F]{64}\Z"))


class VerificationOut(Strict):
    """What came of recomputing everything. head: the hash of the newest block; null before the first one.

    verified_at: of when that is. Books of more than 2,000 transactions are verified by the worker, and told of its last
    run, which this asks for where it is older than a minute; before the first one, it is 503 `catching-up`.
    """

    ok = fields.Boolean(required=True)
    transactions = fields.Integer(required=True)
    postings = fields.Integer(required=True)
    sealed_blocks = fields.Integer(required=True)
    head = fields.String(required=True, allow_none=True)
    problems = fields.List(fields.String(), required=True)
    verified_at = Moment(required=True)


def _ask(wiring: Wiring, merchant_id: UUID) -> None:
    verifications.ask(wiring.database, merchant_id, now=datetime.now(UTC))


@resource.reads("/ledger/verification", VerificationOut, scopes=MARKETING, query=VerificationQuery, before=_ask)
def get_verification(call: Call, query: KeptHead) -> Answer:
    """Prove that the books hold"""
    kept = proof.head_of(query.head) if query.head else None
    told = verifications.tell(call.session, call.merchant_id, kept, now=call.now)
    return Answer({**told.document, "verified_at": rfc3339(told.verified_at)})


@resource.reads("/ledger/transactions", page_of(TransactionOut, "TransactionPage"), scopes=MARKETING, query=PageQuery)
def list_transactions(call: Call, query: Page) -> Answer:
    """List the transactions in the books"""
    rows = books.transactions(call.session, call.merchant_id, limit=query.limit + 1, before=query.after)
    return page(rows, query, _render, lambda transaction: transaction.transaction_id)


@resource.reads("/ledger/transactions/<uuid:transaction_id>", TransactionOut, scopes=MARKETING)
def get_transaction(call: Call, transaction_id: UUID) -> Answer:
    """Read a transaction in the books"""
    return Answer(_render(books.transaction(call.session, call.merchant_id, transaction_id)))


def rendered_posting(posting: books.Posting) -> dict[str, Any]:
    """A posting as the contract has it."""
    return {
        "debit": posting.debit.name,
        "credit": posting.credit.name,
        "amount": posting.amount,
        "currency": posting.currency,
    }


def _render(transaction: books.Transaction) -> dict[str, Any]:
    return {
        "transaction_id": str(transaction.transaction_id),
        "reference": transaction.reference,
        "event": transaction.event,
        "postings": [rendered_posting(posting) for posting in transaction.postings],
        "effective_at": rfc3339(transaction.effective_at),
        "recorded_at": rfc3339(transaction.recorded_at),
    }
