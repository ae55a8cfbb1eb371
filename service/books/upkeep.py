"""What time asks of the books: what was posted is sealed into blocks, behind the hot path."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.books import sealing
from service.books.tables import RecordBlock
from service.database.engine import Database
from service.ledger import proof

log = logging.getLogger("orchard.books")


def seal_books(database: Database, _now: datetime) -> int:
    """Seal what was posted into blocks, each at its own time. Brings nobody up to date: 0.

    The log keeps each head, away from the books. Books that cannot be sealed now do not keep others from it.
    """
    _seal(database, "block", proof.merchants_with_unsealed, proof.seal_next_block)
    return 0


def seal_records(database: Database, _now: datetime) -> int:
    """Seal digests of orders and redemptions, as `seal_books` does with what was posted."""
    _seal(database, "record block", sealing.merchants_with_unsealed, sealing.seal_next_block)
    return 0


def _seal(
    database: Database,
    noun: str,
    merchants_with_unsealed: Callable[[Session], Sequence[UUID]],
    seal_next: Callable[..., proof.Block | RecordBlock | None],
) -> None:
    def seal_one(session: Session, *, merchant_id: UUID) -> proof.Block | RecordBlock | None:
        return seal_next(session, merchant_id, now=datetime.now(UTC))

    with database.reading() as session:
        waiting = merchants_with_unsealed(session)
    for merchant_id in waiting:
        try:
            while block := database.write(partial(seal_one, merchant_id=merchant_id)):
                log.info("sealed %s %d of %s: head %s", noun, block.number, merchant_id, block.hash.hex())
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            what = type(error.orig).__name__
            log.error("the %ss of %s are left to the next round: %s", noun, merchant_id, what)
