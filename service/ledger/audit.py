"""Proof that the books hold: every transaction as it was posted and sealed, every balance the sum of its postings."""

import sqlite3
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.ledger import scan, sums
from service.ledger.chain import Head
from service.ledger.encoding import block_hash, genesis
from service.ledger.scan import Entry, StoredBlock
from service.ledger.tables import (
    balance_table,
    block_table,
    posting_table,
    seal_table,
    transaction_table,
    unsealed_table,
)

NUMERIC_VALUE_OUT_OF_RANGE = "22003"
FORGOTTEN = "it is neither sealed nor waiting to be"
UNREADABLE = (DBAPIError, sqlite3.DatabaseError, ValueError, TypeError, AttributeError)
"""What comes of values that nobody of ours has written."""


def merchants_with_books(session: Session) -> Iterator[UUID]:
    """Everybody of whom the books have anything, whoever else knows them. For who looks after all books."""
    tables = (transaction_table, posting_table, block_table, seal_table, unsealed_table, balance_table)
    last = UUID(int=0)
    while True:
        after = [
            session.scalar(select(c.merchant_id).where(c.merchant_id > last).order_by(c.merchant_id).limit(1))
            for c in (table.c for table in tables)
        ]
        found = [merchant_id for merchant_id in after if merchant_id is not None]
        if not found:
            return
        last = min(found)
        yield last


class Verification:
    """One look at all of a merchant's books, within one snapshot of the database.

    problems() is to be read to its end; then transactions, postings and blocks say how many were looked at, and head
    is the hash of the newest block, None before the first one.
    """

    def __init__(self, session: Session, merchant_id: UUID, *, expected_head: Head | None = None) -> None:
        """expected_head: of a block that must still be part of the chain."""
        self._session = session
        self._merchant = merchant_id
        self._expected_head = expected_head
        self.transactions = 0
        self.postings = 0
        self.blocks = 0
        self.head: bytes | None = None

    def problems(self) -> Iterator[str]:
        """Everything that is wrong with the books, in words; nothing on sound books. Memory does not grow with them."""
        for what, look in (("journal", self._bad_journal), ("balances", self._bad_balances)):
            try:
                with self._session.begin_nested():
                    yield from look()
            except UNREADABLE as error:
                if not is_damaged_content(error):
                    raise
                yield f"the {what} cannot be read: {getattr(error, 'orig', error)}"

    def _bad_journal(self) -> Iterator[str]:
        chain = _Chain(genesis(str(self._merchant)), self._expected_head)
        waiting = 0
        for entries, reached, _ in scan.batches(self._session, self._merchant):
            chain.begin(reached)
            self.blocks, self.head = chain.blocks, chain.head
            self.transactions += len(entries)
            for entry in entries:
                self.postings += len(entry.lines)
                waiting += entry.waits
                if fault := fault_of(entry):
                    yield f"transaction {entry.reference} ({scan.dashed(entry.transaction_id)}): {fault}"
                if entry.block is not None and entry.digest is not None:
                    chain.follow(entry.block, entry.digest)
            yield from chain.faults()
        yield from chain.finish()
        yield from self._strays(waiting=waiting, sealed=chain.transactions)

    def _strays(self, *, waiting: int, sealed: int) -> Iterator[str]:
        seen = (
            (transaction_table, self.transactions),
            (posting_table, self.postings),
            (seal_table, sealed),
            (unsealed_table, waiting),
        )
        for table, number in seen:
            query = select(func.count()).select_from(table).where(table.c.merchant_id == self._merchant)
            if (there := self._session.scalar(query)) == number:
                continue
            yield f"{there} rows of {table.name} are there, and {number} belong to the journal"
            for transaction_id in scan.strays(self._session, self._merchant, table):
                yield f"transaction {transaction_id} has a row in {table.name} and is gone"

    def _bad_balances(self) -> Iterator[str]:
        for account, currency, posted, kept in sums.differences(self._session, self._merchant):
            if posted is None:
                yield f"account {account} in {currency}: it has a balance and no postings"
            elif kept is None:
                yield f"account {account} in {currency}: its balance is missing, and its postings say {posted}"
            elif posted != kept:
                yield f"account {account} in {currency}: its balance is {kept}, and its postings say {posted}"
            else:
                yield f"account {account} in {currency} has fallen below zero, to {posted}"
        for account, currency, slot in sums.misplaced(self._session, self._merchant):
            yield f"account {account} in {currency}: its balance in slot {slot} is not kept as it should be"


