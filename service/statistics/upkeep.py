"""What time asks of the numbers: that what happened is rolled up."""

import logging
from datetime import datetime
from functools import partial

from sqlalchemy.exc import DBAPIError

from service.database.engine import Database
from service.statistics import rolling

log = logging.getLogger("orchard.statistics")


def roll_up(database: Database, _now: datetime) -> int:
    """Put what happened to every merchant into the totals. Brings nobody up to date: 0."""
    with database.reading() as session:
        waiting = rolling.merchants_behind(session)
    for merchant_id in sorted(waiting):
        try:
            for step in (rolling.roll_up, rolling.roll_up_visits):
                while database.write(partial(step, merchant_id=merchant_id)):
                    pass
        except DBAPIError as error:
            if error.connection_invalidated:
                raise
            log.error("the numbers of %s are left to the next round: %s", merchant_id, type(error.orig).__name__)
    return 0
