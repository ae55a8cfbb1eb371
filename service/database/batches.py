"""Many things written, each for itself: the fault of one is never another's."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.database.engine import Database, RaceLost

Given = TypeVar("Given")
Done = TypeVar("Done")
TOGETHER = 100


def each(
    database: Database,
    given: Sequence[Given],
    work: Callable[[Session, Given], Done],
    *,
    faults: tuple[type[Exception], ...],
) -> list[Done | Exception]:
    """What work makes of each of these, in their order, or why one of them was refused.

    On SQLite, a hundred share a transaction while all goes well. On PostgreSQL each has its own, since one that holds
    many customers would break the order of locks and keep checkouts waiting. A database that is away is raised, and so
    is what should not happen; what came before it stays.
    """
    if not database.is_sqlite:
        return [_alone(database, one, work, faults) for one in given]
    done: list[Done | Exception] = []
    for start in range(0, len(given), TOGETHER):
        part = given[start : start + TOGETHER]
        try:
            done += _together(database, part, work, faults)
        except (DBAPIError, RaceLost):  # by one of them, and nothing of the others was written
            done += [_alone(database, one, work, faults) for one in part]
    return done


def _alone(
    database: Database, one: Given, work: Callable[[Session, Given], Done], faults: tuple[type[Exception], ...]
) -> Done | Exception:
    refusals: tuple[type[Exception], ...] = (*faults, RaceLost)
    try:
        return database.write(lambda session: work(session, one))
    except refusals as error:
        return error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return error


def _together(
    database: Database,
    given: Sequence[Given],
    work: Callable[[Session, Given], Done],
    faults: tuple[type[Exception], ...],
) -> list[Done | Exception]:
    def all_of_them(session: Session) -> list[Done | Exception]:
        done: list[Done | Exception] = []
        for one in given:
            try:
                with session.begin_nested():
                    made = work(session, one)
            except faults as error:
                done.append(error)
            else:
                done.append(made)
        return done

    return database.write(all_of_them)
