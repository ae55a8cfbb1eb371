"""Balances: sums of postings, kept beside them so that reading one costs the same at any age of the account."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, case, func, select, text
from sqlalchemy.orm import Session

from service.ledger.accounts import OWNER_KINDS, Account, Kind, accounts_of
from service.ledger.tables import balance_table

BATCH = 2_000
NONE = UUID(int=0)
"""Before all transactions."""
Key = tuple[Account, str]
Changes = dict[Key, int]
"""(account, currency) -> signed minor units on the account's normal side."""

_c = balance_table.c
_LOWER = text(
    "UPDATE balance SET amount = amount + :amount,"
    " last_id = CASE WHEN last_id < :last_id THEN :last_id ELSE last_id END"
    " WHERE merchant_id = :merchant_id AND account = :account AND currency = :currency AND slot = :slot"
).bindparams(bindparam("merchant_id", type_=_c.merchant_id.type), bindparam("last_id", type_=_c.last_id.type))
_LOCK = (
    select(_c.account, _c.currency, _c.amount)
    .where(_c.merchant_id == bindparam("m"), _c.account.in_(bindparam("names", expanding=True)), _c.slot == 0)
    .order_by(_c.account, _c.currency)
    .with_for_update()
    .execution_options(prepared=True)
)
_OF_OWNER = (
    select(_c.kind, _c.currency, _c.amount)
    .where(_c.merchant_id == bindparam("m"), _c.account.in_(bindparam("names", expanding=True)))
    .order_by(_c.currency)
    .execution_options(prepared=True)
)


@dataclass(frozen=True, slots=True)
class OwnerBalance:
    """What one owner has in one currency, in minor units."""

    currency: str
    pending: int = 0
    available: int = 0
    reserved: int = 0
    owed: int = 0


def account_balances(session: Session, merchant_id: UUID, accounts: Iterable[Account]) -> dict[Key, int]:
    """(account, currency) -> minor units on the account's normal side, for those of these that were ever used."""
    named = {account.name: account for account in accounts}
    query = (
        select(_c.account, _c.currency, func.sum(_c.amount))
        .where(_c.merchant_id == merchant_id, _c.account.in_(list(named)))
        .group_by(_c.account, _c.currency)
        .order_by(_c.account, _c.currency)
    )
    return {(named[name], currency): int(total) for name, currency, total in session.execute(query)}


def owner_balances(session: Session, merchant_id: UUID, owner: str) -> dict[str, OwnerBalance]:
    """currency -> balance, for the currencies in which this owner ever had anything."""
    names = [Account(kind, owner).name for kind in OWNER_KINDS]
    amounts_of: dict[str, dict[str, int]] = {}
    for kind, currency, amount in session.execute(_OF_OWNER, {"m": merchant_id, "names": names}):
        amounts_of.setdefault(currency, {})[kind] = amount
    return {currency: OwnerBalance(currency, **amounts) for currency, amounts in amounts_of.items()}


def owner_holdings(session: Session, merchant_id: UUID, kind: Kind) -> Iterator[tuple[str, str, int]]:
    """(owner, currency, minor units) of all owners whose account of this kind is not empty, by owner and currency."""
    query = (
        select(_c.account, _c.currency, _c.amount)
        .where(_c.merchant_id == merchant_id, _c.kind == kind, _c.amount != 0)
        .order_by(_c.account, _c.currency)
        .execution_options(yield_per=BATCH)
    )
    for account, currency, amount in session.execute(query):
        yield account.partition(":")[2], currency, amount


def owner_positions(session: Session, merchant_id: UUID) -> Iterator[tuple[str, str, int]]:
    """(owner, currency, minor units) of what all of an owner's accounts add up to, by owner and currency."""
    owner = case(
        *((_c.kind == kind, func.substr(_c.account, len(kind) + 2)) for kind in OWNER_KINDS), else_=_c.account
    ).label("owner")
    total = func.sum(case((_c.kind == Kind.OWED, -_c.amount), else_=_c.amount))
    query = (
        select(owner, _c.currency, total)
        .where(_c.merchant_id == merchant_id, _c.kind.in_(OWNER_KINDS))
        .group_by(owner, _c.currency)
        .having(total != 0)
        .order_by(owner, _c.currency)
        .execution_options(yield_per=BATCH)
    )
    for name, currency, amount in session.execute(query):
        yield name, currency, int(amount)


def lock(session: Session, merchant_id: UUID, keys: Iterable[Key]) -> Changes:
    """Lock these owners' balances in the global order and return them. Missing ones were never used."""
    wanted = {(account.name, currency): account for account, currency in keys}
    names = sorted({name for name, _ in wanted})
    held = session.execute(_LOCK, {"m": merchant_id, "names": names}) if names else ()
    return {
        (wanted[row.account, row.currency], row.currency): row.amount
        for row in held
        if (row.account, row.currency) in wanted
    }


def names_of_owners(keys: Iterable[Key]) -> list[str]:
    """All accounts that the owners of these can have, by name, in order."""
    owners = {account.owner for account, _ in keys if account.owner}
    return sorted(account.name for owner in owners for account in accounts_of(owner))


def newest_id(session: Session, merchant_id: UUID, accounts: Iterable[str]) -> UUID:
    """The transaction that was booked last on any of these accounts."""
    query = select(_c.last_id).where(_c.merchant_id == merchant_id, _c.account.in_(list(accounts)))
    return max(session.scalars(query), default=NONE)


def rows(
    merchant_id: UUID, changes: Mapping[Key, int], last_ids: Mapping[Key, UUID], *, spread: UUID
) -> list[dict[str, object]]:
    """These changes as rows to be added: owners' accounts first, the merchant's hot ones last, each group by name.

    last_ids: the transaction that comes last on each, which is kept of owners' accounts. spread: any id; its number
    picks the slots of hot accounts.
    """
    ordered = sorted(changes.items(), key=lambda change: (not change[0][0].owner, change[0][0].name, change[0][1]))
    return [
        _row(merchant_id, key, key[0].slot(spread.int), change, NONE if key[0].floor is None else last_ids[key])
        for key, change in ordered
    ]


def lower(session: Session, merchant_id: UUID, changes: Mapping[Key, int], last_ids: Mapping[Key, UUID]) -> None:
    """Take these (negative) changes from owners' balances, which are locked. last_ids: as in `rows`."""
    if changes:
        session.execute(_LOWER, rows(merchant_id, changes, last_ids, spread=NONE))


def _row(merchant_id: UUID, key: Key, slot: int, amount: int, last_id: UUID) -> dict[str, object]:
    account, currency = key
    return {
        "merchant_id": merchant_id,
        "account": account.name,
        "currency": currency,
        "slot": slot,
        "kind": str(account.kind),
        "amount": amount,
        "floor": account.floor,
        "last_id": last_id,
    }