def is_damaged_content(error: Exception) -> bool:
    """Whether what is stored is to blame for an error while reading, rather than the state that the database is in."""
    error = getattr(error, "orig", error)
    if isinstance(error, ValueError | TypeError | AttributeError):
        return True
    if isinstance(error, sqlite3.DatabaseError):
        code = getattr(error, "sqlite_errorcode", None)
        return code in (None, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT)
    return getattr(error, "sqlstate", None) == NUMERIC_VALUE_OUT_OF_RANGE


def fault_of(entry: Entry) -> str | None:
    """What is wrong with a transaction by itself, in words; None where nothing is."""
    try:
        return _difference_of(entry)
    except (ValueError, TypeError, AttributeError):
        return "it cannot be read"


def _difference_of(entry: Entry) -> str | None:
    lines = entry.lines
    if not lines:
        return "it has no postings"
    if lines[0][1] or lines[-1][1] != len(lines) - 1:
        return "a posting is missing"
    if entry.block is None:
        return _fault_of_unsealed(entry)
    if entry.waits:
        return "it is sealed and waits to be"
    return None if entry.to_be_sealed() == entry.digest else f"it is not what was sealed in block {entry.block}"


def _fault_of_unsealed(entry: Entry) -> str | None:
    if entry.content() != entry.fingerprint:
        return "its content is not what was posted"
    return None if entry.waits else FORGOTTEN


class _Chain:
    """Follows the blocks while their transactions pass by in the order of their ids, keeping the open ones alone."""

    def __init__(self, previous: bytes, expected_head: Head | None) -> None:
        self._open: dict[int, tuple[StoredBlock, list[bytes]]] = {}
        self._previous = previous
        self._expected_head = expected_head
        self._in_its_place: bytes | None = None
        self._faults: list[str] = []
        self.transactions = 0
        self.blocks = 0
        self.head: bytes | None = None

    def begin(self, blocks: list[StoredBlock]) -> None:
        """Take in the next blocks."""
        for block in blocks:
            self.blocks += 1
            if block.number != self.blocks:
                self._faults.append(f"block {self.blocks} is missing")
                self.blocks = block.number
            if block.previous != self._previous:
                self._faults.append(f"block {block.number} does not follow the block before it")
            self._compare(block)
            self._previous, self.head = block.hash, bytes(block.hash)
            self._open[block.number] = (block, [])

    def _compare(self, block: StoredBlock) -> None:
        expected = self._expected_head
        if expected is None:
            return
        if block.hash == expected.hash and expected.number in (None, block.number):
            self._expected_head = None
        elif block.number == expected.number:
            self._in_its_place = bytes(block.hash)

    def follow(self, number: int, sealed: bytes) -> None:
        """Take in the next transaction of a block."""
        self.transactions += 1
        one = self._open.get(number)
        if one is None:
            self._faults.append(f"block {number} has more transactions than were sealed in it")
            return
        block, digests = one
        digests.append(sealed)
        if len(digests) == block.transactions:
            del self._open[number]
            if block_hash(block.previous, number, block.sealed_at, digests) != block.hash:
                self._faults.append(f"block {number} is not what was sealed")

    def faults(self) -> Iterator[str]:
        """What came to light since this was asked last."""
        named, self._faults = self._faults, []
        yield from named

    def finish(self) -> Iterator[str]:
        """What came to light once all have passed by."""
        for number, (block, digests) in sorted(self._open.items()):
            yield f"block {number} lacks {block.transactions - len(digests)} of its {block.transactions} transactions"
        if self._expected_head is not None:
            yield _is_not(self._expected_head, self._in_its_place, blocks=self.blocks)


def kept_head_fault(session: Session, merchant_id: UUID, head: Head) -> str | None:
    """What is said of a chain, as it stands, that this block is not part of; None of one that it is."""
    of_merchant = select(block_table.c.number, block_table.c.hash).where(block_table.c.merchant_id == merchant_id)
    found = session.execute(of_merchant.where(block_table.c.hash == head.hash)).first()
    if found is not None and head.number in (None, found.number):
        return None
    in_its_place = session.execute(of_merchant.where(block_table.c.number == (head.number or 0))).first()
    last = session.scalar(select(func.max(block_table.c.number)).where(block_table.c.merchant_id == merchant_id))
    return _is_not(head, bytes(in_its_place.hash) if in_its_place else None, blocks=last or 0)


def _is_not(head: Head, in_its_place: bytes | None, *, blocks: int) -> str:
    """What is said of a chain of so many blocks that this one is not part of."""
    if in_its_place is not None:
        return (
            f"block {head.number} has the hash {in_its_place.hex()} and had {head.hash.hex()}: this is another history"
        )
    if head.number is not None and head.number > blocks:
        return (
            f"the books end with block {blocks}, before block {head.number} that was kept: they were rewound,"
            " as by a restore, or cut"
        )
    return f"no block has the hash {head.hash.hex()}: this is not the history that ended in it"
