"""/v1/ledger"""

from typing import Any
from uuid import UUID

from marshmallow import fields

from service import ledger
from service.api.call import Call
from service.api.fields import Currency, Moment, Strict, Whole, rfc3339
from service.api.pagination import PageQuery, after, page, page_of
from service.api.rendering import Answer
from service.api.resource import ADMIN, Resource

resource = Resource("ledger", "The books, in double entry")


class TrialBalanceLineOut(Strict):
    """All accounts of one kind in one currency, in minor units: the balance on its side, 0 on the other."""

    account = fields.String(required=True)
    currency = Currency(required=True)
    debit = fields.Integer(required=True)
    credit = fields.Integer(required=True)


class TotalOut(Strict):
    """What a currency adds up to, in minor units; both sides are equal."""

    currency = Currency(required=True)
    debit = fields.Integer(required=True)
    credit = fields.Integer(required=True)


class TrialBalanceOut(Strict):
    """Every kind of account with its balance."""

    accounts = fields.List(fields.Nested(TrialBalanceLineOut), required=True)
    totals = fields.List(fields.Nested(TotalOut), required=True)


class PostingOut(Strict):
    """One movement, in minor units."""

    debit = fields.String(required=True)
    credit = fields.String(required=True)
    amount = Whole(least=1, required=True)
    currency = Currency(required=True)


class TransactionOut(Strict):
    """One event in the books."""

    transaction_id = fields.UUID(required=True)
    reference = fields.String(required=True)
    event = fields.String(required=True)
    postings = fields.List(fields.Nested(PostingOut), required=True)
    effective_at = Moment(required=True)
    recorded_at = Moment(required=True)


@resource.reads("/ledger/trial-balance", TrialBalanceOut, scopes=ADMIN)
def get_trial_balance(call: Call) -> Answer:
    """Read the trial balance"""
    lines = ledger.trial_balance(call.session, call.merchant_id)
    totals: dict[str, list[int]] = {}
    for line in lines:
        total = totals.setdefault(line.currency, [0, 0])
        total[0] += line.debit
        total[1] += line.credit
    return Answer(
        {
            "accounts": [
                {"account": line.account, "currency": line.currency, "debit": line.debit, "credit": line.credit}
                for line in lines
            ],
            "totals": [{"currency": name, "debit": total[0], "credit": total[1]} for name, total in totals.items()],
        }
    )


@resource.reads("/ledger/transactions", page_of(TransactionOut, "TransactionPage"), scopes=ADMIN, query=PageQuery)
def list_transactions(call: Call, query: dict[str, Any]) -> Answer:
    """List the transactions in the books"""
    limit, position = query.pop("limit"), after(query)
    rows = ledger.transactions(call.session, call.merchant_id, limit=limit + 1, before=position)
    return page(rows, limit, _render, lambda transaction: transaction.transaction_id)


@resource.reads("/ledger/transactions/<uuid:transaction_id>", TransactionOut, scopes=ADMIN)
def get_transaction(call: Call, transaction_id: UUID) -> Answer:
    """Read a transaction in the books"""
    return Answer(_render(ledger.transaction(call.session, call.merchant_id, transaction_id)))


def _render(transaction: ledger.Transaction) -> dict[str, Any]:
    return {
        "transaction_id": str(transaction.transaction_id),
        "reference": transaction.reference,
        "event": transaction.event,
        "postings": [
            {
                "debit": posting.debit.name,
                "credit": posting.credit.name,
                "amount": posting.amount,
                "currency": posting.currency,
            }
            for posting in transaction.postings
        ],
        "effective_at": rfc3339(transaction.effective_at),
        "recorded_at": rfc3339(transaction.recorded_at),
    }
