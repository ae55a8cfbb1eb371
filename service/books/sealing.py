"""Digests of orders and redemptions, sealed into a chain behind the hot path, and what it finds.

The books prove themselves; what the business keeps besides (the amount of an order that earned nothing, say) is proved
by these. A change of ours marks its record, and the next round seals it anew; a change behind our back does not.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.books.digests import VERSION, digests
from service.books.tables import RecordBlock, RecordNoun, RecordSeal
from service.conversions.tables import conversions
from service.conversions.tables.conversions import Conversion
from service.database.writing import write_now
from service.rewards.tables import redemptions
from service.rewards.tables.redemptions import Redemption

LARGEST_BLOCK = 500
"""Records of a kind in a block: few enough that sealing holds their rows for an instant."""

MarkSealed = Callable[[Session, UUID, Sequence[UUID]], None]
RECORDS: dict[RecordNoun, tuple[type[Conversion | Redemption], InstrumentedAttribute[UUID], MarkSealed]] = {
    "conversion": (Conversion, Conversion.conversion_id, conversions.mark_sealed),
    "redemption": (Redemption, Redemption.redemption_id, redemptions.mark_sealed),
}


Sealed = tuple[RecordNoun, UUID, bytes]
"""(noun, record, digest)"""


def merchants_with_unsealed(session: Session) -> Sequence[UUID]:
    """The merchants who have records to be sealed."""
    found: set[UUID] = set()
    for table, _, _ in RECORDS.values():
        found.update(session.scalars(select(table.merchant_id).where(~table.is_sealed).distinct()))
    return sorted(found)


def seal_next_block(session: Session, merchant_id: UUID, *, now: datetime) -> RecordBlock | None:
    """Seal the merchant's oldest waiting records into one block; None if none wait.

    Of two that seal at once, one violates the key of `record_block` and is to try again.
    """
    sealed: list[Sealed] = []
    for noun, (table, record_id, mark_sealed) in RECORDS.items():
        # what others hold now waits for the next round: nobody waits for a seal
        waiting = select(record_id).where(table.merchant_id == merchant_id, ~table.is_sealed).order_by(record_id)
        ids = session.scalars(waiting.limit(LARGEST_BLOCK).with_for_update(key_share=True, skip_locked=True)).all()
        sealed += [(noun, one, digest) for one, digest in sorted(digests(session, merchant_id, noun, ids).items())]
        mark_sealed(session, merchant_id, ids)
    if not sealed:
        return None
    last = session.scalar(_blocks(merchant_id).order_by(None).order_by(RecordBlock.number.desc()).limit(1))
    number, previous = (last.number + 1, last.hash) if last else (1, _genesis(merchant_id))
    block = RecordBlock(
        merchant_id=merchant_id,
        number=number,
        hash=_chained(previous, number, now, sealed),
        sealed_at=now,
    )
    write_now(session, block)
    session.add_all(
        RecordSeal(
            merchant_id=merchant_id, noun=noun, record_id=record_id, block=number, version=VERSION, digest=digest
        )
        for noun, record_id, digest in sealed
    )
    return block


def problems(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Every break of the chain, and every record that is not what was sealed, in words."""
    yield from _broken_blocks(session, merchant_id)
    for noun in RECORDS:
        yield from _changed_records(session, merchant_id, noun)
        yield from _lost_records(session, merchant_id, noun)


def _broken_blocks(session: Session, merchant_id: UUID) -> Iterator[str]:
    r, previous, expected = RecordSeal, _genesis(merchant_id), 1
    seals = select(r.block, r.noun, r.record_id, r.digest).where(r.merchant_id == merchant_id)
    seals = seals.order_by(r.block, r.noun, r.record_id).execution_options(yield_per=LARGEST_BLOCK)
    rows = session.execute(seals)
    by_block = groupby(rows, key=lambda seal: seal.block)
    of_block = next(by_block, None)
    for block in session.scalars(_blocks(merchant_id).execution_options(yield_per=LARGEST_BLOCK)):
        listed: list[Sealed] = []
        if of_block is not None and of_block[0] == block.number:
            listed = [(seal.noun, seal.record_id, bytes(seal.digest)) for seal in of_block[1]]
            of_block = next(by_block, None)
        if block.number != expected or _chained(previous, block.number, block.sealed_at, listed) != bytes(block.hash):
            yield f"record block {block.number} is not what was sealed"
        previous, expected = bytes(block.hash), block.number + 1
    rows.close()


def _changed_records(session: Session, merchant_id: UUID, noun: RecordNoun) -> Iterator[str]:
    table, record_id, _ = RECORDS[noun]
    query = select(record_id).where(table.merchant_id == merchant_id, table.is_sealed).order_by(record_id)
    batch = session.scalars(query.limit(LARGEST_BLOCK)).all()
    while batch:
        sealed, now = _newest_seals(session, merchant_id, batch), digests(session, merchant_id, noun, batch)
        for one in batch:
            if sealed.get(one) != (VERSION, now.get(one)):
                yield f"{noun} {one} is not what was sealed"
        batch = session.scalars(query.where(record_id > batch[-1]).limit(LARGEST_BLOCK)).all()


def _newest_seals(session: Session, merchant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, tuple[int, bytes]]:
    s = RecordSeal
    query = select(s.record_id, s.version, s.digest).where(s.merchant_id == merchant_id, s.record_id.in_(ids))
    rows = session.execute(query.order_by(s.block))
    return {record_id: (version, bytes(digest)) for record_id, version, digest in rows}


def _lost_records(session: Session, merchant_id: UUID, noun: RecordNoun) -> Iterator[str]:
    table, record_id, _ = RECORDS[noun]
    there = exists().where(table.merchant_id == merchant_id, record_id == RecordSeal.record_id)
    query = select(RecordSeal.record_id).where(RecordSeal.merchant_id == merchant_id, RecordSeal.noun == noun, ~there)
    for lost in session.scalars(query.distinct()):
        yield f"{noun} {lost} was sealed, and is gone"


def _blocks(merchant_id: UUID) -> Select[tuple[RecordBlock]]:
    return select(RecordBlock).where(RecordBlock.merchant_id == merchant_id).order_by(RecordBlock.number)


def _genesis(merchant_id: UUID) -> bytes:
    return hashlib.sha256(f"orchard records {merchant_id}".encode()).digest()


def _chained(previous: bytes, number: int, sealed_at: datetime, listed: Sequence[Sealed]) -> bytes:
    lines = [f"{noun} {record_id} {digest.hex()}" for noun, record_id, digest in listed]
    fields = (previous.hex(), str(number), sealed_at.astimezone(UTC).isoformat(), *lines)
    return hashlib.sha256("\n".join(fields).encode()).digest()
