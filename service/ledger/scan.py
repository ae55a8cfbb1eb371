"""The whole journal in the order of its ids, batch by batch, as it stands in the database and in the form it is hashed.

For those who read all of it. It hands on what the database driver gives, past SQLAlchemy's types: that is what lets a
million postings be read in seconds, in flat memory. Nothing here trusts what it reads.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, Table, Uuid, and_, cast, func, select
from sqlalchemy.orm import Session

from service.ledger.encoding import Line, digest, fingerprint
from service.ledger.tables import Instant, block_table, posting_table, seal_table, transaction_table, unsealed_table

BATCH = 4_000
LAST = UUID(int=2**128 - 1)
Which = Callable[[ColumnElement[UUID]], ColumnElement[bool]]
"""Of a column of transactions' ids, whether a row is wanted."""
_t, _p, _b, _s, _u = transaction_table.c, posting_table.c, block_table.c, seal_table.c, unsealed_table.c


class Entry(NamedTuple):
    """A transaction as it stands. Its id is text, with or without dashes; times are in the form that is hashed.

    block and digest: of its seal, None without one. waits: whether it is named among the unsealed.
    """

    transaction_id: str
    reference: str
    event: str
    effective_at: str
    recorded_at: str
    fingerprint: bytes
    block: int | None
    digest: bytes | None
    waits: bool
    lines: list[Line]

    def content(self) -> bytes:
        """The fingerprint that it should have."""
        return fingerprint(self.event, self.effective_at, self.lines)

    def to_be_sealed(self) -> bytes:
        """The digest that its seal should have."""
        return digest(
            self.transaction_id,
            self.reference,
            self.recorded_at,
            self.fingerprint,
            self.event,
            self.effective_at,
            self.lines,
        )


def dashed(name: str) -> str:
    """An id as text with its dashes, where the database left them out."""
    return name if len(name) == 36 else f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"


class StoredBlock(NamedTuple):
    """A block as it stands. sealed_at: in the form in which it is hashed."""

    number: int
    previous: bytes
    hash: bytes
    transactions: int
    sealed_at: str


class Batch(NamedTuple):
    """Some transactions in the order of their ids, with the blocks that they are in.

    reached: the blocks that nothing before has reached, without a gap. others: of transactions that were sealed late.
    """

    entries: list[Entry]
    reached: list[StoredBlock]
    others: list[StoredBlock]


def batches(session: Session, merchant_id: UUID) -> Iterator[Batch]:
    """The merchant's journal with its chain. Call it within one snapshot of the database.

    Until the last batch has come, the session must not be used for anything else.
    """
    look = _Look(session, merchant_id)
    return _batches(look) if look.is_embedded else _one_ahead(_batches(look))


def _one_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Let the server look for the next batch while the last one is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _batches(look: "_Look") -> Iterator[Batch]:
    after, block = UUID(int=0), 0
    while True:
        transactions = look.transactions(partial(_between, after=after), limit=BATCH)
        is_last = len(transactions) < BATCH
        last = LAST if is_last else UUID(transactions[-1][0])
        entries = _joined(look, transactions, partial(_between, after=after, last=last))
        numbers = {entry.block for entry in entries if entry.block is not None}
        is_new = _b.number > block if is_last else and_(_b.number > block, _b.number <= max(numbers, default=block))
        reached = look.blocks(is_new)
        others = [number for number in numbers if number <= block]
        yield Batch(entries, reached, look.blocks(_b.number.in_(others)) if others else [])
        if is_last:
            return
        after, block = last, reached[-1].number if reached else block


def entries_of(session: Session, merchant_id: UUID, names: Sequence[UUID]) -> list[Entry]:
    """These transactions of the merchant, a batch at most, in the order of their ids."""
    look = _Look(session, merchant_id)
    which = partial(_among, names=names)
    return _joined(look, look.transactions(which, limit=BATCH), which)


def _among(name: ColumnElement[UUID], *, names: Sequence[UUID]) -> ColumnElement[bool]:
    return name.in_(names)


def _between(name: ColumnElement[UUID], *, after: UUID, last: UUID | None = None) -> ColumnElement[bool]:
    return name > after if last is None else and_(name > after, name <= last)


def _joined(look: "_Look", transactions: list[Any], which: Which) -> list[Entry]:
    """Each transaction with its postings; both come in the order of the transactions' ids."""
    lines, waiting = look.postings(which), look.waiting(which)
    entries, end, total = [], 0, len(lines)
    moment_text = look.moment_text
    for name, reference, event, effective_at, recorded_at, kept, block, sealed in transactions:
        while end < total and lines[end][0] < name:
            end += 1
        start = end
        while end < total and lines[end][0] == name:
            end += 1
        effective = moment_text(effective_at)
        recorded = effective if recorded_at == effective_at else moment_text(recorded_at)
        waits, own = name in waiting, lines[start:end]
        entries.append(Entry(name, reference, event, effective, recorded, kept, block, sealed, waits, own))
    return entries


