"""One round of what time does, for all merchants. Answers are right without it; it keeps the books current."""

import logging
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service import ledger
from service.referrals import customers, upkeep
from service.storage import idempotency, redemptions, rewards, visits
from service.storage.database import Database

log = logging.getLogger("orchard.work")
BATCH = 500
ANSWERS_KEPT_FOR = timedelta(days=2)


def round_of_upkeep(database: Database, *, now: datetime) -> int:
    """Bring every customer with something due up to date, each in a transaction of their own. Returns how many."""
    with database.engine.begin() as connection:
        visits.prepare_partitions(connection, now=now)
    done, failed = 0, set[tuple[UUID, str]]()
    while due := _due(database, now) - failed:
        for merchant_id, customer_id in due:
            try:
                database.write(partial(_catch_up, merchant_id=merchant_id, customer_id=customer_id, now=now))
                done += 1
            except DBAPIError as error:
                failed.add((merchant_id, customer_id))
                log.error("a customer of %s is left for the next round: %s", merchant_id, type(error.orig).__name__)
    _seal(database)
    database.write(lambda session: idempotency.forget_before(session, now - ANSWERS_KEPT_FOR))
    return done


def _seal(database: Database) -> None:
    """Seal what was posted into blocks, each at its own time. The log keeps each head, away from the books."""
    with database.reading() as session:
        waiting = ledger.waiting(session)
    for merchant_id in waiting:
        try:
            while block := database.write(partial(_seal_next, merchant_id=merchant_id)):
                log.info("sealed block %d of %s: head %s", block.number, merchant_id, block.hash.hex())
        except DBAPIError as error:
            log.error(
                "the books of %s are left to be sealed in the next round: %s", merchant_id, type(error.orig).__name__
            )


def _seal_next(session: Session, *, merchant_id: UUID) -> ledger.Block | None:
    return ledger.seal(session, merchant_id, now=datetime.now(UTC))


def _due(database: Database, now: datetime) -> set[tuple[UUID, str]]:
    with database.reading() as session:
        ripe = rewards.customers_with_due(session, now=now, limit=BATCH)
        stale = redemptions.customers_with_stale(session, now=now, limit=BATCH)
        return {*ripe, *stale}


def _catch_up(session: Session, *, merchant_id: UUID, customer_id: str, now: datetime) -> None:
    upkeep.catch_up(session, merchant_id, customers.lock(session, merchant_id, customer_id), now=now)
