"""What time asks of the numbers: that what happened is rolled up, and that visits go once they are counted."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from service.database.engine import Database, is_lock_timeout
from service.links import partitions
from service.merchants import retention
from service.merchants.retention import Due
from service.statistics import following, rolling

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


def forget_visits(database: Database, now: datetime) -> int:
    """Drop visits that merchants keep no longer, once they are counted. Brings nobody up to date: 0.

    First it is noted from which day on there are visits, so that nobody counts anew what is about to go. Then, on
    PostgreSQL, months that nobody keeps any of go whole, and what is left of the others row by row.
    """
    with database.reading() as session:
        kept = retention.all_kept_from(session, now=now)
    behind = [one for one in kept if one.first_day > one.visits_from]
    if not behind:
        return 0
    marked = [one for one in behind if _is_done(database, one, partial(following.mark_gone, one=one))]
    _drop_months(database, min(one.visits_begin for one in kept))
    for one in marked:
        _is_done(database, one, partial(following.forget_some, one=one))
    return 0


def _is_done(database: Database, one: Due, step: Callable[[Session], bool | None]) -> bool:
    """Run this step of a merchant until it says whether it is done. What fails for one keeps no other waiting."""
    try:
        done = database.write(step)
        while done is None:
            done = database.write(step)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        log.error("the visits of %s are left to the next round: %s", one.merchant_id, type(error.orig).__name__)
        return False
    return done


def _drop_months(database: Database, before: datetime) -> None:
    """Drop the months before this time, where all of them is counted. Where somebody reads, rows go one by one."""
    with database.reading() as session:
        if following.has_uncounted(session, before=before):
            return
    try:
        with database.engine.begin() as connection:
            partitions.drop_partitions(connection, before=before)
    except OperationalError as error:
        if not is_lock_timeout(error):
            raise
        log.warning("months of visits do not go whole: somebody reads them")
