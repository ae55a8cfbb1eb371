"""Balances: sums of postings, kept beside them so that reading one costs the same at any age of the account."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from service.ledger.accounts import DEBIT_NORMAL, OWNER_KINDS, Account, Kind
from service.ledger.tables import balance_table

Key = tuple[Account, str]
Changes = dict[Key, int]
"""(account, currency) -> signed minor units on the account's normal side."""

_c = balance_table.c
_raise = postgresql.insert(balance_table)
# SQLite compiles this form of insert as PostgreSQL does.
_RAISE = _raise.on_conflict_do_update(
    index_elements=["merchant_id", "account", "currency", "slot"],
    set_={"amount": _c.amount + _raise.excluded.amount},
)
_LOWER = (
    update(balance_table)
    .where(
        _c.merchant_id == bindparam("m"),
        _c.account == bindparam("a"),
        _c.currency == bindparam("c"),
        _c.slot == bindparam("s"),
    )
    .values(amount=_c.amount + bindparam("change"))
)
_LOCK = (
    select(_c.account, _c.currency, _c.amount)
    .where(_c.merchant_id == bindparam("m"), _c.account.in_(bindparam("names", expanding=True)), _c.slot == 0)
    .order_by(_c.account, _c.currency)
    .with_for_update()
)
_OF_OWNER = (
    select(_c.kind, _c.currency, _c.amount)
    .where(_c.merchant_id == bindparam("m"), _c.account.in_(bindparam("names", expanding=True)))
    .order_by(_c.currency)
)


@dataclass(frozen=True, slots=True)
class OwnerBalance:
    """What one owner has in one currency, in minor units."""

    currency: str
    pending: int = 0
    available: int = 0
    reserved: int = 0
    owed: int = 0


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    """All accounts of one kind in one currency; `debit` or `credit` holds the balance, the other is 0."""

    account: str
    currency: str
    debit: int
    credit: int


def of_owner(session: Session, merchant_id: UUID, owner: str) -> dict[str, OwnerBalance]:
    """currency -> balance, for the currencies in which this owner ever had anything."""
    names = [Account(kind, owner).name for kind in OWNER_KINDS]
    found: dict[str, dict[str, int]] = {}
    for kind, currency, amount in session.execute(_OF_OWNER, {"m": merchant_id, "names": names}):
        found.setdefault(currency, {})[kind] = amount
    return {currency: OwnerBalance(currency, **amounts) for currency, amounts in found.items()}


def trial_balance(session: Session, merchant_id: UUID) -> list[TrialBalanceLine]:
    """One line for each kind of account and currency; debits and credits of a currency add up to the same."""
    query = (
        select(_c.kind, _c.currency, func.sum(_c.amount))
        .where(_c.merchant_id == merchant_id)
        .group_by(_c.kind, _c.currency)
        .order_by(_c.currency, _c.kind)
    )
    lines = []
    for kind, currency, total in session.execute(query):
        debit = int(total) if Kind(kind) in DEBIT_NORMAL else -int(total)
        lines.append(TrialBalanceLine(kind, currency, max(debit, 0), max(-debit, 0)))
    return lines


def lock(session: Session, merchant_id: UUID, keys: Iterable[Key]) -> Changes:
    """Lock these owners' balances in the global order and return them. Missing ones were never used."""
    wanted = {(account.name, currency): account for account, currency in keys}
    names = sorted({name for name, _ in wanted})
    held = session.execute(_LOCK, {"m": merchant_id, "names": names})
    return {
        (wanted[row.account, row.currency], row.currency): row.amount
        for row in held
        if (row.account, row.currency) in wanted
    }


def apply(session: Session, merchant_id: UUID, changes: Mapping[Key, int], *, spread: int) -> None:
    """Add the changes: owners' accounts first, the merchant's hot ones last, each group by name.

    A rise may open the balance. A fall never does: its account must exist, or be the merchant's own.
    spread: any number; it picks the slots of hot accounts.
    """
    ordered = sorted(changes.items(), key=lambda change: (not change[0][0].owner, change[0][0].name, change[0][1]))
    for (account, currency), change in ordered:
        slot = account.slot(spread)
        if change > 0 or (change < 0 and account.floor is None):
            session.execute(_RAISE, _opening(merchant_id, account, currency, slot, change))
        elif change < 0:
            session.execute(_LOWER, {"m": merchant_id, "a": account.name, "c": currency, "s": slot, "change": change})


def _opening(merchant_id: UUID, account: Account, currency: str, slot: int, amount: int) -> dict[str, object]:
    return {
        "merchant_id": merchant_id,
        "account": account.name,
        "currency": currency,
        "slot": slot,
        "kind": str(account.kind),
        "amount": amount,
        "floor": account.floor,
    }
