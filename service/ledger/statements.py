"""The postings of one owner, newest first, with the balance that each of them left."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.orm import Session

from service.ledger import balances
from service.ledger.accounts import OWNER_KINDS, Account, available
from service.ledger.journal import posting_of
from service.ledger.tables import posting_table, transaction_table
from service.ledger.transactions import Posting


@dataclass(frozen=True, slots=True)
class OwnerEntry:
    """One posting that touched one of the owner's accounts. available_after: minor units."""

    transaction_id: UUID
    line: int
    reference: str
    posting: Posting
    available_after: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class EntryPosition:
    """The last entry that a reader has seen, and what was available just before it, by currency."""

    transaction_id: UUID
    line: int
    available_before: Mapping[str, int]


def entries_of_owner(
    session: Session, merchant_id: UUID, owner: str, *, limit: int, before: EntryPosition | None
) -> tuple[list[OwnerEntry], EntryPosition | None]:
    """The owner's newest entries, newest first, and the position after them, None at the end.

    before: the last entry already seen, exclusive.
    """
    running = dict(before.available_before) if before else _available_now(session, merchant_id, owner)
    account = available(owner)
    entries: list[OwnerEntry] = []
    p = posting_table.c
    names = [Account(kind, owner).name for kind in OWNER_KINDS]
    query = (
        select(posting_table, transaction_table.c.reference, transaction_table.c.recorded_at)
        .join(transaction_table)
        .where(
            p.merchant_id == merchant_id,
            or_(
                p.debit.in_(bindparam("names", names, expanding=True)),
                p.credit.in_(bindparam("names", names, expanding=True)),
            ),
        )
        .order_by(p.transaction_id.desc(), p.line.desc())
        .limit(limit + 1)
    )
    if before:
        query = query.where(
            or_(
                p.transaction_id < before.transaction_id,
                and_(p.transaction_id == before.transaction_id, p.line < before.line),
            )
        )
    rows = session.execute(query).mappings().all()
    for row in rows[:limit]:
        posting = posting_of(row)
        left = running.get(posting.currency, 0)
        entries.append(
            OwnerEntry(row["transaction_id"], row["line"], row["reference"], posting, left, row["recorded_at"])
        )
        running[posting.currency] = left - _effect(posting, account)
    if len(rows) <= limit:
        return entries, None
    return entries, EntryPosition(entries[-1].transaction_id, entries[-1].line, running)


def _available_now(session: Session, merchant_id: UUID, owner: str) -> dict[str, int]:
    found = balances.of_owner(session, merchant_id, owner)
    return {currency: balance.available for currency, balance in found.items()}


def _effect(posting: Posting, account: Account) -> int:
    return account.change(
        debited=posting.amount if posting.debit == account else 0,
        credited=posting.amount if posting.credit == account else 0,
    )
