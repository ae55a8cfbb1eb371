"""/v1/ledger/trial-balance, /accounts and /liability"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from marshmallow import fields, validate

from service.books import accounts
from service.books.api.ledger import PostingOut, rendered_posting
from service.ledger import books, proof
from service.ledger.proof import Basis
from service.tokens import TokenSigner
from service.web.call import Call
from service.web.errors import InvalidValues
from service.web.fields import CurrencyCode, Moment, Name, Strict, rfc3339
from service.web.pagination import SealedPageQuery, bad_cursor, page_of
from service.web.rendering import Answer
from service.web.resource import MARKETING, Resource

resource = Resource("reports", "Reports over the books, now or as of a past time")


@dataclass(frozen=True, slots=True)
class PastTime:
    """A past time, None for now, and which of a transaction's two times counts."""

    as_of: datetime | None
    by: Basis


class AsOf(Strict):
    """A past time, and which of a transaction's two times counts: when it took effect, or when it was written."""

    makes = PastTime

    as_of = Moment(load_default=None)
    by = fields.String(load_default="effective", validate=validate.OneOf(get_args(Basis)))


class TrialBalanceLineOut(Strict):
    """All accounts of one kind in one currency, in minor units: the balance on its side, 0 on the other."""

    account = fields.String(required=True)
    currency = CurrencyCode(required=True)
    debit = fields.Integer(required=True)
    credit = fields.Integer(required=True)


class TotalOut(Strict):
    """What a currency adds up to, in minor units; both sides are equal."""

    currency = CurrencyCode(required=True)
    debit = fields.Integer(required=True)
    credit = fields.Integer(required=True)


class TrialBalanceOut(Strict):
    """Every kind of account with its balance."""

    accounts = fields.List(fields.Nested(TrialBalanceLineOut), required=True)
    totals = fields.List(fields.Nested(TotalOut), required=True)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose accounts; None for the merchant's own."""

    customer_id: str | None


class AccountsQuery(Strict):
    """Whose accounts: a customer's, or the merchant's own where nothing is said."""

    makes = Whose

    customer_id = Name(load_default=None)


class AccountOut(Strict):
    """One account. `balance`: minor units on its normal side."""

    account = fields.String(required=True)
    normal_side = fields.String(required=True, validate=validate.OneOf(["debit", "credit"]))
    currency = CurrencyCode(required=True)
    balance = fields.Integer(required=True)


class AccountsOut(Strict):
    """Accounts that were ever used."""

    accounts = fields.List(fields.Nested(AccountOut), required=True)


@dataclass(frozen=True, slots=True)
class Part:
    """Which currency, and which part. cursor: sealed by us, None for the newest."""

    currency: str
    limit: int
    cursor: str | None


class StatementQuery(SealedPageQuery):
    """Which currency, and which part."""

    makes = Part

    currency = CurrencyCode(required=True)


class AccountEntryOut(Strict):
    """One posting on an account, and the balance that it left in the order of recording."""

    transaction_id = fields.UUID(required=True)
    reference = fields.String(required=True)
    event = fields.String(required=True)
    posting = fields.Nested(PostingOut, required=True)
    balance_after = fields.Integer(required=True)
    effective_at = Moment(required=True)
    recorded_at = Moment(required=True)


class MonthOut(Strict):
    """How the liability moved in a month, in minor units.

    closing = opening + earned - taken_back + added - removed - spent - lapsed - debt_paid.
    """

    month = fields.String(required=True, validate=validate.Regexp(r"^[0-9]{4}-[0-9]{2}\Z"))
    currency = CurrencyCode(required=True)
    opening = fields.Integer(required=True)
    earned = fields.Integer(required=True)
    taken_back = fields.Integer(required=True)
    added = fields.Integer(required=True)
    removed = fields.Integer(required=True)
    spent = fields.Integer(required=True)
    lapsed = fields.Integer(required=True)
    debt_paid = fields.Integer(required=True)
    closing = fields.Integer(required=True)


class AgeOut(Strict):
    """What has been owed for that long, in minor units. `to_days`: exclusive; null for ever."""

    currency = CurrencyCode(required=True)
    from_days = fields.Integer(required=True)
    to_days = fields.Integer(required=True, allow_none=True)
    amount = fields.Integer(required=True)


