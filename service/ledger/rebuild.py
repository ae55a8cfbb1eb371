"""Balances made anew from postings: a few accounts at a time, while others go on posting, and resumable.

The journal is never touched. Where a balance is what its postings say, nothing is written.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, select, union, update
from sqlalchemy.orm import Session

from service.ledger import sums
from service.ledger.accounts import HOT_SLOTS, Account, parse
from service.ledger.tables import balance_table, insertion, numbered, posting_table, rebuild_table

BATCH = 500
_b, _p, _r = balance_table.c, posting_table.c, rebuild_table.c
_REMEMBER = insertion(rebuild_table, "ON CONFLICT (merchant_id) DO UPDATE SET done_up_to = excluded.done_up_to")
_OPEN = insertion(balance_table, "ON CONFLICT (merchant_id, account, currency, slot) DO NOTHING")


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How far a rebuild has come. mended: (account, currency) of balances that were wrong, in this step.

    hopeless: accounts whose postings themselves cannot be: they were left as they are, and the audit tells why.
    """

    accounts: int
    mended: Sequence[tuple[str, str]]
    hopeless: Sequence[str]
    is_over: bool


def count_accounts(session: Session, merchant_id: UUID) -> int:
    """How many accounts there are, for a progress bar; those that an earlier rebuild left to be done."""
    done = _done_up_to(session, merchant_id)
    names = _names(merchant_id, done, limit=None).subquery()
    return session.scalar(select(func.count()).select_from(names)) or 0


def rebuild_some(session: Session, merchant_id: UUID) -> Rebuilt:
    """Mend the next accounts, in the order of their names, and remember how far it came.

    Each call is a transaction of its own; after the last one, the next call begins anew.
    """
    names = session.scalars(_names(merchant_id, _done_up_to(session, merchant_id), limit=BATCH)).all()
    mended: list[tuple[str, str]] = []
    hopeless: list[str] = []
    if names:
        for name, currency in _damaged(session, merchant_id, names):
            if _mend(session, merchant_id, name, currency):
                mended.append((name, currency))
            else:
                hopeless.append(name)
    is_over = len(names) < BATCH
    if is_over:
        session.execute(delete(rebuild_table).where(_r.merchant_id == merchant_id))
    else:
        session.execute(_REMEMBER, numbered([{"merchant_id": merchant_id, "done_up_to": names[-1]}]))
    return Rebuilt(len(names), mended, hopeless, is_over)


def _done_up_to(session: Session, merchant_id: UUID) -> str:
    return session.scalar(select(_r.done_up_to).where(_r.merchant_id == merchant_id)) or ""


def _names(merchant_id: UUID, after: str, *, limit: int | None) -> Select[tuple[str]]:
    """The names of accounts, in order: of those that have a balance, and of those that only have postings."""
    looks = []
    for table, column in ((_b, _b.account), (_p, _p.debit), (_p, _p.credit)):
        look = select(column.label("name")).distinct().where(table.merchant_id == merchant_id, column > after)
        looks.append(select(look.order_by(column).limit(limit).subquery()))
    found = union(*looks).subquery()
    return select(found.c.name).order_by(found.c.name).limit(limit)


def _damaged(session: Session, merchant_id: UUID, names: Sequence[str]) -> list[tuple[str, str]]:
    within = (names[0], names[-1])
    wrong = {(account, currency) for account, currency, _, _ in sums.differences(session, merchant_id, within)}
    wrong |= {(account, currency) for account, currency, _ in sums.misplaced(session, merchant_id, within)}
    return sorted(wrong)


def _mend(session: Session, merchant_id: UUID, name: str, currency: str) -> bool:
    """Set one balance right. False where its postings themselves cannot be.

    Its rows are locked before postings and balances are compared once more, in one statement; and the difference is
    added rather than the sum set: so nobody who posts meanwhile is overwritten.
    """
    account = _parsed(name)
    before = _difference(session, merchant_id, name, currency)
    if account is None or (account.floor is not None and before and (before.posted or 0) < account.floor):
        return False
    mine = and_(_b.merchant_id == merchant_id, _b.account == name, _b.currency == currency)
    row = {"merchant_id": merchant_id, "account": name, "currency": currency, "slot": 0}
    session.execute(_OPEN, numbered([{**row, "kind": str(account.kind), "amount": 0, "floor": account.floor}]))
    session.execute(select(_b.slot).where(mine).order_by(_b.slot).with_for_update())
    last_slot = account.slot(HOT_SLOTS - 1)
    session.execute(delete(balance_table).where(mine, ~_b.slot.between(0, last_slot)))
    session.execute(update(balance_table).where(mine).values(kind=str(account.kind), floor=None))
    left = _difference(session, merchant_id, name, currency)
    if left is not None and left.posted is None:
        session.execute(delete(balance_table).where(mine))
    elif left is not None and left.posted is not None:
        missing = left.posted - (left.kept or 0)
        session.execute(update(balance_table).where(mine, _b.slot == 0).values(amount=_b.amount + missing))
    session.execute(update(balance_table).where(mine).values(floor=account.floor))
    return True


def _parsed(name: str) -> Account | None:
    with suppress(ValueError):
        return parse(name)
    return None


def _difference(session: Session, merchant_id: UUID, name: str, currency: str) -> sums.Difference | None:
    found = sums.differences(session, merchant_id, (name, name))
    return next((one for one in list(found) if one.currency == currency), None)
