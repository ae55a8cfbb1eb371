"""Events: recorded with what they tell of, put in order once they are committed, and read in that order.

An id tells when an event was made, and not when it was committed: a reader that went by ids, or by times, would miss
what was committed late. So the worker gives each event a position once it can be seen, and readers go by that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import CursorResult, TextClause, Uuid, bindparam, delete, func, select, text, update
from sqlalchemy.orm import Session

from service.database.among import among
from service.database.writing import insertion, numbered
from service.events.kinds import Kind
from service.events.tables import Event, EventCursor
from service.ids import first_id_at, new_id

PLACING = "placing"
"""The reader who gives positions."""

ROWS_AT_ONCE = 20
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Happened:
    """What is to be recorded, with the fields of an `Event`."""

    kind: Kind
    subject_id: UUID
    part_id: UUID | None = None
    amount: int | None = None
    currency: str | None = None


def record(session: Session, merchant_id: UUID, happened: Sequence[Happened], *, now: datetime) -> None:
    """Write what happened, in the transaction that made it happen: past the unit of work, as every checkout does it."""
    for start in range(0, len(happened), ROWS_AT_ONCE):
        some = happened[start : start + ROWS_AT_ONCE]
        values: dict[str, object] = {"merchant": merchant_id, "now": now}
        for number, one in enumerate(some):
            told = (new_id(), one.kind, one.subject_id, one.part_id, one.amount, one.currency)
            values.update(zip(_names(number), told, strict=True))
        session.execute(_insertion(len(some)), values)


_TOLD = ("event_id", "kind", "subject_id", "part_id", "amount", "currency")


@cache
def _names(row: int) -> tuple[str, ...]:
    return tuple(f"{name}_{row}" for name in _TOLD)


@cache
def _insertion(rows: int) -> TextClause:
    """So many events of one merchant and one moment, which are said once."""
    columns = Event.metadata.tables[Event.__tablename__].c
    lines = ", ".join(f"(:merchant, :now, {', '.join(f':{name}' for name in _names(row))})" for row in range(rows))
    types = [
        bindparam(name, type_=columns[told].type)
        for row in range(rows)
        for name, told in zip(_names(row), _TOLD, strict=True)
    ]
    shared = [bindparam("merchant", type_=columns.merchant_id.type), bindparam("now", type_=columns.recorded_at.type)]
    sql = f"INSERT INTO event (merchant_id, recorded_at, {', '.join(_TOLD)}) VALUES {lines}"
    return text(sql).bindparams(*shared, *types).execution_options(prepared=True)


_PLACE = text(
    "UPDATE event SET position = :last + placed.number FROM ("
    "  SELECT event_id, row_number() OVER (ORDER BY event_id) AS number FROM event"
    "   WHERE merchant_id = :merchant AND position IS NULL ORDER BY event_id LIMIT :most"
    ") AS placed WHERE event.merchant_id = :merchant AND event.event_id = placed.event_id"
).bindparams(bindparam("merchant", type_=Uuid))


def place(session: Session, merchant_id: UUID) -> bool:
    """Give the next events of this merchant their positions. Returns whether there may be more."""
    last = hold(session, merchant_id, PLACING)
    values = {"merchant": merchant_id, "last": last, "most": BATCH}
    placed = session.execute(_PLACE, values)
    assert isinstance(placed, CursorResult)
    move(session, merchant_id, PLACING, last + placed.rowcount)
    return placed.rowcount == BATCH


def merchants_with_unplaced(session: Session) -> Sequence[UUID]:
    """The merchants who have events without a position. For the worker."""
    return session.scalars(select(Event.merchant_id).where(Event.position.is_(None)).distinct()).all()


_MEET = insertion(EventCursor.__table__, "ON CONFLICT (merchant_id, reader) DO NOTHING")


def hold(session: Session, merchant_id: UUID, reader: str) -> int:
    """Up to where this reader has come; nobody else reads as them until the transaction is over."""
    session.execute(_MEET, numbered([{"merchant_id": merchant_id, "reader": reader, "position": 0}]))
    c = EventCursor
    query = select(c.position).where(c.merchant_id == merchant_id, c.reader == reader).with_for_update()
    return session.execute(query).scalar_one()


def move(session: Session, merchant_id: UUID, reader: str, position: int) -> None:
    """Say that this reader, who is held, has come up to this position."""
    c = EventCursor
    moved = update(c).where(c.merchant_id == merchant_id, c.reader == reader).values(position=position)
    session.execute(moved, execution_options={"synchronize_session": False})


def come_to(session: Session, merchant_id: UUID, reader: str) -> int:
    """Up to where this reader has come; 0 for one who never read."""
    c = EventCursor
    query = select(c.position).where(c.merchant_id == merchant_id, c.reader == reader)
    return session.execute(query).scalar_one_or_none() or 0


def state(session: Session, merchant_id: UUID) -> str:
    """What differs whenever another event of this merchant can be seen."""
    waiting = select(Event.event_id).where(Event.merchant_id == merchant_id, Event.position.is_(None))
    names = session.scalars(waiting.order_by(Event.event_id)).all()
    return f"{come_to(session, merchant_id, PLACING)} {' '.join(name.hex for name in names)}"


def after(session: Session, merchant_id: UUID, position: int, *, limit: int) -> Sequence[Event]:
    """The first events behind this position, in their order."""
    query = (
        select(Event)
        .where(Event.merchant_id == merchant_id, Event.position > position)
        .order_by(Event.position)
        .limit(limit)
    )
    return session.scalars(query).all()


def unplaced(session: Session, merchant_id: UUID, *, limit: int) -> Sequence[Event]:
    """Events that are committed and have no position yet."""
    query = select(Event).where(Event.merchant_id == merchant_id, Event.position.is_(None))
    return session.scalars(query.order_by(Event.event_id).limit(limit)).all()


def forget_some(session: Session, merchant_id: UUID, moment: datetime) -> bool:
    """Drop the first events older than this, as far as every reader has read them. Returns whether there may be more.

    Positions go on from where they are.
    """
    c, e = EventCursor, Event
    come = select(func.min(c.position)).where(c.merchant_id == merchant_id, c.reader != PLACING)
    read = session.scalar(come)
    if read is None:
        return False
    old = select(e.event_id).where(e.merchant_id == merchant_id, e.event_id < first_id_at(moment), e.position <= read)
    ids = session.scalars(old.order_by(e.event_id).limit(BATCH)).all()
    gone = delete(e).where(e.merchant_id == merchant_id, among(session, e.event_id, ids))
    session.execute(gone, execution_options={"synchronize_session": False})
    return len(ids) == BATCH
