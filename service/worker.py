"""One round of what time does, for all merchants. Answers are right without it; it keeps the books current."""

from collections.abc import Callable
from datetime import datetime

from service.books.upkeep import seal_books
from service.database.engine import Database
from service.links.upkeep import prepare_partitions
from service.rewards.upkeep import catch_up_everybody
from service.web.upkeep import forget_answers

Job = Callable[..., int]
"""job(database, now=...) -> how many customers it brought up to date."""

JOBS: tuple[Job, ...] = (prepare_partitions, catch_up_everybody, seal_books, forget_answers)


def round_of_upkeep(database: Database, *, now: datetime) -> int:
    """Do every job once, in their order. Returns how many customers were brought up to date."""
    return sum(job(database, now=now) for job in JOBS)
