"""The postings of one owner or on one account, newest first, with the balance that each of them left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    RowMapping,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from service.ledger import balances
from service.ledger.accounts import OWNER_KINDS, Account, available
from service.ledger.journal import posting_of
from service.ledger.tables import posting_table, transaction_table
from service.ledger.transactions import Posting

_p, _t = posting_table.c, transaction_table.c


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


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """One posting on an account. balance_after: minor units on the account's normal side, in the order of recording."""

    transaction_id: UUID
    line: int
    reference: str
    event: str
    posting: Posting
    balance_after: int
    effective_at: datetime
    recorded_at: datetime


def entries_of_owner(
    session: Session, merchant_id: UUID, owner: str, *, limit: int, before: EntryPosition | None
) -> tuple[list[OwnerEntry], EntryPosition | None]:
    """The owner's newest entries, newest first, and the position after them, None at the end.

    before: the last entry already seen, exclusive.
    """
    running = dict(before.available_before) if before else _available_now(session, merchant_id, owner)
    account = available(owner)
    names = [Account(kind, owner).name for kind in OWNER_KINDS]
    position = (before.transaction_id, before.line) if before else None
    rows = _newest(session, merchant_id, names, before=position, limit=limit + 1)
    entries: list[OwnerEntry] = []
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


def entries_of_account(
    session: Session,
    merchant_id: UUID,
    account: Account,
    currency: str,
    *,
    limit: int,
    before: tuple[UUID, int] | None = None,
) -> list[AccountEntry]:
    """The newest postings on an account, newest first.

    before: transaction and line of the last one already seen, exclusive. The balances are right on every page, also
    while others post; what is newer than the page is summed for that.
    """
    running = balances.account_balances(session, merchant_id, [account]).get((account, currency), 0)
    if before is not None:
        running -= _change_since(session, merchant_id, account, currency, before)
    entries = []
    for row in _newest(session, merchant_id, [account.name], currency=currency, before=before, limit=limit):
        posting = posting_of(row)
        entries.append(_account_entry(row, posting, running))
        running -= _effect(posting, account)
    return entries


def _newest(
    session: Session,
    merchant_id: UUID,
    names: Sequence[str],
    *,
    currency: str | None = None,
    before: tuple[UUID, int] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """The newest postings on these accounts, in this currency or any, older than a position or all."""
    query = _newest_query(len(names), in_currency=currency is not None, is_older=before is not None)
    asked: dict[str, Any] = {f"account_{number}": name for number, name in enumerate(names)}
    asked |= {"merchant": merchant_id, "most": limit, "currency": currency}
    asked |= {"transaction": before[0], "line": before[1]} if before else {}
    return session.execute(query, asked).mappings().all()


@cache
def _newest_query(accounts: int, *, in_currency: bool, is_older: bool) -> Select[Any]:
    """From each of so many accounts as many as are wanted, and of those the newest.

    One look-up in an index for each account and side, so that a page costs the same on an account of any age. Built
    once: to put it together takes as long as to ask it.
    """
    order = (_p.transaction_id.desc(), _p.line.desc())
    most: BindParameter[int] = bindparam("most")
    names: list[BindParameter[str]] = [bindparam(f"account_{number}") for number in range(accounts)]
    wanted = [_p.merchant_id == bindparam("merchant")]
    wanted += [_p.currency == bindparam("currency")] if in_currency else []
    wanted += [_older_than((bindparam("transaction"), bindparam("line")))] if is_older else []
    looks = []
    for name in names:
        for side in (_p.debit == name, and_(_p.credit == name, _p.debit.not_in(names))):
            look = select(posting_table).where(side, *wanted)
            looks.append(select(look.order_by(*order).limit(most).subquery()))
    lines = union_all(*looks).subquery()
    of_transaction = and_(_t.merchant_id == bindparam("merchant"), _t.transaction_id == lines.c.transaction_id)
    return (
        select(lines, _t.reference, _t.event, _t.effective_at, _t.recorded_at)
        .join(transaction_table, of_transaction)
        .order_by(lines.c.transaction_id.desc(), lines.c.line.desc())
        .limit(most)
    )


def _older_than(position: tuple[Any, Any]) -> ColumnElement[bool]:
    """Whether a posting stands before this transaction and line, each a value or a parameter."""
    transaction_id, line = position
    return and_(_p.transaction_id <= transaction_id, or_(_p.transaction_id < transaction_id, _p.line < line))


def _change_since(
    session: Session, merchant_id: UUID, account: Account, currency: str, position: tuple[UUID, int]
) -> int:
    """How the postings from this position on, inclusive, have changed the balance."""
    debited = func.sum(case((_p.debit == account.name, _p.amount), else_=-_p.amount))
    total = session.scalar(
        select(debited).where(
            _p.merchant_id == merchant_id,
            or_(_p.debit == account.name, _p.credit == account.name),
            _p.currency == currency,
            _p.transaction_id >= position[0],
            ~_older_than(position),
        )
    )
    return account.change(debited=int(total or 0), credited=0)


def _account_entry(row: Mapping[Any, Any], posting: Posting, balance_after: int) -> AccountEntry:
    return AccountEntry(
        row["transaction_id"],
        row["line"],
        row["reference"],
        row["event"],
        posting,
        balance_after,
        row["effective_at"],
        row["recorded_at"],
    )


def _available_now(session: Session, merchant_id: UUID, owner: str) -> dict[str, int]:
    held = balances.owner_balances(session, merchant_id, owner)
    return {currency: balance.available for currency, balance in held.items()}


def _effect(posting: Posting, account: Account) -> int:
    return account.change(
        debited=posting.amount if posting.debit == account else 0,
        credited=posting.amount if posting.credit == account else 0,
    )
