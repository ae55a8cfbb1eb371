"""What time asks of merchants: that they keep nothing longer than they chose."""

import logging
from datetime import datetime
from functools import partial

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.events import events
from service.merchants import retention
from service.merchants.retention import Due
from service.web import answers

log = logging.getLogger("orchard.merchants")


def forget_old(database: Database, now: datetime) -> int:
    """Drop events and answers that are too old, once a day for each merchant. Brings nobody up to date: 0."""
    with database.reading() as session:
        due = retention.due(session, now=now)
    for one in due:
        try:
            while database.write(partial(events.forget_some, merchant_id=one.merchant_id, moment=one.events)):
                pass
            database.write(partial(_forget, one=one, now=now))
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            log.error("old things of %s are left to the next round: %s", one.merchant_id, type(error.orig).__name__)
    return 0


def _forget(session: Session, one: Due, now: datetime) -> None:
    answers.forget_before(session, one.merchant_id, one.answers)
    retention.forgotten(session, one.merchant_id, now=now)
