"""Proof that the books hold: every transaction as it was posted, every balance the sum of its postings."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from service.ledger import accounts
from service.ledger.accounts import DEBIT_NORMAL
from service.ledger.tables import balance_table, posting_table, transaction_table
from service.ledger.transactions import Posting, fingerprint

BATCH = 2_000


@dataclass(frozen=True, slots=True)
class BookCount:
    """How much there is in a merchant's books."""

    transactions: int
    postings: int


def count(session: Session, merchant_id: UUID) -> BookCount:
    """How many transactions and postings the merchant has."""
    found = [
        session.scalar(select(func.count()).select_from(table).where(table.c.merchant_id == merchant_id)) or 0
        for table in (transaction_table, posting_table)
    ]
    return BookCount(*found)


def problems(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Everything that is wrong with the merchant's books, in words; nothing on sound books.

    Reads each transaction once and keeps none of them.
    """
    yield from _bad_transactions(session, merchant_id)
    yield from _bad_balances(session, merchant_id)


def _bad_transactions(session: Session, merchant_id: UUID) -> Iterator[str]:
    t, p = transaction_table.c, posting_table.c
    query = (
        select(t.transaction_id, t.reference, t.event, t.effective_at, t.fingerprint, posting_table)
        .outerjoin_from(
            transaction_table,
            posting_table,
            and_(p.merchant_id == t.merchant_id, p.transaction_id == t.transaction_id),
        )
        .where(t.merchant_id == merchant_id)
        .order_by(t.transaction_id, p.line)
        .execution_options(yield_per=BATCH)
    )
    for _, lines in groupby(session.execute(query), key=lambda row: row[0]):
        rows = list(lines)
        if fault := _fault_of(rows):
            yield f"transaction {rows[0].reference}: {fault}"


def _fault_of(rows: list[Row[Any]]) -> str | None:
    first = rows[0]
    if first.line is None:
        return "it has no postings"
    if [row.line for row in rows] != list(range(len(rows))):
        return "a posting is missing"
    try:
        postings = [
            Posting(accounts.parse(row.debit), accounts.parse(row.credit), row.amount, row.currency) for row in rows
        ]
    except ValueError as error:
        return str(error)
    effective_at: datetime = first.effective_at
    if fingerprint(first.event, effective_at, postings) != bytes(first.fingerprint):
        return "its content is not what was posted"
    return None


def _bad_balances(session: Session, merchant_id: UUID) -> Iterator[str]:
    p, b = posting_table.c, balance_table.c
    debit_normal = b.kind.in_([str(kind) for kind in DEBIT_NORMAL])
    movements = union_all(
        select(p.debit.label("account"), p.currency, p.amount.label("net")).where(p.merchant_id == merchant_id),
        select(p.credit, p.currency, -p.amount).where(p.merchant_id == merchant_id),
        select(b.account, b.currency, case((debit_normal, -b.amount), else_=b.amount)).where(
            b.merchant_id == merchant_id
        ),
    ).subquery()
    net = func.sum(movements.c.net)
    query = (
        select(movements.c.account, movements.c.currency, net)
        .group_by(movements.c.account, movements.c.currency)
        .having(net != literal(0))
        .execution_options(yield_per=BATCH)
    )
    for account, currency, difference in session.execute(query):
        yield f"account {account} in {currency}: its balance is off by {abs(int(difference))} from its postings"
