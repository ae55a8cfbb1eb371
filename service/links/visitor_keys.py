"""The keys by which two visitors of a day are told apart: one a merchant and day, thrown away with the day.

Without its key, what a visit keeps of its visitor says nothing about anybody, not even to who has everything else.
"""

import secrets
from datetime import UTC, date, datetime, timedelta, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Date, LargeBinary, Uuid, bindparam, delete, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.engine import Database
from service.database.tables import Base
from service.merchants.tables import Merchant

KEPT_ON = timedelta(hours=1)
"""Into the next day, for who followed a link before midnight and follows it again after."""

KEY_BYTES = 32


class VisitorKey(Base):
    """The key of one merchant's visitors of one of its days."""

    __tablename__ = "visitor_key"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(KEY_BYTES))


_merchant, _day = bindparam("merchant", type_=Uuid), bindparam("day", type_=Date)
_READ = text("SELECT key FROM visitor_key WHERE merchant_id = :merchant AND day = :day").bindparams(_merchant, _day)
_ZONE = text("SELECT time_zone FROM merchant WHERE merchant_id = :merchant").bindparams(_merchant)
_ADD = text(
    "INSERT INTO visitor_key (merchant_id, day, key) VALUES (:merchant, :day, :key)"
    " ON CONFLICT (merchant_id, day) DO NOTHING"
).bindparams(_merchant, _day)


class VisitorKeys:
    """The keys that are in use, as this process knows them, and the zones of the merchants' days."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, date], bytes | None] = {}
        self._zones: dict[UUID, tzinfo] = {}

    def of(self, database: Database, merchant_id: UUID, *, now: datetime) -> tuple[bytes, bytes | None]:
        """The key of the merchant's day, and that of the day before while it is kept and there was one."""
        if merchant_id not in self._zones:
            self._zones[merchant_id] = _zone(database, merchant_id)
        zone = self._zones[merchant_id]
        today, yesterday = now.astimezone(zone).date(), (now - KEPT_ON).astimezone(zone).date()
        key = self._known.get((merchant_id, today))
        if key is None:
            self._forget(merchant_id, yesterday)
            key = self._known[merchant_id, today] = _made(database, merchant_id, today)
        if today == yesterday:
            self._known.pop((merchant_id, today - timedelta(days=1)), None)
            return key, None
        return key, self._of_yesterday(database, merchant_id, yesterday)

    def _forget(self, merchant_id: UUID, kept_from: date) -> None:
        """A day begins: what was kept of the merchant's days before is gone, and its zone is asked for again."""
        for kept in [kept for kept in self._known if kept[0] == merchant_id and kept[1] < kept_from]:
            del self._known[kept]
        del self._zones[merchant_id]

    def _of_yesterday(self, database: Database, merchant_id: UUID, day: date) -> bytes | None:
        if (merchant_id, day) not in self._known:
            with database.statements() as connection:
                self._known[merchant_id, day] = connection.execute(
                    _READ, {"merchant": merchant_id, "day": day}
                ).scalar()
        return self._known[merchant_id, day]


def _zone(database: Database, merchant_id: UUID) -> tzinfo:
    """The zone of the merchant's days; UTC where there is no such merchant, whose links are followed all the same."""
    with database.statements() as connection:
        name = connection.execute(_ZONE, {"merchant": merchant_id}).scalar()
    return ZoneInfo(name) if name else UTC


def _made(database: Database, merchant_id: UUID, day: date) -> bytes:
    """The key of this day, which who comes first makes."""
    values = {"merchant": merchant_id, "day": day, "key": secrets.token_bytes(KEY_BYTES)}

    def make(session: Session) -> bytes:
        session.execute(_ADD, values)
        return bytes(session.execute(_READ, values).scalar_one())

    return database.write(make, hastily=True)


def forget(session: Session, *, now: datetime) -> None:
    """Throw away the keys of days that are over, as each merchant's days go."""
    query = select(Merchant.merchant_id, Merchant.time_zone).where(
        Merchant.merchant_id.in_(select(VisitorKey.merchant_id).distinct())
    )
    for merchant_id, zone in session.execute(query).all():
        kept_from = (now - KEPT_ON).astimezone(ZoneInfo(zone)).date()
        session.execute(delete(VisitorKey).where(VisitorKey.merchant_id == merchant_id, VisitorKey.day < kept_from))