class LiabilityOut(Strict):
    """What is owed to customers: pending, available and reserved. What they owe is not set off against it."""

    as_of = Moment(required=True)
    by_month = fields.List(fields.Nested(MonthOut), required=True)
    by_age = fields.List(fields.Nested(AgeOut), required=True)


@resource.reads("/ledger/trial-balance", TrialBalanceOut, scopes=MARKETING, query=AsOf)
def get_trial_balance(call: Call, query: PastTime) -> Answer:
    """Read the trial balance"""
    as_of = _past(call, query.as_of)
    lines = proof.trial_balance(call.session, call.merchant_id, as_of=as_of, basis=query.by)
    totals: dict[str, list[int]] = {}
    for line in lines:
        total = totals.setdefault(line.currency, [0, 0])
        total[0] += line.debit
        total[1] += line.credit
    rows = [{"currency": name, "debit": total[0], "credit": total[1]} for name, total in totals.items()]
    return Answer({"accounts": [asdict(line) for line in lines], "totals": rows})


@resource.reads("/ledger/accounts", AccountsOut, scopes=MARKETING, query=AccountsQuery)
def list_accounts(call: Call, query: Whose) -> Answer:
    """List a customer's accounts, or the merchant's own"""
    held = accounts.of(call.session, call.merchant_id, customer_id=query.customer_id)
    rows = [
        {"account": account.name, "normal_side": account.normal_side, "currency": currency, "balance": balance}
        for (account, currency), balance in held.items()
    ]
    return Answer({"accounts": rows})


@resource.reads(
    "/ledger/accounts/<string:account>/statement",
    page_of(AccountEntryOut, "AccountStatementPage"),
    scopes=MARKETING,
    query=StatementQuery,
)
def get_account_statement(call: Call, query: Part, account: str) -> Answer:
    """Read the postings on an account, newest first"""
    signer, limit = call.wiring.signer, query.limit
    before = _opened(signer, query.cursor) if query.cursor else None
    named = accounts.named(call.session, call.merchant_id, account)
    entries = books.entries_of_account(
        call.session, call.merchant_id, named, query.currency, limit=limit + 1, before=before
    )
    shown = entries[:limit]
    cursor = _sealed(signer, shown[-1]) if len(entries) > limit else None
    return Answer({"data": [_render(entry) for entry in shown], "next_cursor": cursor})


@resource.reads("/ledger/liability", LiabilityOut, scopes=MARKETING, query=AsOf)
def get_liability(call: Call, query: PastTime) -> Answer:
    """Read what is owed to customers, by month and by age"""
    as_of, basis = _past(call, query.as_of) or call.now, query.by
    months = proof.liability_by_month(call.session, call.merchant_id, as_of=as_of, basis=basis)
    ages = proof.liability_by_age(call.session, call.merchant_id, as_of=as_of, basis=basis)
    return Answer(
        {
            "as_of": rfc3339(as_of),
            "by_month": [asdict(month) for month in months],
            "by_age": [asdict(age) for age in ages],
        }
    )


def _past(call: Call, as_of: datetime | None) -> datetime | None:
    if as_of is not None and as_of > call.now:
        raise InvalidValues({"as_of": "It is in the future, of which the books say nothing."})
    return as_of


def _sealed(signer: TokenSigner, entry: books.AccountEntry) -> str:
    return signer.seal(f"{entry.transaction_id.hex}.{entry.line}")


def _opened(signer: TokenSigner, cursor: str) -> tuple[UUID, int]:
    name, _, line = (signer.unseal(cursor) or "").partition(".")
    try:
        return UUID(name), int(line)
    except ValueError:
        raise bad_cursor() from None


def _render(entry: books.AccountEntry) -> dict[str, Any]:
    return {
        "transaction_id": str(entry.transaction_id),
        "reference": entry.reference,
        "event": entry.event,
        "posting": rendered_posting(entry.posting),
        "balance_after": entry.balance_after,
        "effective_at": rfc3339(entry.effective_at),
        "recorded_at": rfc3339(entry.recorded_at),
    }
