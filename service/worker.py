"""One round of what time does, for all merchants, and what takes longer beside it.

Answers are right without it, but for the proof of large books, which it makes; it keeps the books current.
"""

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Thread
from typing import NoReturn

import psycopg
import structlog
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from service import signs
from service.books.upkeep import seal_books, seal_records
from service.books.verifications import verify_asked
from service.dashboard.upkeep import forget_sessions
from service.database.engine import Database, RaceLost
from service.database.release import Outdated
from service.events.upkeep import place_events
from service.links.upkeep import ask_for_domains, forget_visitor_keys, prepare_partitions
from service.merchants.upkeep import forget_old
from service.rewards.upkeep import catch_up_everybody
from service.sharing.upkeep import forget_share_pages
from service.statistics.upkeep import forget_visits, roll_up
from service.turns import Turns

log = structlog.get_logger("orchard.worker")
Job = Callable[[Database, datetime], int]
"""job(database, now) -> how many customers it brought up to date."""

JOBS: tuple[Job, ...] = (
    forget_visitor_keys,  # before all that might fail
    prepare_partitions,
    catch_up_everybody,
    seal_books,
    seal_records,
    place_events,
    roll_up,
    forget_visits,  # once they are counted
    ask_for_domains,
    forget_old,
    forget_sessions,
    forget_share_pages,
)


BESIDE: tuple[Job, ...] = (verify_asked,)
"""What may take minutes, beside the rounds."""

ENDING = (signal.SIGTERM, signal.SIGINT)


def round_of_upkeep(database: Database, *, now: datetime) -> int:
    """Do every job once, in their order. Returns how many customers were brought up to date."""
    return sum(job(database, now) for job in JOBS)


def whole_round(database: Database) -> int:
    """One round of now and all that is done beside. Returns how many customers were behind."""
    done = logged_round(database)
    _beside(database)
    return done


def logged_round(database: Database) -> int:
    """One round of now, with a line in the log that says what it did. Returns how many customers were behind."""
    done = round_of_upkeep(database, now=datetime.now(UTC))
    log.info("round", customers=done)
    return done


def rounds(database: Database, *, every_seconds: int) -> None:
    """Rounds until this process is told to end, which it then does at once: what was under way is undone.

    A database that goes away, or is not there yet, is waited for; one that a later release has made its own is raised.
    """
    for number in ENDING:  # process 1 gets none that it does not ask for
        signal.signal(number, _end)
    signs.leave("worker", every_seconds=every_seconds)
    heart = signs.Heart()
    database.tell_of_use(heart.beat)
    database.watch(Turns(1))
    beside = _Beside(database, every_seconds)
    beside.start()
    try:
        while True:
            _tried(partial(logged_round, database), database, every_seconds=every_seconds)
            beside.raise_what_ended_it()
            heart.beat()
            time.sleep(every_seconds)
    finally:
        signs.take_away("worker")


def _beside(database: Database) -> None:
    for job in BESIDE:
        job(database, datetime.now(UTC))


class _Beside(Thread):
    """What may take minutes, again and again, until this process ends. Where it dies, so does the process."""

    def __init__(self, database: Database, every_seconds: int) -> None:
        super().__init__(daemon=True)
        self._work = partial(_tried, partial(_beside, database), database, every_seconds=every_seconds)
        self._every_seconds = every_seconds
        self._error: Exception | None = None

    def run(self) -> None:
        """Go on until something ends it."""
        try:
            while True:
                self._work()
                time.sleep(self._every_seconds)
        except Exception as error:  # for whoever asks, who is another thread
            self._error = error

    def raise_what_ended_it(self) -> None:
        """Raise what ended it, if anything did."""
        if self._error is not None:
            raise self._error


def _tried(work: Callable[[], object], database: Database, *, every_seconds: int) -> None:
    try:
        work()
    except (SQLAlchemyError, psycopg.Error, RaceLost) as error:
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, Outdated):
            raise
        # What a database says of values would say them here; of itself, it says what an operator needs.
        why = {"reason": str(cause).strip().partition("\n")[0]} if isinstance(error, OperationalError) else {}
        log.error("round failed", error=type(cause).__name__, **why, next_round_in_seconds=every_seconds)
        database.dispose()  # what is pooled may be as dead


def _end(_number: int, _frame: object) -> NoReturn:
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # once is enough
    log.info("ending")
    raise SystemExit(0)
