"""Rolling up: what happened goes into the totals, once; and what did not yet is added to them when somebody asks.

Both ways make the same difference, from the same facts, so a number does not tell whether the worker has come by.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from service.errors import ReferralError
from service.events import events
from service.events.kinds import SUBJECTS, Kind, Subject
from service.events.tables import Event, EventCursor
from service.merchants import tables as merchants
from service.statistics import following, orders, others, storage
from service.statistics.entries import Entry
from service.statistics.tables import FreshVisit
from service.statistics.tallies import Tallies, difference

READER = "statistics"
BATCH = 500
VISITS = 2_000
MOST_PENDING = 20_000
"""Beyond that an answer would take too long to be made from what is not rolled up."""

WITHOUT_NUMBERS = {Kind.REWARD_RIPENED, Kind.CREDIT_RESERVED, Kind.CREDIT_EXTENDED, Kind.CREDIT_RELEASED}
"""What changes no number."""


class StatisticsBehind(ReferralError):
    """So much happened that is not rolled up yet that no right answer can be made in time."""

    def __init__(self) -> None:
        super().__init__(f"More than {MOST_PENDING} events are not rolled up yet. The worker is at it, if it runs.")


@dataclass(frozen=True, slots=True)
class Change:
    """What is kept of some orders, redemptions, adjustments and links, and what is to be kept in its place."""

    before: Sequence[Entry]
    after: Sequence[Entry]

    @property
    def tallies(self) -> Tallies:
        """What it adds to the totals."""
        return difference(self.before, self.after)


def zone_of(session: Session, merchant_id: UUID) -> ZoneInfo:
    """The zone of the merchant's days."""
    return ZoneInfo(merchants.get(session, merchant_id).time_zone)


def hold(session: Session, merchant_id: UUID) -> int:
    """Up to where the merchant's events are rolled up; nobody else rolls them up until the transaction is over.

    On PostgreSQL by plans that go by indexes, whatever the process reads otherwise: a plan that was made while a table
    was empty would read all of it for ever (decision 12).
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL enable_seqscan = off"))
    return events.hold(session, merchant_id, READER)


def roll_up(session: Session, merchant_id: UUID) -> bool:
    """Put the next events into the totals. Returns whether there may be more."""
    position = hold(session, merchant_id)
    happened = events.after(session, merchant_id, position, limit=BATCH)
    if not happened:
        return False
    change = change_of(session, merchant_id, subjects_of(happened), zone_of(session, merchant_id))
    apply(session, merchant_id, change)
    events.move(session, merchant_id, READER, happened[-1].position or position)
    return len(happened) == BATCH


def roll_up_visits(session: Session, merchant_id: UUID) -> bool:
    """Put the next visits into the totals. Returns whether there may be more."""
    hold(session, merchant_id)
    seen = following.fresh(session, merchant_id, limit=VISITS)
    if not seen:
        return False
    counted = following.count(session, merchant_id, seen, zone_of(session, merchant_id))
    following.keep(session, merchant_id, seen, counted)
    storage.add(session, merchant_id, counted.tallies)
    return len(seen) == VISITS


def apply(session: Session, merchant_id: UUID, change: Change) -> None:
    """Keep what is to be kept, and add what differs to the totals."""
    storage.replace(session, merchant_id, change.before, change.after)
    storage.add(session, merchant_id, change.tallies)
    storage.drop_nobodys(session, merchant_id, change.tallies)


@dataclass(frozen=True, slots=True)
class Pending:
    """What happened and is in no total yet, and what it adds to them: orders and the like, and visits."""

    change: Change
    tallies: Tallies
    visits: Tallies


def pending(session: Session, merchant_id: UUID, zone: tzinfo) -> Pending:
    """What happened and is in no total yet. Raises StatisticsBehind."""
    position = events.come_to(session, merchant_id, READER)
    placed = events.after(session, merchant_id, position, limit=MOST_PENDING)
    unplaced = events.unplaced(session, merchant_id, limit=MOST_PENDING)
    seen = following.fresh(session, merchant_id, limit=MOST_PENDING)
    if len(placed) + len(unplaced) >= MOST_PENDING or len(seen) == MOST_PENDING:
        raise StatisticsBehind
    change = change_of(session, merchant_id, subjects_of([*placed, *unplaced]), zone)
    return Pending(change, change.tallies, following.count(session, merchant_id, seen, zone).tallies)


def subjects_of(happened: Iterable[Event]) -> dict[Subject, set[UUID]]:
    """What these events are about, as far as it changes a number."""
    subjects: dict[Subject, set[UUID]] = {subject: set() for subject in Subject}
    for event in happened:
        if event.kind not in WITHOUT_NUMBERS:
            subjects[SUBJECTS[Kind(event.kind)]].add(event.subject_id)
    return subjects


def change_of(session: Session, merchant_id: UUID, subjects: dict[Subject, set[UUID]], zone: tzinfo) -> Change:
    """What has become of these, and of all that is another thing because of them."""
    orders_of, links_of = others.of_customers(session, merchant_id, subjects[Subject.CUSTOMER])
    touched, after = orders.entries_after(session, merchant_id, subjects[Subject.CONVERSION] | orders_of, zone)
    if links := subjects[Subject.LINK] | links_of:
        of_advocates, made = others.of_links(session, merchant_id, sorted(links), zone)
        touched, after = touched | of_advocates, after + made
    if redemptions := subjects[Subject.REDEMPTION]:
        touched, after = (
            touched | redemptions,
            after + others.of_redemptions(session, merchant_id, sorted(redemptions), zone),
        )
    if adjustments := subjects[Subject.ADJUSTMENT]:
        touched, after = (
            touched | adjustments,
            after + others.of_adjustments(session, merchant_id, sorted(adjustments), zone),
        )
    return _changed(storage.entries_of(session, merchant_id, sorted(touched)), after) if touched else Change([], [])


def _changed(before: Sequence[Entry], after: Sequence[Entry]) -> Change:
    """The change, without what stays as it is."""
    kept, made = _by_subject(before), _by_subject(after)
    differing = [subject for subject in kept.keys() | made.keys() if kept.get(subject) != made.get(subject)]
    return Change(
        [entry for subject in differing for entry in kept.get(subject, {}).values()],
        [entry for subject in differing for entry in made.get(subject, {}).values()],
    )


def _by_subject(entries: Iterable[Entry]) -> dict[UUID, dict[tuple[date, str], Entry]]:
    of_subjects: dict[UUID, dict[tuple[date, str], Entry]] = {}
    for entry in entries:
        of_subjects.setdefault(entry.whose.subject_id, {})[entry.day, entry.whose.currency] = entry
    return of_subjects


def merchants_behind(session: Session) -> set[UUID]:
    """The merchants of whom something is in no total yet. For the worker."""
    query = select(EventCursor.merchant_id, EventCursor.reader, EventCursor.position)
    come = {(row.merchant_id, row.reader): row.position for row in session.execute(query)}
    behind = {
        merchant_id
        for (merchant_id, reader), position in come.items()
        if reader == events.PLACING and come.get((merchant_id, READER), 0) < position
    }
    return behind | set(session.scalars(select(FreshVisit.merchant_id).distinct()))
