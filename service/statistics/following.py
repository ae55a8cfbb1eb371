"""Visits as the numbers see them: counted once each, and each visitor of a link once a day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from uuid import UUID

from sqlalchemy import and_, delete, insert, select, tuple_
from sqlalchemy.orm import Session

from service.database.among import among
from service.links.tables import Link
from service.links.visits import Visit
from service.merchants import retention
from service.merchants.retention import Due
from service.statistics.tables import FreshVisit, VisitorDay
from service.statistics.tallies import Tallies, visits_on

VISITORS_AT_ONCE = 1_000
VISITS_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A visit that no total has yet."""

    link_id: UUID
    hour: datetime
    visitor: bytes
    visited_at: datetime
    program_id: UUID
    channel: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What visits add to the totals, and whom they let be counted: (link, day, visitor)."""

    tallies: Tallies
    visitors: Sequence[tuple[UUID, date, bytes]]


def fresh(session: Session, merchant_id: UUID, *, limit: int) -> list[Seen]:
    """Visits that no total has yet."""
    f, v = FreshVisit, Visit
    same = and_(v.merchant_id == f.merchant_id, v.link_id == f.link_id, v.hour == f.hour, v.visitor == f.visitor)
    query = (
        select(f.link_id, f.hour, f.visitor, v.visited_at, Link.program_id, Link.channel)
        .join(v, same)
        .join(Link, and_(Link.merchant_id == f.merchant_id, Link.link_id == f.link_id))
        .where(f.merchant_id == merchant_id)
        .limit(limit)
    )
    return [Seen(*row) for row in session.execute(query)]


def count(session: Session, merchant_id: UUID, seen: Sequence[Seen], zone: tzinfo) -> Counted:
    """What these visits add, beside what is counted already."""
    days = [(visit.link_id, visit.visited_at.astimezone(zone).date(), visit.visitor) for visit in seen]
    new = set(days) - _known(session, merchant_id, sorted(set(days)))
    tallies: Tallies = {}
    left = set(new)
    for visit, key in zip(seen, days, strict=True):
        visits_on(key[1], visit.program_id, visit.channel, visits=1, visitors=int(key in left), into=tallies)
        left.discard(key)
    return Counted(tallies, sorted(new))


def _known(
    session: Session, merchant_id: UUID, keys: Sequence[tuple[UUID, date, bytes]]
) -> set[tuple[UUID, date, bytes]]:
    v = VisitorDay
    known: set[tuple[UUID, date, bytes]] = set()
    for start in range(0, len(keys), VISITORS_AT_ONCE):
        some = keys[start : start + VISITORS_AT_ONCE]
        query = select(v.link_id, v.day, v.visitor)
        query = query.where(v.merchant_id == merchant_id, tuple_(v.link_id, v.day, v.visitor).in_(some))
        known.update((link, day, visitor) for link, day, visitor in session.execute(query))
    return known


def keep(session: Session, merchant_id: UUID, seen: Iterable[Seen], counted: Counted) -> None:
    """Say that these visits are counted."""
    if counted.visitors:
        rows = [
            {"merchant_id": merchant_id, "link_id": link, "day": day, "visitor": visitor}
            for link, day, visitor in counted.visitors
        ]
        session.execute(insert(VisitorDay), rows)
    f = FreshVisit
    keys = [(visit.link_id, visit.hour, visit.visitor) for visit in seen]
    gone = delete(f).where(f.merchant_id == merchant_id, tuple_(f.link_id, f.hour, f.visitor).in_(keys))
    session.execute(gone, execution_options={"synchronize_session": False})


def mark_gone(session: Session, one: Due) -> bool:
    """Note that a merchant's visits of before the first day that is kept are gone, unless some are in no total yet."""
    f = FreshVisit
    uncounted = select(f.link_id).where(f.merchant_id == one.merchant_id, f.hour < one.visits_begin)
    if session.scalar(uncounted.limit(1)) is not None:
        return False
    retention.visits_forgotten(session, one.merchant_id, before=one.first_day)
    return True


def forget_some(session: Session, one: Due) -> bool | None:
    """Drop the visits of the next links from before the first day that is kept, and who came then; None for more.

    By links, since that is how visits are found.
    """
    merchant_id, v, d = one.merchant_id, Visit, VisitorDay
    old = (v.merchant_id == merchant_id, v.hour < one.visits_begin)
    links = session.scalars(select(v.link_id).where(*old).order_by(v.link_id).limit(VISITS_AT_ONCE)).all()
    of_old = (d.merchant_id == merchant_id, d.day < one.first_day)
    seen = session.scalars(select(d.link_id).where(*of_old).order_by(d.link_id).limit(VISITS_AT_ONCE)).all()
    for gone in (
        delete(v).where(*old, among(session, v.link_id, set(links))),
        delete(d).where(*of_old, among(session, d.link_id, set(seen))),
    ):
        session.execute(gone, execution_options={"synchronize_session": False})
    return None if links or seen else True


def has_uncounted(session: Session, *, before: datetime) -> bool:
    """Whether visits of any merchant from before this time are in no total yet. For the worker."""
    return session.scalar(select(FreshVisit.link_id).where(FreshVisit.hour < before).limit(1)) is not None
