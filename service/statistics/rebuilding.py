"""Making the numbers anew: each entry from what it is about, then each total from the entries and the visits.

On a sound database it changes nothing. While it makes entries the service and the worker go on; while it sums them up,
the worker waits.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, tzinfo
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, select, tuple_
from sqlalchemy.orm import Session

from service.conversions.tables.conversions import Conversion
from service.events import events
from service.events.kinds import Subject
from service.links.tables import Link
from service.links.visits import Visit
from service.merchants import keys, retention
from service.rewards.tables.adjustments import Adjustment
from service.rewards.tables.redemptions import Redemption
from service.statistics import rolling, storage
from service.statistics.following import VISITORS_AT_ONCE
from service.statistics.tables import TOTALS, EntryRow, FreshVisit, VisitorDay
from service.statistics.tallies import (
    KEYS,
    MEASURES,
    VISITORS,
    VISITS,
    Key,
    Rollup,
    Tallies,
    tally,
    visits_on,
    without_zeros,
)

STEP = 500
DAY = KEYS[Rollup.DAILY].index("day")
READ_AT_ONCE = 5_000
IDS: Mapping[Subject, Any] = {
    Subject.LINK: Link.link_id,
    Subject.CONVERSION: Conversion.conversion_id,
    Subject.REDEMPTION: Redemption.redemption_id,
    Subject.ADJUSTMENT: Adjustment.adjustment_id,
}
"""Where each subject's id stands."""

Progress = Callable[[int], object]
"""Called with how many more of what `size` counts are done."""


Visitors = set[tuple[date, bytes]]
Made = tuple[int, UUID | None]
"""How many subjects' entries were made anew, and the last of them."""


def size(session: Session, merchant_id: UUID) -> int:
    """How much there is to be done, for who watches."""
    counted = [
        select(func.count()).select_from(column.class_).where(column.class_.merchant_id == merchant_id)
        for column in (*IDS.values(), EntryRow.subject_id, Visit.link_id)
    ]
    return sum(session.scalar(query) or 0 for query in counted)


def steps(write: Callable[[Callable[[Session], Made]], Made], merchant_id: UUID) -> Iterator[int]:
    """Make every entry anew, a transaction of `write` at a time. Yields how many subjects each was about."""
    for subject in IDS:
        done, last = write(partial(_make_some, merchant_id=merchant_id, subject=subject, after=None))
        while done:
            yield done
            done, last = write(partial(_make_some, merchant_id=merchant_id, subject=subject, after=last))


def _make_some(session: Session, merchant_id: UUID, subject: Subject, after: UUID | None) -> Made:
    """Make the entries of the next subjects behind this one anew."""
    rolling.hold(session, merchant_id)
    column = IDS[subject]
    query = select(column).where(column.class_.merchant_id == merchant_id).order_by(column).limit(STEP)
    ids = session.scalars(query if after is None else query.where(column > after)).all()
    if not ids:
        return 0, after
    subjects: dict[Subject, set[UUID]] = {**{other: set() for other in Subject}, subject: set(ids)}
    change = rolling.change_of(session, merchant_id, subjects, rolling.zone_of(session, merchant_id))
    rolling.apply(session, merchant_id, change)
    return len(ids), ids[-1]


def change_time_zone(session: Session, merchant_id: UUID, time_zone: str, progress: Progress) -> None:
    """Let the merchant's days be those of another zone, in one transaction. Raises BadValues."""
    keys.change_merchant(session, merchant_id, time_zone=time_zone)

    def here(work: Callable[[Session], Made]) -> Made:
        return work(session)

    for done in steps(here, merchant_id):
        progress(done)
    mend_totals(session, merchant_id, progress)


def mend_totals(session: Session, merchant_id: UUID, progress: Progress) -> list[tuple[Rollup, Key]]:
    """Make every total the sum of its entries and its visits. Returns those that were not."""
    events.hold(session, merchant_id, rolling.READER)
    _drop_strays(session, merchant_id)
    right: Tallies = {}
    for rows in _entries(session, merchant_id):
        tally((storage.entry_of(row) for row in rows), right)
        progress(len(rows))
    _count_visits(session, merchant_id, rolling.zone_of(session, merchant_id), right, progress)
    first_visits = retention.visits_from(session, merchant_id)
    wrong = _taken_from(right, _stored(session, merchant_id), first_visits)
    storage.add(session, merchant_id, wrong)
    return sorted(wrong, key=str)


def _entries(session: Session, merchant_id: UUID) -> Iterator[Sequence[Any]]:
    query = select(EntryRow.__table__).where(EntryRow.merchant_id == merchant_id)
    yield from session.execute(query.execution_options(yield_per=READ_AT_ONCE)).partitions()


def _drop_strays(session: Session, merchant_id: UUID) -> None:
    """Entries of what there is not."""
    e = EntryRow
    known = [
        select(column).where(column.class_.merchant_id == merchant_id, column == e.subject_id).exists()
        for column in IDS.values()
    ]
    gone = delete(e).where(e.merchant_id == merchant_id, *(~there for there in known))
    session.execute(gone, execution_options={"synchronize_session": False})