def movements_of(
    session: Session, merchant_id: UUID, references: Sequence[str]
) -> dict[str, list[tuple[str, str, int]]]:
    """reference -> (debit account, credit account, minor units) as they stand, of those transactions that are there."""
    of_transaction = and_(_p.merchant_id == _t.merchant_id, _p.transaction_id == _t.transaction_id)
    query = (
        select(_t.reference, _p.debit, _p.credit, _p.amount)
        .outerjoin_from(transaction_table, posting_table, of_transaction)
        .where(_t.merchant_id == merchant_id, _t.reference.in_(references))
    )
    movements: dict[str, list[tuple[str, str, int]]] = {}
    for reference, debit, credit, amount in session.execute(query):
        lines = movements.setdefault(reference, [])
        if amount is not None:
            lines.append((debit, credit, amount))
    return movements


def strays(session: Session, merchant_id: UUID, table: Table) -> Iterator[str]:
    """The ids of transactions that are gone and that a row of this table names."""
    there = and_(_t.merchant_id == merchant_id, _t.transaction_id == table.c.transaction_id)
    query = (
        select(table.c.transaction_id)
        .distinct()
        .where(table.c.merchant_id == merchant_id, ~select(_t.transaction_id).where(there).exists())
        .execution_options(yield_per=BATCH)
    )
    for name in session.scalars(query):
        yield str(name)


class _Look:
    """The statements, and how this database's own values are read."""

    def __init__(self, session: Session, merchant_id: UUID) -> None:
        self._session = session
        self._merchant = merchant_id
        self.is_embedded = session.get_bind().dialect.name == "sqlite"

    def moment_text(self, stored: object) -> str:
        """`2026-03-01 09:30:00.500000`, in UTC, as it is hashed: with six decimals, or none where they are zero.

        What was not written so comes back as something that no hash was made of.
        """
        if not isinstance(stored, str) or stored[10:11] != " " or (self.is_embedded and len(stored) != 26):
            return repr(stored)
        if len(stored) == 26 and stored[19] == "." and stored[-1] != "0":
            return f"{stored[:10]}T{stored[11:]}+00:00"
        if stored[19:20] not in ("", "."):
            return repr(stored)
        fraction = stored[20:].rstrip("0")
        if not fraction:
            return f"{stored[:10]}T{stored[11:19]}+00:00"
        return f"{stored[:10]}T{stored[11:19]}.{fraction:0<6}+00:00"

    def transactions(self, which: Which, *, limit: int) -> list[Any]:
        """(id, reference, event, effective_at, recorded_at, fingerprint, block, digest)"""
        sealed = and_(_s.merchant_id == _t.merchant_id, _s.transaction_id == _t.transaction_id)
        sealed = and_(sealed, which(_s.transaction_id))  # or PostgreSQL reads them from the first one for every batch
        columns = (_t.transaction_id, _t.reference, _t.event, _t.effective_at, _t.recorded_at, _t.fingerprint)
        query = (
            select(*map(self._plain, columns), _s.block, _s.digest)
            .select_from(transaction_table.outerjoin(seal_table, sealed))
            .where(_t.merchant_id == self._merchant, which(_t.transaction_id))
            .order_by(_t.transaction_id)
            .limit(limit)
        )
        return self._rows(query)

    def waiting(self, which: Which) -> set[str]:
        """The ids of the unsealed ones of these transactions."""
        query = select(self._plain(_u.transaction_id)).where(_u.merchant_id == self._merchant)
        return {name for (name,) in self._rows(query.where(which(_u.transaction_id)))}

    def postings(self, which: Which) -> list[Line]:
        """The postings of these transactions, by transaction and line."""
        columns = (_p.transaction_id, _p.line, _p.debit, _p.credit, _p.currency, _p.amount)
        query = select(*map(self._plain, columns)).where(_p.merchant_id == self._merchant, which(_p.transaction_id))
        return self._rows(query.order_by(_p.transaction_id, _p.line))

    def blocks(self, wanted: ColumnElement[bool]) -> list[StoredBlock]:
        """These blocks, in their order."""
        columns = map(self._plain, (_b[name] for name in StoredBlock._fields))
        rows = self._rows(select(*columns).where(_b.merchant_id == self._merchant, wanted).order_by(_b.number))
        return [StoredBlock._make((*row[:4], self.moment_text(row[4]))) for row in rows]

    def _plain(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """The column, with ids and times as text; SQLite keeps them so."""
        if self.is_embedded:
            return column
        if isinstance(column.type, Uuid):
            return cast(column, String)
        return cast(func.timezone("UTC", column), String) if isinstance(column.type, Instant) else column

    def _rows(self, query: Select[Any]) -> list[Any]:
        return list(self._session.connection().execute(query).cursor.fetchall())
