"""Posting to the books, and reading them back."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, func, select
from sqlalchemy.orm import Session

from service.ledger import accounts, balances, encoding, writing
from service.ledger.errors import InsufficientFunds, OutOfOrder, ReferenceReused, TransactionUnknown
from service.ledger.tables import posting_table, transaction_table
from service.ledger.transactions import Posting, Transaction

_STORED = select(transaction_table).where(
    transaction_table.c.merchant_id == bindparam("merchant"), transaction_table.c.reference == bindparam("ref")
)
_POSTINGS = (
    select(posting_table)
    .where(
        posting_table.c.merchant_id == bindparam("merchant"),
        posting_table.c.transaction_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(posting_table.c.transaction_id, posting_table.c.line)
)


@dataclass(frozen=True, slots=True)
class BookCount:
    """How much there is in a merchant's books."""

    transactions: int
    postings: int


def post(session: Session, merchant_id: UUID, transaction: Transaction) -> Transaction:
    """Post balanced entries once per reference.

    transaction: its id is a new UUIDv7, used if the reference is new; the order of its postings is part of the content.
    Returns the stored transaction, also on a replay.
    Raises ReferenceReused if the same reference carries other content, InsufficientFunds if an account would fall below
    its floor, and OutOfOrder if its id is before that of the last one of an owner; none has changed anything.
    Two transactions that open new accounts crosswise can meet in a deadlock (40P01), and are to be tried again; other
    ones wait for each other.
    Source: idempotency as Formance's `reference`; locks in one order as pgledger's.
    """
    changes = changes_of(transaction.postings)
    fingerprint = fingerprint_of(transaction)
    of_owners = {key: change for key, change in changes.items() if key[0].floor is not None}
    falling = {key: change for key, change in of_owners.items() if change < 0}
    if falling:
        held = balances.lock(session, merchant_id, of_owners)
        if stored := _find(session, merchant_id, transaction.reference):
            return _replay(session, merchant_id, stored, fingerprint)
        refuse_overdraft(falling, held)
    rising = {key: change for key, change in changes.items() if key not in falling}
    last_ids = dict.fromkeys(changes, transaction.transaction_id)
    opened = balances.rows(merchant_id, rising, last_ids, spread=transaction.transaction_id)
    row, lines = row_of(merchant_id, transaction, fingerprint), lines_of(merchant_id, transaction)
    names = balances.names_of_owners(changes)
    if not writing.write(session, row, lines, opened, after=names):
        if stored := _find(session, merchant_id, transaction.reference):
            return _replay(session, merchant_id, stored, fingerprint)
        raise OutOfOrder(merchant_id, names)
    balances.lower(session, merchant_id, falling, last_ids)
    return transaction


def transaction(session: Session, merchant_id: UUID, transaction_id: UUID) -> Transaction:
    """One transaction of this merchant. Raises TransactionUnknown, also for another merchant's."""
    query = select(transaction_table).where(
        transaction_table.c.merchant_id == merchant_id, transaction_table.c.transaction_id == transaction_id
    )
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        raise TransactionUnknown(transaction_id)
    return _read(session, merchant_id, [row])[0]


