"""Transactions that neither have a seal nor wait for one, as a release from before there were seals leaves them.

They are let wait where they are what was posted, as far as they can tell by themselves. Where a block lacks one of its
transactions none is: it may be this one, whose seal somebody took away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from service.ledger import scan
from service.ledger.audit import FORGOTTEN, fault_of
from service.ledger.tables import block_table, seal_table, transaction_table, unsealed_table

BATCH = 500
FIRST = UUID(int=0)
_t, _b, _s = transaction_table.c, block_table.c, seal_table.c


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Some of them, by their references. let_wait: those that wait now; left: those that cannot be trusted.

    last: the id after which to go on; None where there are no more.
    """

    let_wait: Sequence[str]
    left: Sequence[str]
    last: UUID | None


def seals_are_complete(session: Session, merchant_id: UUID) -> bool:
    """Whether each block has as many seals as it has transactions."""
    seals = select(_s.block, func.count().label("number")).where(_s.merchant_id == merchant_id).group_by(_s.block)
    counted = seals.subquery().c
    short = (
        select(_b.number)
        .outerjoin(counted.number.table, counted.block == _b.number)
        .where(_b.merchant_id == merchant_id, _b.transactions != func.coalesce(counted.number, 0))
        .limit(1)
    )
    return session.execute(short).first() is None


def let_forgotten_wait(session: Session, merchant_id: UUID, *, after: UUID = FIRST, is_trusted: bool) -> Forgotten:
    """Let the next of them wait for their seal, in the order of their ids. Each call is a transaction of its own.

    is_trusted: whether `seals_are_complete`.
    """
    is_sealed, waits = (
        select(table.c.transaction_id)
        .where(table.c.merchant_id == _t.merchant_id, table.c.transaction_id == _t.transaction_id)
        .exists()
        for table in (seal_table, unsealed_table)
    )
    mine = (_t.merchant_id == merchant_id, _t.transaction_id > after, ~is_sealed, ~waits)
    names = session.scalars(select(_t.transaction_id).where(*mine).order_by(_t.transaction_id).limit(BATCH)).all()
    entries = scan.entries_of(session, merchant_id, names) if names else []
    whole = [entry for entry in entries if is_trusted and fault_of(entry) == FORGOTTEN]
    if whole:
        rows = [{"merchant_id": merchant_id, "transaction_id": UUID(entry.transaction_id)} for entry in whole]
        session.execute(insert(unsealed_table), rows)
    let_wait = [entry.reference for entry in whole]
    left = [entry.reference for entry in entries if entry not in whole]
    return Forgotten(let_wait, left, names[-1] if len(names) == BATCH else None)
