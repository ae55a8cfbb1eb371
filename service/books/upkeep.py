"""What time asks of the books: what was posted is sealed into blocks, behind the hot path."""

import logging
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.books import sealing
from service.database.engine import Database
from service.ledger import proof

log = logging.getLogger("orchard.books")


def seal_books(database: Database, _now: datetime) -> int:
    """Seal what was posted into blocks, each at its own time. Brings nobody up to date: 0.

    The log keeps each head, away from the books. Books that cannot be sealed now do not keep others from it.
    """
    with database.reading() as session:
        waiting = proof.merchants_with_unsealed(session)
    for merchant_id in waiting:
        try:
            while block := database.write(partial(_seal_next, merchant_id=merchant_id)):
                log.info("sealed block %d of %s: head %s", block.number, merchant_id, block.hash.hex())
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            log.error("the books of %s are left to the next round: %s", merchant_id, type(error.orig).__name__)
    return 0


def seal_records(database: Database, _now: datetime) -> int:
    """Seal digests of orders and redemptions into blocks, as `seal_books` does with what was posted."""
    with database.reading() as session:
        waiting = sealing.merchants_with_unsealed(session)
    for merchant_id in waiting:
        try:
            while database.write(partial(_seal_next_records, merchant_id=merchant_id)):
                pass
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            log.error("the records of %s are left to the next round: %s", merchant_id, type(error.orig).__name__)
    return 0


def _seal_next_records(session: Session, *, merchant_id: UUID) -> bool:
    return sealing.seal_next_block(session, merchant_id, now=datetime.now(UTC)) is not None


def _seal_next(session: Session, *, merchant_id: UUID) -> proof.Block | None:
    return proof.seal_next_block(session, merchant_id, now=datetime.now(UTC))
