"""Reports over the books, now or as of any time.

Every transaction has two times: `effective_at`, when it counts, and `recorded_at`, when it was written. Reports take
either: by `effective` a late entry changes what was, by `recorded` a report of a past time never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Case, ColumnElement, and_, case, func, select, union_all
from sqlalchemy.orm import Session

from service.ledger.accounts import DEBIT_NORMAL, MERCHANT_KINDS, Kind
from service.ledger.tables import balance_table, posting_table, transaction_table

Basis = Literal["effective", "recorded"]
_b, _p, _t = balance_table.c, posting_table.c, transaction_table.c


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    """All accounts of one kind in one currency; `debit` or `credit` holds the balance, the other is 0."""

    account: str
    currency: str
    debit: int
    credit: int


def trial_balance(
    session: Session, merchant_id: UUID, *, as_of: datetime | None = None, basis: Basis = "effective"
) -> list[TrialBalanceLine]:
    """One line for each kind of account and currency; debits and credits of a currency add up to the same.

    as_of: count what happened up to this time, inclusive; None for everything, which reads balances alone.
    """
    debited = _kept(session, merchant_id) if as_of is None else _posted(session, merchant_id, as_of, basis)
    return [
        TrialBalanceLine(kind, currency, max(debit, 0), max(-debit, 0))
        for (currency, kind), debit in sorted(debited.items())
    ]


def _kept(session: Session, merchant_id: UUID) -> Mapping[tuple[str, str], int]:
    total = func.sum(case((_b.kind.in_(sorted(DEBIT_NORMAL)), _b.amount), else_=-_b.amount))
    query = select(_b.currency, _b.kind, total).where(_b.merchant_id == merchant_id).group_by(_b.currency, _b.kind)
    return {(currency, kind): int(debit) for currency, kind, debit in session.execute(query)}


def _posted(session: Session, merchant_id: UUID, as_of: datetime, basis: Basis) -> Mapping[tuple[str, str], int]:
    counted = and_(_p.merchant_id == merchant_id, happened_by(as_of, basis))
    journal = posting_table.join(transaction_table)
    sides = union_all(
        select(_p.currency, kind_of(_p.debit).label("kind"), _p.amount).select_from(journal).where(counted),
        select(_p.currency, kind_of(_p.credit), -_p.amount).select_from(journal).where(counted),
    ).subquery()
    s = sides.c
    query = select(s.currency, s.kind, func.sum(s.amount)).group_by(s.currency, s.kind)
    return {(currency, kind): int(debit) for currency, kind, debit in session.execute(query)}


def happened_by(as_of: datetime, basis: Basis) -> ColumnElement[bool]:
    """Whether a transaction counts up to this time."""
    return (_t.effective_at if basis == "effective" else _t.recorded_at) <= as_of


def kind_of(account: ColumnElement[str]) -> Case[str]:
    """The kind of the account of this name."""
    owners = [kind for kind in Kind if kind not in MERCHANT_KINDS]
    return case(*((account.like(f"{kind}:%"), str(kind)) for kind in owners), else_=account)
