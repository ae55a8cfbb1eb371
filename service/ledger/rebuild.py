"""Balances made anew from postings: a few accounts at a time, while others go on posting, and resumable.

The journal is never touched. Where a balance is what its postings say, nothing is written.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, TextClause, and_, bindparam, delete, func, select, text, union
from sqlalchemy.orm import Session

from service.ledger import sums
from service.ledger.accounts import HOT_SLOTS, MERCHANT_KINDS, Account, parse_account
from service.ledger.balances import NONE
from service.ledger.tables import (
    balance_table,
    insertion,
    numbered,
    posting_table,
    rebuild_table,
    transaction_table,
)

BATCH = 500
_b, _p, _r, _t = balance_table.c, posting_table.c, rebuild_table.c, transaction_table.c
_REMEMBER = insertion(rebuild_table, "ON CONFLICT (merchant_id) DO UPDATE SET done_up_to = excluded.done_up_to")
_OPEN = insertion(balance_table, "ON CONFLICT (merchant_id, account, currency, slot) DO NOTHING")


def _for_each(statement: str) -> TextClause:
    mine = "merchant_id = :merchant_id AND account = :account AND currency = :currency"
    return text(f"{statement} {mine}").bindparams(bindparam("merchant_id", type_=_b.merchant_id.type))


_DROP_MISPLACED = _for_each("DELETE FROM balance WHERE NOT slot BETWEEN 0 AND :last AND")
_UNBOUND = _for_each("UPDATE balance SET kind = :of_kind, floor = NULL WHERE")
_PUT_LAST = _for_each("UPDATE balance SET last_id = :last_id WHERE").bindparams(
    bindparam("last_id", type_=_b.last_id.type)
)
_ADD = _for_each("UPDATE balance SET amount = amount + :change WHERE slot = 0 AND")
_DROP = _for_each("DELETE FROM balance WHERE")
_BOUND = _for_each("UPDATE balance SET floor = CAST(:bound AS BIGINT) WHERE")

Key = tuple[str, str]
"""(account, currency)"""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How far a rebuild has come. mended: (account, currency) of balances that were wrong, in this step.

    hopeless: accounts whose postings themselves cannot be: they were left as they are, and the audit tells why.
    """

    accounts: int
    mended: Sequence[tuple[str, str]]
    hopeless: Sequence[str]
    is_over: bool


def count_accounts_to_rebuild(session: Session, merchant_id: UUID) -> int:
    """How many accounts there are, for a progress bar; those that an earlier rebuild left to be done."""
    done = rebuilt_up_to(session, merchant_id)
    names = _names(merchant_id, done, limit=None).subquery()
    return session.scalar(select(func.count()).select_from(names)) or 0


def rebuild_some_balances(session: Session, merchant_id: UUID) -> Rebuilt:
    """Mend the next accounts, in the order of their names, and remember how far it came.

    Each call is a transaction of its own; after the last one, the next call begins anew.
    """
    names = session.scalars(_names(merchant_id, rebuilt_up_to(session, merchant_id), limit=BATCH)).all()
    damaged = _damaged(session, merchant_id, names) if names else {}
    sound = {key: account for key, account in damaged.items() if account is not None}
    if sound:
        _mend(session, merchant_id, sound, (names[0], names[-1]))
    is_over = len(names) < BATCH
    if is_over:
        session.execute(delete(rebuild_table).where(_r.merchant_id == merchant_id))
    else:
        session.execute(_REMEMBER, numbered([{"merchant_id": merchant_id, "done_up_to": names[-1]}]))
    hopeless = [name for (name, _), account in damaged.items() if account is None]
    return Rebuilt(len(names), list(sound), hopeless, is_over)


def rebuilt_up_to(session: Session, merchant_id: UUID) -> str:
    """The last account, by name, that an earlier rebuild did before it was stopped; empty if none was."""
    return session.scalar(select(_r.done_up_to).where(_r.merchant_id == merchant_id)) or ""


def _names(merchant_id: UUID, after: str, *, limit: int | None) -> Select[tuple[str]]:
    """The names of accounts, in order: of those that have a balance, and of those that only have postings."""
    looks = []
    for table, column in ((_b, _b.account), (_p, _p.debit), (_p, _p.credit)):
        look = select(column.label("name")).distinct().where(table.merchant_id == merchant_id, column > after)
        looks.append(select(look.order_by(column).limit(limit).subquery()))
    names = union(*looks).subquery()
    return select(names.c.name).order_by(names.c.name).limit(limit)


def _damaged(session: Session, merchant_id: UUID, names: Sequence[str]) -> dict[Key, Account | None]:
    """(account, currency) -> its account, for balances that are wrong; None where its postings themselves cannot be."""
    within = (names[0], names[-1])
    wrong = {(account, currency): 0 for account, currency, _ in sums.misplaced(session, merchant_id, within)}
    for account, currency, posted, _ in sums.differences(session, merchant_id, within):
        wrong[account, currency] = posted or 0
    return {key: _account(key[0], posted) for key, posted in sorted(wrong.items())}


def _account(name: str, posted: int) -> Account | None:
    with suppress(ValueError):
        account = parse_account(name)
        if account.floor is None or posted >= account.floor:
            return account
    return None


def _mend(session: Session, merchant_id: UUID, damaged: Mapping[Key, Account], within: tuple[str, str]) -> None:
    """Set these balances right.

    Their rows are locked before postings and balances are compared once more, in one statement; and the difference is
    added rather than the sum set: so nobody who posts meanwhile is overwritten.
    """
    rows = [
        {
            **_of(merchant_id, key),
            "slot": 0,
            "kind": str(account.kind),
            "amount": 0,
            "floor": account.floor,
            "last_id": NONE,
        }
        for key, account in damaged.items()
    ]
    rows.sort(
        key=lambda row: (row["kind"] in MERCHANT_KINDS, row["account"], row["currency"])
    )  # as those who post lock
    is_merchants = _b.account.in_(sorted(MERCHANT_KINDS))
    connection = session.connection()
    connection.execute(_OPEN, [numbered([row]) for row in rows])
    mine = and_(_b.merchant_id == merchant_id, _b.account.in_({name for name, _ in damaged}))
    connection.execute(
        select(_b.slot).where(mine).order_by(is_merchants, _b.account, _b.currency, _b.slot).with_for_update()
    )
    slots = [{**_of(merchant_id, key), "last": account.slot(HOT_SLOTS - 1)} for key, account in damaged.items()]
    connection.execute(_DROP_MISPLACED, slots)
    connection.execute(
        _UNBOUND, [{**_of(merchant_id, key), "of_kind": account.kind} for key, account in damaged.items()]
    )
    connection.execute(
        _PUT_LAST,
        [
            {**_of(merchant_id, key), "last_id": NONE if of.floor is None else sums.newest(session, merchant_id, *key)}
            for key, of in damaged.items()
        ],
    )
    changes, unused = [], []
    for account, currency, posted, kept in sums.differences(session, merchant_id, within):
        if (account, currency) in damaged:
            key = _of(merchant_id, (account, currency))
            unused += [key] if posted is None else []
            changes += [{**key, "change": (posted or 0) - (kept or 0)}]
    for statement, values in ((_ADD, changes), (_DROP, unused)):
        if values:
            connection.execute(statement, values)
    connection.execute(_BOUND, [{**_of(merchant_id, key), "bound": account.floor} for key, account in damaged.items()])


def _of(merchant_id: UUID, key: Key) -> dict[str, Any]:
    return {"merchant_id": merchant_id, "account": key[0], "currency": key[1]}
