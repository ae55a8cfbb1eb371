"""The keys by which two visitors of a day are told apart: one a merchant and day, thrown away with the day.

Without its key, what a visit keeps of its visitor says nothing about anybody, not even to who has everything else.
"""

import secrets
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Date, LargeBinary, Uuid, bindparam, delete, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.engine import Database
from service.database.tables import Base

KEPT_ON = timedelta(hours=1)
"""Into the next day, for who followed a link before midnight and follows it again after."""

KEY_BYTES = 32


class VisitorKey(Base):
    """The key of one merchant's visitors of one day, in UTC."""

    __tablename__ = "visitor_key"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    key: Mapped[bytes] = mapped_column(LargeBinary(KEY_BYTES))


_merchant, _day = bindparam("merchant", type_=Uuid), bindparam("day", type_=Date)
_READ = text("SELECT key FROM visitor_key WHERE merchant_id = :merchant AND day = :day").bindparams(_merchant, _day)
_ADD = text(
    "INSERT INTO visitor_key (merchant_id, day, key) VALUES (:merchant, :day, :key)"
    " ON CONFLICT (merchant_id, day) DO NOTHING"
).bindparams(_merchant, _day)


class VisitorKeys:
    """The keys that are in use, as this process knows them."""

    def __init__(self) -> None:
        self._known: dict[tuple[UUID, date], bytes | None] = {}

    def of(self, database: Database, merchant_id: UUID, *, now: datetime) -> tuple[bytes, bytes | None]:
        """The key of today, and that of yesterday while it is kept and there was one."""
        today, yesterday = now.astimezone(UTC).date(), (now - KEPT_ON).astimezone(UTC).date()
        for kept in [kept for kept in self._known if kept[1] < yesterday]:
            del self._known[kept]
        key = self._known.get((merchant_id, today))
        if key is None:
            key = self._known[merchant_id, today] = _made(database, merchant_id, today)
        return key, None if today == yesterday else self._of_yesterday(database, merchant_id, yesterday)

    def _of_yesterday(self, database: Database, merchant_id: UUID, day: date) -> bytes | None:
        if (merchant_id, day) not in self._known:
            with database.statements() as connection:
                self._known[merchant_id, day] = connection.execute(
                    _READ, {"merchant": merchant_id, "day": day}
                ).scalar()
        return self._known[merchant_id, day]


def _made(database: Database, merchant_id: UUID, day: date) -> bytes:
    """The key of this day, which who comes first makes."""
    values = {"merchant": merchant_id, "day": day, "key": secrets.token_bytes(KEY_BYTES)}
    with database.statements() as connection:
        connection.execute(_ADD, values)
        return bytes(connection.execute(_READ, values).scalar_one())


def forget(session: Session, *, now: datetime) -> None:
    """Throw away the keys of days that are over."""
    session.execute(delete(VisitorKey).where(VisitorKey.day < (now - KEPT_ON).astimezone(UTC).date()))
