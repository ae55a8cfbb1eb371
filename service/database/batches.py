"""Many things written, each for itself: the fault of one is never another's."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy.orm import Session

from service.database.engine import Database

Item = TypeVar("Item")
Done = TypeVar("Done")
TOGETHER = 100


def each(
    database: Database,
    items: Sequence[Item],
    work: Callable[[Session, Item], Done],
    *,
    faults: tuple[type[Exception], ...],
) -> list[Done | Exception]:
    """What work makes of each of these, in their order, or the fault for which one of them is refused.

    On SQLite, a hundred share a transaction. On PostgreSQL each has its own, since one that holds many customers would
    break the order of locks and keep checkouts waiting. What is no such fault is raised; what came before it stays.
    """
    if database.is_sqlite:
        parts = [items[start : start + TOGETHER] for start in range(0, len(items), TOGETHER)]
        return [one for part in parts for one in _together(database, part, work, faults)]
    done: list[Done | Exception] = []
    for item in items:
        try:
            done.append(_alone(database, item, work))
        except faults as error:
            done.append(error)
    return done


def _alone(database: Database, item: Item, work: Callable[[Session, Item], Done]) -> Done:
    return database.write(lambda session: work(session, item), pipelined=True)


def _together(
    database: Database,
    items: Sequence[Item],
    work: Callable[[Session, Item], Done],
    faults: tuple[type[Exception], ...],
) -> list[Done | Exception]:
    def all_of_them(session: Session) -> list[Done | Exception]:
        done: list[Done | Exception] = []
        for item in items:
            try:
                with session.begin_nested():
                    done.append(work(session, item))
            except faults as error:
                done.append(error)
        return done

    return database.write(all_of_them)
