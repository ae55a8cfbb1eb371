"""The journal as text that other accounting tools take: hledger, beancount, and plain CSV, in streams.

Amounts are exact decimals of their currency. A journal ends in assertions of all balances, so that the tool that reads
it judges them too. Source: hledger's journal format 1.25, beancount's language syntax, RFC 4180.
"""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache, lru_cache, partial
from typing import Protocol
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from service.ledger import scan
from service.ledger.accounts import DEBIT_NORMAL, OWNER_KINDS, Kind
from service.ledger.scan import Entry, dashed
from service.ledger.tables import balance_table, transaction_table

Exponent = Callable[[str], int]
"""currency -> how many decimals it has."""

TREE = {
    Kind.EXPENSE: "Expenses:Rewards",
    Kind.ADJUSTMENTS: "Expenses:Adjustments",
    Kind.OPENING: "Equity:Opening",
    Kind.SETTLED: "Equity:Settled",
    Kind.LAPSED: "Income:Lapsed",
    Kind.PENDING: "Liabilities:Pending",
    Kind.AVAILABLE: "Liabilities:Available",
    Kind.RESERVED: "Liabilities:Reserved",
    Kind.OWED: "Assets:Owed",
}
"""Where each kind of account stands among an accountant's five."""

BATCH = 2_000
COLUMNS = (
    "block",
    "sealed_at",
    "transaction_id",
    "reference",
    "event",
    "effective_at",
    "recorded_at",
    "line",
    "debit",
    "credit",
    "currency",
    "amount_minor",
    "amount",
)


def export_journal(session: Session, merchant_id: UUID, form: str, *, exponent: Exponent) -> Iterator[str]:
    """The merchant's whole journal as text, in pieces. Call it within one snapshot of the database.

    form: one of FORMS. exponent: how many decimals a currency has.
    """
    return FORMS[form](session, merchant_id, exponent)


def decimal_amount(amount: int, decimals: int) -> str:
    """Minor units as an exact decimal, such as `-10.05`; without a point where the currency has no decimals."""
    if not decimals:
        return str(amount)
    if amount < 0:
        return f"-{decimal_amount(-amount, decimals)}"
    unit = 10**decimals
    return f"{amount // unit}.{amount % unit:0{decimals}}"


def _csv(session: Session, merchant_id: UUID, exponent: Exponent) -> Iterator[str]:
    """One line a posting, in the order of the transactions' ids: what the verifier in docs/auditors.md reads."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for batch in scan.batches(session, merchant_id):
        sealed_at = {number: (number, at) for number, _, _, _, at in (*batch.others, *batch.reached)}
        for entry in batch.entries:
            block = ("", "") if entry.block is None else sealed_at.get(entry.block, (entry.block, ""))
            name = (dashed(entry.transaction_id), entry.reference, entry.event, entry.effective_at)
            for _, line, debit, credit, currency, amount in entry.lines:
                shown = decimal_amount(amount, exponent(currency))
                rows.writerow((*block, *name, entry.recorded_at, line, debit, credit, currency, amount, shown))
        yield text.getvalue()
        text.seek(0)
        text.truncate()


class _Journal(Protocol):
    """How one tool writes a journal. Amounts are decimals, positive for a debit."""

    indent: str

    def declared_currency(self, currency: str, decimals: int) -> str:
        """The declaration of a currency."""

    def declared_account(self, name: str) -> str:
        """The declaration of an account."""

    def transaction(self, entry: Entry) -> str:
        """A transaction, down to its postings."""

    def asserted(self, last: date, name: str, amount: str, currency: str) -> str:
        """That an account holds this when all is done. last: the newest day of the journal."""


class _Hledger:
    """hledger's journal. The second date of each transaction is the day on which it was recorded."""

    indent = "    "

    def declared_currency(self, currency: str, decimals: int) -> str:
        return f"commodity 1000.{'0' * decimals} {currency}\n"

    def declared_account(self, name: str) -> str:
        return f"account {name}\n"

    def transaction(self, entry: Entry) -> str:
        return (
            f"\n{entry.effective_at[:10]}={entry.recorded_at[:10]} {entry.event}\n"
            f"    ; transaction_id: {dashed(entry.transaction_id)}\n    ; reference: {entry.reference}\n"
        )

    def asserted(self, last: date, name: str, amount: str, currency: str) -> str:
        return f"\n{last} balance asserted\n    {name}  0 {currency} = {amount} {currency}\n"


