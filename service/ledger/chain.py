"""The chain of blocks over the journal: what is in one can no longer be changed unseen.

Blocks are sealed by a worker, never by those who post. Source: length-prefixed records in a hash chain, as in
certificate transparency logs; docs/auditors.md has the encoding.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from service.ledger import scan
from service.ledger.encoding import block_hash, genesis, moment
from service.ledger.tables import block_table, seal_table, unsealed_table

LARGEST_BLOCK = 1_000
"""Transactions in a block: few enough that sealing holds its locks for an instant."""

_b, _u = block_table.c, unsealed_table.c


@dataclass(frozen=True, slots=True)
class Block:
    """A sealed stretch of the journal. hash: of all of it, and of all blocks before. transactions: how many."""

    number: int
    hash: bytes
    transactions: int
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """The hash of a block, kept away from the books; number: which block that was, if that was kept too."""

    hash: bytes
    number: int | None = None


HEAD = re.compile(r"(?:([0-9]{1,9}):)?([0-9a-fA-F]{64})")
"""How a head is written: the block's number, a colon, the hash; or the hash alone."""


def head_of(text: str) -> Head:
    """The head that is written so. Raises ValueError."""
    written = HEAD.fullmatch(text)
    if written is None:
        raise ValueError("A head is 64 hexadecimal digits, with the block's number and a colon before them.")
    return Head(bytes.fromhex(written[2]), int(written[1]) if written[1] else None)


def merchants_with_unsealed(session: Session) -> Sequence[UUID]:
    """The merchants who have transactions to be sealed."""
    return session.scalars(select(_u.merchant_id).distinct()).all()


def newest_block(session: Session, merchant_id: UUID) -> Block | None:
    """The merchant's newest block, or None before the first one."""
    query = select(block_table).where(_b.merchant_id == merchant_id).order_by(_b.number.desc()).limit(1)
    row = session.execute(query).one_or_none()
    return None if row is None else Block(row.number, bytes(row.hash), row.transactions, row.sealed_at)


def seal_next_block(session: Session, merchant_id: UUID, *, now: datetime) -> Block | None:
    """Seal the merchant's oldest waiting transactions into one block; None if none wait.

    A transaction whose content is not what was posted is left out: the audit names it.
    Of two that seal at once, one waits for the other, or violates the key of `block` and is to try again.
    """
    digests = _oldest_sound(session, merchant_id)
    if not digests:
        return None
    last = newest_block(session, merchant_id)
    number, previous = (last.number + 1, last.hash) if last else (1, genesis(str(merchant_id)))
    block = Block(number, block_hash(previous, number, moment(now), list(digests.values())), len(digests), now)
    link = {"merchant_id": merchant_id, "number": number, "previous": previous, "hash": block.hash}
    session.execute(insert(block_table), {**link, "transactions": block.transactions, "sealed_at": now})
    of_block = {"merchant_id": merchant_id, "block": number}
    session.execute(
        insert(seal_table), [{**of_block, "transaction_id": name, "digest": one} for name, one in digests.items()]
    )
    session.execute(delete(unsealed_table).where(_u.merchant_id == merchant_id, _u.transaction_id.in_(list(digests))))
    return block


def _oldest_sound(session: Session, merchant_id: UUID) -> dict[UUID, bytes]:
    """transaction -> digest, of the oldest ones that wait and can be sealed, in the order of their ids; locked."""
    query = select(_u.transaction_id).where(_u.merchant_id == merchant_id).order_by(_u.transaction_id)
    waiting = session.scalars(query.limit(LARGEST_BLOCK).with_for_update()).all()
    while waiting:
        if digests := dict(_digests(session, merchant_id, waiting)):
            return digests
        later = query.where(_u.transaction_id > waiting[-1])
        waiting = session.scalars(later.limit(LARGEST_BLOCK).with_for_update()).all()
    return {}


def _digests(session: Session, merchant_id: UUID, names: Sequence[UUID]) -> Iterator[tuple[UUID, bytes]]:
    """(id, digest) of the sound ones of these transactions, in the order of their ids."""
    for entry in scan.entries_of(session, merchant_id, names):
        if entry.lines and entry.content() == entry.fingerprint:
            yield UUID(entry.transaction_id), entry.to_be_sealed()
