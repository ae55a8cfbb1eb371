"""Posting many transactions at once: what time does to one owner, say, where each alone would cost its statements."""

from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter
from uuid import UUID

from sqlalchemy import bindparam, insert, select
from sqlalchemy.orm import Session

from service.ledger import balances, journal
from service.ledger.errors import OutOfOrder, ReferenceReused
from service.ledger.tables import posting_table, transaction_table, unsealed_table
from service.ledger.transactions import Transaction
from service.ledger.writing import raise_balances

LOOKED_UP_AT_ONCE = 1_000
_t = transaction_table.c
_KNOWN = select(_t.reference, _t.fingerprint).where(
    _t.merchant_id == bindparam("merchant"), _t.reference.in_(bindparam("names", expanding=True))
)


def post_many(session: Session, merchant_id: UUID, transactions: Sequence[Transaction]) -> None:
    """Post these transactions, in their order, each once for its reference, or none of them.

    What was posted before is left as it is. Locks are taken once for all of them and in the one order: owners'
    accounts by name, the merchant's hot accounts last; so batches and single postings wait for each other.
    Raises ReferenceReused if a reference carries other content, InsufficientFunds if an owner's account would fall
    below its floor on the way, and OutOfOrder as `post`; none has changed anything.
    """
    changes = [journal.changes_of(transaction.postings) for transaction in transactions]
    of_owners = {key for one in changes for key in one if key[0].floor is not None}
    held = balances.lock(session, merchant_id, of_owners)
    known = _known(session, merchant_id, [transaction.reference for transaction in transactions])
    total: balances.Changes = defaultdict(int)
    fresh: list[tuple[Transaction, bytes]] = []
    for transaction, change in zip(transactions, changes, strict=True):
        fingerprint = journal.fingerprint_of(transaction)
        if transaction.reference in known:
            if known[transaction.reference] != fingerprint:
                raise ReferenceReused(transaction.reference)
            continue
        known[transaction.reference] = fingerprint
        running = {key: held.get(key, 0) + total[key] for key in change}
        journal.refuse_overdraft({key: by for key, by in change.items() if by < 0 and key in of_owners}, running)
        for key, by in change.items():
            total[key] += by
        fresh.append((transaction, fingerprint))
    if fresh:
        names = balances.names_of_owners(total)
        if names and balances.newest_id(session, merchant_id, names) >= min(one.transaction_id for one, _ in fresh):
            raise OutOfOrder(merchant_id, names)
        _write(session, merchant_id, fresh, total)


def _known(session: Session, merchant_id: UUID, names: Sequence[str]) -> dict[str, bytes]:
    """reference -> fingerprint, of those of these that were posted; looked up in parts, as a statement takes only so
    many values.
    """
    known = {}
    for start in range(0, len(names), LOOKED_UP_AT_ONCE):
        part = names[start : start + LOOKED_UP_AT_ONCE]
        for reference, fingerprint in session.execute(_KNOWN, {"merchant": merchant_id, "names": part}):
            known[reference] = bytes(fingerprint)
    return known


def _write(
    session: Session, merchant_id: UUID, fresh: Sequence[tuple[Transaction, bytes]], total: balances.Changes
) -> None:
    """The rows of the journal, then the balances: all of one slot, so that a batch holds few of the hot ones."""
    rows = [journal.row_of(merchant_id, transaction, fingerprint) for transaction, fingerprint in fresh]
    lines = [line for transaction, _ in fresh for line in journal.lines_of(merchant_id, transaction)]
    waiting = [{name: row[name] for name in ("merchant_id", "transaction_id")} for row in rows]
    for table, its_rows in ((transaction_table, rows), (posting_table, lines), (unsealed_table, waiting)):
        session.execute(insert(table), its_rows)
    falling = {key: by for key, by in total.items() if by < 0 and key[0].floor is not None}
    in_order = sorted((transaction for transaction, _ in fresh), key=attrgetter("transaction_id"))
    last_ids = {key: one.transaction_id for one in in_order for key in journal.changes_of(one.postings)}
    balances.lower(session, merchant_id, falling, last_ids)
    rising = {key: by for key, by in total.items() if key not in falling}
    if rising:
        first, _ = fresh[0]
        raise_balances(session, balances.rows(merchant_id, rising, last_ids, spread=first.transaction_id))
