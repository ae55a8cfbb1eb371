"""What is owed to customers: how it moved by month, and how old it is.

The liability is what is pending, available and reserved. What customers owe in turn (`owed`) is an asset, and is not
set off against it. Its age is first in, first out: what was spent, lapsed or taken back was the oldest.
What moved from one owner to another is as old as that.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Case, ColumnElement, Select, and_, case, extract, func, or_, select
from sqlalchemy.orm import Session

from service.ledger.accounts import Kind
from service.ledger.reports import Basis, happened_by, kind_of
from service.ledger.tables import posting_table, transaction_table

LIABLE = (Kind.PENDING, Kind.AVAILABLE, Kind.RESERVED)
AGES_DAYS = (30, 60, 90, 180, 365)
"""The ends of the age groups, exclusive. What is older is in a last one."""

_p, _t = posting_table.c, transaction_table.c


@dataclass(slots=True)
class MonthOfLiability:
    """How the liability moved in one month (`2026-11`) and currency, in minor units.

    closing = opening + earned - taken_back + added - removed - spent - lapsed - debt_paid. The last three are net.
    """

    month: str
    currency: str
    opening: int = 0
    earned: int = 0
    taken_back: int = 0
    added: int = 0
    removed: int = 0
    spent: int = 0
    lapsed: int = 0
    debt_paid: int = 0
    closing: int = 0


@dataclass(frozen=True, slots=True)
class AgedLiability:
    """What is owed to customers for that long, in minor units. to_days: exclusive; None for ever."""

    currency: str
    from_days: int
    to_days: int | None
    amount: int


_ROSE = {Kind.EXPENSE: "earned", Kind.ADJUSTMENTS: "added", Kind.OPENING: "added"}
_FELL = {Kind.EXPENSE: "taken_back", Kind.ADJUSTMENTS: "removed"}
_NET = {Kind.SETTLED: "spent", Kind.LAPSED: "lapsed", Kind.OWED: "debt_paid"}


def liability_by_month(session: Session, merchant_id: UUID, *, as_of: datetime, basis: Basis) -> list[MonthOfLiability]:
    """The months in which the liability moved, oldest first, by currency."""
    months: dict[tuple[str, str], MonthOfLiability] = {}
    at = _t.effective_at if basis == "effective" else _t.recorded_at
    for inwards in (True, False):
        year, month = extract("year", at).label("year"), extract("month", at).label("month")
        moved = _moved(inwards, year, month, other_kind(inwards).label("kind"), _p.amount)
        m = moved.where(_p.merchant_id == merchant_id, happened_by(as_of, basis)).subquery().c
        month_and_kind = (m.currency, m.year, m.month, m.kind)
        query = select(*month_and_kind, func.sum(m.amount)).group_by(*month_and_kind)
        for currency, in_year, in_month, kind, total in session.execute(query):
            name = f"{int(in_year):04}-{int(in_month):02}"
            row = months.setdefault((currency, name), MonthOfLiability(name, currency))
            _count(row, Kind(kind), int(total), inwards=inwards)
    running: dict[str, int] = defaultdict(int)
    for (currency, _), row in sorted(months.items()):
        row.opening = running[currency]
        row.closing = running[currency] = row.opening + (
            row.earned - row.taken_back + row.added - row.removed - row.spent - row.lapsed - row.debt_paid
        )
    return [row for _, row in sorted(months.items())]


def liability_by_age(session: Session, merchant_id: UUID, *, as_of: datetime, basis: Basis) -> list[AgedLiability]:
    """What is owed by age, youngest first, by currency; groups of nothing are left out."""
    at = _t.effective_at if basis == "effective" else _t.recorded_at
    counted = and_(_p.merchant_id == merchant_id, happened_by(as_of, basis))
    owner = owner_of(_p.credit).label("owner")
    newest_first = (at.desc(), _p.transaction_id.desc(), _p.line.desc())
    running = func.sum(_p.amount).over(partition_by=(owner, _p.currency), order_by=newest_first, rows=(None, 0))
    lots = (
        _moved(True, owner, _p.amount, at.label("since"), running.label("running"), by_owner=True)
        .where(counted)
        .subquery()
    )
    came = _moved(True, owner, _p.amount.label("change"), by_owner=True).where(counted)
    went = _moved(False, owner_of(_p.debit).label("owner"), (-_p.amount).label("change"), by_owner=True).where(counted)
    changes = came.union_all(went).subquery()
    left = (
        select(changes.c.owner, changes.c.currency, func.sum(changes.c.change).label("left"))
        .group_by(changes.c.owner, changes.c.currency)
        .subquery()
    )
    before = lots.c.running - lots.c.amount
    part = case((lots.c.running <= left.c.left, lots.c.amount), (before < left.c.left, left.c.left - before), else_=0)
    group = case(
        *((lots.c.since > as_of - timedelta(days=days), place) for place, days in enumerate(AGES_DAYS)),
        else_=len(AGES_DAYS),
    )
    of_owner = (left.c.owner == lots.c.owner) & (left.c.currency == lots.c.currency)
    p = select(lots.c.currency, group.label("place"), part.label("amount")).join(left, of_owner).subquery().c
    query = select(p.currency, p.place, func.sum(p.amount)).group_by(p.currency, p.place).order_by(p.currency, p.place)
    ends = (0, *AGES_DAYS, None)
    return [
        AgedLiability(currency, ends[place] or 0, ends[place + 1], int(amount))
        for currency, place, amount in session.execute(query)
        if amount
    ]


def other_kind(inwards: bool) -> Case[str]:
    """The kind of the account on the other side of a posting that changes the liability."""
    return kind_of(_p.debit if inwards else _p.credit)


def owner_of(account: ColumnElement[str]) -> Case[str]:
    """The owner of the account of this name, which is one of a liable kind."""
    return case(*((account.like(f"{kind}:%"), func.substr(account, len(kind) + 2)) for kind in LIABLE), else_="")


def _moved(inwards: bool, *columns: Any, by_owner: bool = False) -> Select[Any]:
    """The postings that bring something into the liability, or take something out of it.

    by_owner: into and out of what is owed to each owner, so that what moves from one to another is among them.
    """
    to, source = (_p.credit, _p.debit) if inwards else (_p.debit, _p.credit)
    journal = posting_table.join(transaction_table)
    query = select(_p.currency, *columns).select_from(journal)
    is_another = kind_of(source).not_in(LIABLE)
    is_elsewhere = or_(is_another, owner_of(source) != owner_of(to)) if by_owner else is_another
    return query.where(kind_of(to).in_(LIABLE), is_elsewhere)


def liability_line(debit: Kind, credit: Kind) -> str | None:
    """Which field of `MonthOfLiability` counts a posting between these; None where the liability stays as it is.

    Raises KeyError for a pair that no field counts.
    """
    inwards = credit in LIABLE
    if inwards == (debit in LIABLE):
        return None
    return _field(debit if inwards else credit, inwards=inwards)


def _field(other: Kind, *, inwards: bool) -> str:
    return _NET[other] if other in _NET else (_ROSE if inwards else _FELL)[other]


def _count(row: MonthOfLiability, other: Kind, amount: int, *, inwards: bool) -> None:
    name = _field(other, inwards=inwards)
    signed = -amount if inwards and other in _NET else amount
    setattr(row, name, getattr(row, name) + signed)
