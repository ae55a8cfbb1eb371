"""Events, and how far their readers have come."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from service.database.tables import Base
from service.events.kinds import Kind

UNPLACED = "position IS NULL"


class Event(Base):
    """One thing that happened. Nothing in it says who: ids of ours alone, and never a name that the shop gave.

    subject_id: what it happened to, as `kinds.SUBJECTS` says; part_id: which reward, refund or return of it.
    amount: minor units, signed where something changed by it; None, as the currency, where it is not about money.
    position: its place among the merchant's, from 1 and without a gap; None until it has one. It is given after the
    commit, so whoever reads by position misses nothing that was committed late.
    """

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="money"),
        CheckConstraint("position > 0", name="position"),
        Index("uq_event_merchant_id_position", "merchant_id", "position", unique=True),
        Index(
            "ix_event_unplaced",
            "merchant_id",
            "event_id",
            postgresql_where=text(UNPLACED),
            sqlite_where=text(UNPLACED),
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[Kind] = mapped_column(String(20))
    subject_id: Mapped[UUID]
    part_id: Mapped[UUID | None]
    amount: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    recorded_at: Mapped[datetime]
    position: Mapped[int | None]


class EventCursor(Base):
    """How far a reader has come: up to which position, inclusive. Its row is the reader's lock."""

    __tablename__ = "event_cursor"
    __table_args__ = (CheckConstraint("position >= 0", name="position"),)

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    reader: Mapped[str] = mapped_column(String(20), primary_key=True)
    position: Mapped[int]
