"""Kept balances beside the sums of their postings: where they differ, the cache is damaged, or the journal is."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, exists, func, null, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.ledger.accounts import DEBIT_NORMAL, HOT_SLOTS, MERCHANT_KINDS
from service.ledger.balances import NONE
from service.ledger.tables import balance_table, posting_table

BATCH = 2_000
Names = tuple[str, str] | None
"""The first and the last account that are meant, by name; None for all."""

_b, _p = balance_table.c, posting_table.c


class Difference(NamedTuple):
    """A balance that is not what it should be. Minor units on the account's normal side.

    posted: the sum of its postings, None without any. kept: what the cache says, None if it says nothing.
    Equal where they agree and are below the floor.
    """

    account: str
    currency: str
    posted: int | None
    kept: int | None


def differences(session: Session, merchant_id: UUID, names: Names = None) -> Iterator[Difference]:
    """The balances that are not the sum of their postings, or below zero where they must not be.

    All of it is one statement, which sees postings and balances of one moment, also while others post.
    """
    none: ColumnElement[int] = cast(null(), BigInteger)

    def of(account: ColumnElement[str], merchant: ColumnElement[UUID]) -> ColumnElement[bool]:
        return and_(merchant == merchant_id, _within(account, names))

    movements = union_all(
        select(_p.debit.label("account"), _p.currency, _p.amount.label("debited"), none.label("kept")).where(
            of(_p.debit, _p.merchant_id)
        ),
        select(_p.credit, _p.currency, -_p.amount, none).where(of(_p.credit, _p.merchant_id)),
        select(_b.account, _b.currency, none, _b.amount).where(of(_b.account, _b.merchant_id)),
    ).subquery()
    m = movements.c
    on_debit_side = or_(*(m.account.like(f"{kind}%") for kind in sorted(DEBIT_NORMAL)))
    posted = func.sum(m.debited) * case((on_debit_side, 1), else_=-1)
    kept = func.sum(m.kept)
    is_below = and_(m.account.not_in(sorted(MERCHANT_KINDS)), posted < 0)
    query = (
        select(m.account, m.currency, posted, kept)
        .group_by(m.account, m.currency)
        .having(or_(posted.is_distinct_from(kept), is_below))
        .order_by(m.account, m.currency)
        .execution_options(yield_per=BATCH)
    )
    for account, currency, in_journal, in_cache in session.execute(query):
        yield Difference(account, currency, _whole(in_journal), _whole(in_cache))


def misplaced(session: Session, merchant_id: UUID, names: Names = None) -> Iterator[tuple[str, str, int]]:
    """(account, currency, slot) of balances that are kept under another kind, floor or slot than their account has.

    Or which say that another transaction came last than did.
    """
    is_merchants = _b.kind.in_(sorted(MERCHANT_KINDS))
    sound_merchants = and_(
        _b.account == _b.kind, _b.floor.is_(null()), _b.slot.between(0, HOT_SLOTS - 1), _b.last_id == NONE
    )
    sound_owners = and_(
        _b.account.like(_b.kind + ":%"),
        func.coalesce(_b.floor, -1) == 0,
        _b.slot == 0,
        _posting(merchant_id, _p.transaction_id == _b.last_id),
        ~_posting(merchant_id, _p.transaction_id > _b.last_id),
    )
    query = (
        select(_b.account, _b.currency, _b.slot)
        .where(_b.merchant_id == merchant_id, _within(_b.account, names))
        .where(case((is_merchants, ~sound_merchants), else_=~sound_owners))
        .order_by(_b.account, _b.currency, _b.slot)
        .execution_options(yield_per=BATCH)
    )
    for row in session.execute(query):
        yield row.account, row.currency, row.slot


def newest(session: Session, merchant_id: UUID, account: str, currency: str) -> UUID:
    """The transaction that came last on an account, by its postings."""
    ids = [
        session.scalar(
            select(_p.transaction_id)
            .where(_p.merchant_id == merchant_id, side == account, _p.currency == currency)
            .order_by(_p.transaction_id.desc())
            .limit(1)
        )
        for side in (_p.debit, _p.credit)
    ]
    return max((found for found in ids if found is not None), default=NONE)


def _posting(merchant_id: UUID, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether there is such a posting of the merchant on the account of a balance."""
    return or_(
        *(
            exists().where(_p.merchant_id == merchant_id, side == _b.account, _p.currency == _b.currency, which)
            for side in (_p.debit, _p.credit)
        )
    )


def _whole(total: Any) -> int | None:
    return None if total is None else int(total)


def _within(account: ColumnElement[str] | InstrumentedAttribute[str], names: Names) -> ColumnElement[bool]:
    return true() if names is None else account.between(*names)