def _stored(session: Session, merchant_id: UUID) -> Iterator[tuple[tuple[Rollup, Key], list[int]]]:
    for rollup, table in TOTALS.items():
        keys, measures = KEYS[rollup], MEASURES[rollup]
        query = select(*(table.c[name] for name in (*keys, *measures))).where(table.c.merchant_id == merchant_id)
        for row in session.execute(query.execution_options(yield_per=READ_AT_ONCE)):
            yield (rollup, tuple(row[: len(keys)])), list(row[len(keys) :])


def _taken_from(right: Tallies, stored: Iterable[tuple[tuple[Rollup, Key], list[int]]], first_visits: date) -> Tallies:
    """What is missing in what is stored; signed. first_visits: before that day visits are gone, and stay as counted."""
    for key, kept in stored:
        wanted = right.setdefault(key, [0] * len(kept))
        day = key[1][DAY] if key[0] is Rollup.DAILY else None
        if isinstance(day, date) and day < first_visits:
            wanted[VISITS], wanted[VISITORS] = kept[VISITS], kept[VISITORS]
        right[key] = [should - does for should, does in zip(wanted, kept, strict=True)]
    return without_zeros(right)


def _count_visits(session: Session, merchant_id: UUID, zone: tzinfo, into: Tallies, progress: Progress) -> None:
    """Count all visits that were ever rolled up, and see to it that each visitor of a day is kept."""
    differing: list[tuple[UUID, Visitors, Visitors]] = []
    kept = groupby(_kept_visitors(session, merchant_id), key=lambda row: row.link_id)
    rolled = groupby(_rolled_visits(session, merchant_id), key=lambda row: row.link_id)
    for link_id, known, visits in _side_by_side(kept, rolled):
        before = {(row.day, row.visitor) for row in known}
        after = _count_link(visits, zone, into)
        progress(len(visits))
        if before != after:
            differing.append((link_id, before, after))
    for link_id, before, after in differing:
        _mend_visitors(session, merchant_id, link_id, before, after)


def _side_by_side(
    left: Iterator[tuple[UUID, Iterator[Any]]], right: Iterator[tuple[UUID, Iterator[Any]]]
) -> Iterator[tuple[UUID, list[Any], list[Any]]]:
    """(key, what the left has of it, what the right has) of groups that both come in the order of their keys."""
    of_left = next(left, None)
    of_right = next(right, None)
    while of_left is not None or of_right is not None:
        key = min(group[0] for group in (of_left, of_right) if group is not None)
        here: list[Any] = []
        there: list[Any] = []
        if of_left is not None and of_left[0] == key:
            here = list(of_left[1])
            of_left = next(left, None)
        if of_right is not None and of_right[0] == key:
            there = list(of_right[1])
            of_right = next(right, None)
        yield key, here, there


def _count_link(visits: Sequence[Any], zone: tzinfo, into: Tallies) -> Visitors:
    days = [(visit.visited_at.astimezone(zone).date(), visit.visitor) for visit in visits]
    seen = set(days)
    by_day, visitors = Counter(day for day, _ in days), Counter(day for day, _ in seen)
    for day, number in by_day.items():
        link = visits[0]
        visits_on(day, link.program_id, link.channel, visits=number, visitors=visitors[day], into=into)
    return seen


def _mend_visitors(session: Session, merchant_id: UUID, link_id: UUID, before: Visitors, after: Visitors) -> None:
    v = VisitorDay
    surplus = sorted(before - after)
    for start in range(0, len(surplus), VISITORS_AT_ONCE):
        some = surplus[start : start + VISITORS_AT_ONCE]
        gone = delete(v).where(v.merchant_id == merchant_id, v.link_id == link_id, tuple_(v.day, v.visitor).in_(some))
        session.execute(gone, execution_options={"synchronize_session": False})
    if missing := sorted(after - before):
        named = {"merchant_id": merchant_id, "link_id": link_id}
        session.execute(insert(v), [{**named, "day": day, "visitor": visitor} for day, visitor in missing])


def _rolled_visits(session: Session, merchant_id: UUID) -> Iterator[Any]:
    v, f = Visit, FreshVisit
    same = and_(f.merchant_id == v.merchant_id, f.link_id == v.link_id, f.hour == v.hour, f.visitor == v.visitor)
    query = (
        select(v.link_id, v.visitor, v.visited_at, Link.program_id, Link.channel)
        .join(Link, and_(Link.merchant_id == v.merchant_id, Link.link_id == v.link_id))
        .where(v.merchant_id == merchant_id, ~select(f.link_id).where(same).exists())
        .order_by(v.link_id)
    )
    yield from session.execute(query.execution_options(yield_per=READ_AT_ONCE))


def _kept_visitors(session: Session, merchant_id: UUID) -> Iterator[Any]:
    v = VisitorDay
    query = select(v.link_id, v.day, v.visitor).where(v.merchant_id == merchant_id).order_by(v.link_id)
    yield from session.execute(query.execution_options(yield_per=READ_AT_ONCE))