def transactions(session: Session, merchant_id: UUID, *, limit: int, before: UUID | None = None) -> list[Transaction]:
    """The newest transactions of this merchant, newest first.

    before: the last one already seen, exclusive.
    """
    query = (
        select(transaction_table)
        .where(transaction_table.c.merchant_id == merchant_id)
        .order_by(transaction_table.c.transaction_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(transaction_table.c.transaction_id < before)
    return _read(session, merchant_id, session.execute(query).mappings().all())


def changes_of(postings: Sequence[Posting]) -> balances.Changes:
    """(account, currency) -> what these postings change of its balance."""
    changes: balances.Changes = defaultdict(int)
    for posting in postings:
        changes[posting.debit, posting.currency] += posting.debit.change(debited=posting.amount, credited=0)
        changes[posting.credit, posting.currency] += posting.credit.change(debited=0, credited=posting.amount)
    return changes


def refuse_overdraft(falling: Mapping[balances.Key, int], held: Mapping[balances.Key, int]) -> None:
    """Raise InsufficientFunds if one of these falls would take an account below zero. held: what it has."""
    for (account, currency), change in falling.items():
        balance = held.get((account, currency), 0)
        if balance + change < 0:
            raise InsufficientFunds(account.name, currency, balance=balance, wanted=-change)


def count_books(session: Session, merchant_id: UUID) -> BookCount:
    """How many transactions and postings the merchant has."""
    counts = [
        session.scalar(select(func.count()).select_from(table).where(table.c.merchant_id == merchant_id)) or 0
        for table in (transaction_table, posting_table)
    ]
    return BookCount(*counts)


def has_more_than(session: Session, merchant_id: UUID, number: int) -> bool:
    """Whether the merchant has more than so many transactions. It reads no more than those."""
    some = select(transaction_table.c.transaction_id).where(transaction_table.c.merchant_id == merchant_id)
    found = session.scalar(select(func.count()).select_from(some.limit(number + 1).subquery()))
    return (found or 0) > number


def transaction_references(session: Session, merchant_id: UUID) -> Iterator[str]:
    """The references of all of the merchant's transactions."""
    query = select(transaction_table.c.reference).where(transaction_table.c.merchant_id == merchant_id)
    yield from session.scalars(query.execution_options(yield_per=1_000))


def fingerprint_of(transaction: Transaction) -> bytes:
    """The hash of what the transaction says."""
    name = str(transaction.transaction_id)
    lines = [(name, line, *posting.fields) for line, posting in enumerate(transaction.postings)]
    return encoding.fingerprint(transaction.event, encoding.moment(transaction.effective_at), lines)


def row_of(merchant_id: UUID, transaction: Transaction, fingerprint: bytes) -> dict[str, object]:
    """The transaction's own row. fingerprint: its fingerprint."""
    return {
        "merchant_id": merchant_id,
        "transaction_id": transaction.transaction_id,
        "reference": transaction.reference,
        "event": transaction.event,
        "fingerprint": fingerprint,
        "effective_at": transaction.effective_at,
        "recorded_at": transaction.recorded_at,
    }


def _find(session: Session, merchant_id: UUID, reference: str) -> RowMapping | None:
    return session.execute(_STORED, {"merchant": merchant_id, "ref": reference}).mappings().one_or_none()


def _replay(session: Session, merchant_id: UUID, row: RowMapping, fingerprint: bytes) -> Transaction:
    if bytes(row["fingerprint"]) != fingerprint:
        raise ReferenceReused(row["reference"])
    return _read(session, merchant_id, [row])[0]


def lines_of(merchant_id: UUID, transaction: Transaction) -> list[dict[str, object]]:
    """The rows of the transaction's postings."""
    return [
        {
            "merchant_id": merchant_id,
            "transaction_id": transaction.transaction_id,
            "line": line,
            "debit": posting.debit.name,
            "credit": posting.credit.name,
            "currency": posting.currency,
            "amount": posting.amount,
        }
        for line, posting in enumerate(transaction.postings)
    ]


def _read(session: Session, merchant_id: UUID, rows: Sequence[RowMapping]) -> list[Transaction]:
    ids = [row["transaction_id"] for row in rows]
    lines: dict[UUID, list[Posting]] = defaultdict(list)
    for line in session.execute(_POSTINGS, {"merchant": merchant_id, "ids": ids}).mappings():
        lines[line["transaction_id"]].append(posting_of(line))
    return [
        Transaction(
            row["transaction_id"],
            row["reference"],
            row["event"],
            row["effective_at"],
            row["recorded_at"],
            tuple(lines[row["transaction_id"]]),
        )
        for row in rows
    ]


def posting_of(row: RowMapping) -> Posting:
    """The posting of a stored line. Raises ValueError for a line that no one could have posted."""
    return Posting(
        accounts.parse_account(row["debit"]), accounts.parse_account(row["credit"]), row["amount"], row["currency"]
    )
