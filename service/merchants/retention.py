"""How long a merchant keeps what only helps for a while. The books, the orders and the numbers are kept for good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.errors import refuse_faults
from service.merchants.tables import Merchant

SHORTEST_DAYS, LONGEST_DAYS = 2, 36_500
"""Today and yesterday are at work still: visits of the day are told apart, answers are repeated."""

VISITS_DAYS, EVENTS_DAYS, ANSWERS_DAYS = 800, 400, 2
"""Where a merchant says nothing: visits for two years to be compared, events for one, answers while shops retry."""

EVERY = timedelta(days=1)


class Retention(Base):
    """For how many days a merchant keeps visits, events, and answers under an Idempotency-Key.

    forgotten_at: when what is older was last forgotten. visits_from: the first day whose visits are still there.
    """

    __tablename__ = "retention"
    __table_args__ = tuple(
        CheckConstraint(f"{name} BETWEEN {SHORTEST_DAYS} AND {LONGEST_DAYS}", name=name)
        for name in ("visits_days", "events_days", "answers_days")
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    visits_days: Mapped[int]
    events_days: Mapped[int]
    answers_days: Mapped[int]
    forgotten_at: Mapped[datetime | None]
    visits_from: Mapped[date | None]


@dataclass(frozen=True, slots=True)
class Due:
    """From when a merchant keeps each kind, and the first day whose visits are still there."""

    merchant_id: UUID
    zone: tzinfo
    visits: datetime
    events: datetime
    answers: datetime
    visits_from: date

    @property
    def first_day(self) -> date:
        """The first day of the merchant's whose visits are kept."""
        return self.visits.astimezone(self.zone).date()

    @property
    def visits_begin(self) -> datetime:
        """The hour in which that day begins: visits are kept by the hour."""
        day = self.first_day
        begins = datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)
        return begins.replace(minute=0, second=0, microsecond=0)


def of_merchant(session: Session, merchant_id: UUID) -> Retention:
    """What the merchant chose, or what holds where they chose nothing."""
    kept = session.get(Retention, merchant_id)
    if kept is None:
        kept = _unsaid(merchant_id)
        session.add(kept)
    return kept


def _unsaid(merchant_id: UUID) -> Retention:
    return Retention(
        merchant_id=merchant_id, visits_days=VISITS_DAYS, events_days=EVENTS_DAYS, answers_days=ANSWERS_DAYS
    )


def choose(session: Session, merchant_id: UUID, days: Mapping[str, int | None]) -> None:
    """Keep each of `visits`, `events` and `answers` for so many days; None leaves as it is. Raises BadValues."""
    said = f"It must be from {SHORTEST_DAYS} to {LONGEST_DAYS} days."
    refuse_faults(
        {
            name: said if many is not None and not SHORTEST_DAYS <= many <= LONGEST_DAYS else None
            for name, many in days.items()
        }
    )
    kept = of_merchant(session, merchant_id)
    for name, many in days.items():
        if many is not None:
            setattr(kept, f"{name}_days", many)
    kept.forgotten_at = None


def all_kept_from(session: Session, *, now: datetime) -> Sequence[Due]:
    """From when each merchant keeps what. For operators' rounds; no request of a merchant ever asks this."""
    return [due for due, _ in _all(session, now)]


def due(session: Session, *, now: datetime) -> Sequence[Due]:
    """The merchants of whom nothing was forgotten for a day."""
    return [due for due, forgotten_at in _all(session, now) if forgotten_at is None or forgotten_at <= now - EVERY]


def _all(session: Session, now: datetime) -> list[tuple[Due, datetime | None]]:
    r = Retention
    query = select(Merchant.merchant_id, Merchant.time_zone, r).outerjoin(r, r.merchant_id == Merchant.merchant_id)
    return [
        (_due(merchant_id, time_zone, kept or _unsaid(merchant_id), now), kept.forgotten_at if kept else None)
        for merchant_id, time_zone, kept in session.execute(query.order_by(Merchant.merchant_id))
    ]


def _due(merchant_id: UUID, time_zone: str, kept: Retention, now: datetime) -> Due:
    visits, events, answers = (
        now - timedelta(days=days) for days in (kept.visits_days, kept.events_days, kept.answers_days)
    )
    return Due(merchant_id, ZoneInfo(time_zone), visits, events, answers, kept.visits_from or date.min)


def forgotten(session: Session, merchant_id: UUID, *, now: datetime) -> None:
    """Note that what was too old is forgotten."""
    of_merchant(session, merchant_id).forgotten_at = now


def visits_from(session: Session, merchant_id: UUID) -> date:
    """The first day whose visits are still there."""
    kept = session.scalar(select(Retention.visits_from).where(Retention.merchant_id == merchant_id))
    return kept or date.min


def visits_forgotten(session: Session, merchant_id: UUID, *, before: date) -> None:
    """Note that the visits of the days before this one are gone."""
    kept = of_merchant(session, merchant_id)
    kept.visits_from = max(before, kept.visits_from or date.min)