class _Beancount:
    """Beancount's ledger. Assertions hold at the beginning of a day, so they are of the day after the last one."""

    indent = "  "

    def declared_currency(self, currency: str, decimals: int) -> str:
        return f"1970-01-01 commodity {currency}\n  precision: {decimals}\n"

    def declared_account(self, name: str) -> str:
        return f"1970-01-01 open {name}\n"

    def transaction(self, entry: Entry) -> str:
        return (
            f'\n{entry.effective_at[:10]} * "{entry.event}"\n'
            f'  transaction_id: "{dashed(entry.transaction_id)}"\n  reference: "{entry.reference}"\n'
            f'  recorded_at: "{entry.recorded_at}"\n'
        )

    def asserted(self, last: date, name: str, amount: str, currency: str) -> str:
        return f"\n{last + timedelta(days=1)} balance {name}  {amount} ~ 0 {currency}\n"


def _journal(writer: _Journal, session: Session, merchant_id: UUID, exponent: Exponent) -> Iterator[str]:
    b = balance_table.c
    mine = select(b.currency).where(b.merchant_id == merchant_id).distinct().order_by(b.currency)
    for currency in session.scalars(mine):
        yield writer.declared_currency(currency, exponent(currency))
    names = select(b.account).where(b.merchant_id == merchant_id).distinct().order_by(b.account)
    for page in session.scalars(names.execution_options(yield_per=BATCH)).partitions():
        yield "".join(writer.declared_account(_place(name)) for name in page)
    decimals_of = cache(exponent)
    for batch in scan.batches(session, merchant_id):
        yield "".join([_written(writer, entry, decimals_of) for entry in batch.entries])
    yield from _assertions(writer, session, merchant_id, decimals_of)


def _written(writer: _Journal, entry: Entry, decimals_of: Exponent) -> str:
    text, indent = writer.transaction(entry), writer.indent
    for _, _, debit, credit, currency, minor in entry.lines:
        amount = decimal_amount(minor, decimals_of(currency))
        text += f"{indent}{_place(debit)}  {amount} {currency}\n{indent}{_place(credit)}  -{amount} {currency}\n"
    return text


def _assertions(writer: _Journal, session: Session, merchant_id: UUID, decimals_of: Exponent) -> Iterator[str]:
    t, b = transaction_table.c, balance_table.c
    last = session.scalar(select(func.max(t.effective_at)).where(t.merchant_id == merchant_id))
    if last is None:
        return
    debited = func.sum(case((b.kind.in_(sorted(DEBIT_NORMAL)), b.amount), else_=-b.amount))
    held = select(b.account, b.currency, debited).where(b.merchant_id == merchant_id)
    held = held.group_by(b.account, b.currency).order_by(b.account, b.currency)
    for page in session.execute(held.execution_options(yield_per=BATCH)).partitions():
        yield "".join(
            [
                writer.asserted(
                    last.date(), _place(account), decimal_amount(int(total), decimals_of(currency)), currency
                )
                for account, currency, total in page
            ]
        )


@lru_cache(maxsize=20_000)
def _place(name: str) -> str:
    """Where an account stands in an accountant's tree; each part begins with a digit or a capital letter."""
    kind, _, owner = name.partition(":")
    return f"{TREE[Kind(kind)]}:{owner[0].upper()}{owner[1:]}" if kind in _OWNERS else TREE[Kind(name)]


_OWNERS = frozenset(map(str, OWNER_KINDS))
FORMS: dict[str, Callable[[Session, UUID, Exponent], Iterator[str]]] = {
    "hledger": partial(_journal, _Hledger()),
    "beancount": partial(_journal, _Beancount()),
    "csv": _csv,
}
