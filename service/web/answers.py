"""Answers that were given under an Idempotency-Key, kept in the same transaction as their effect."""

import json
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Uuid, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.database.writing import insertion, numbered

BATCH = 500


class StoredAnswer(Base):
    """What was asked under this key, and the answer. `status` is None only while the request runs, `body` also where it
    told of somebody who was erased since.
    """

    __tablename__ = "idempotency"
    __table_args__ = (Index(None, "created_at"),)

    merchant_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("merchant.merchant_id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]


_CLAIM = (
    insertion(StoredAnswer.__table__, "ON CONFLICT (merchant_id, key) DO NOTHING RETURNING key")
    .columns(key=String)
    .execution_options(prepared=True)
)
_STORED = select(StoredAnswer).where(
    StoredAnswer.merchant_id == bindparam("merchant"), StoredAnswer.key == bindparam("key")
)
_FINISH = (
    update(StoredAnswer.__table__)  # type: ignore[arg-type]
    .where(
        StoredAnswer.__table__.c.merchant_id == bindparam("merchant"),
        StoredAnswer.__table__.c.key == bindparam("the_key"),
    )
    .values(status=bindparam("answer_status"), body=bindparam("answer_body"))
    .execution_options(prepared=True)
)


def claim(session: Session, merchant_id: UUID, key: str, *, fingerprint: bytes, now: datetime) -> StoredAnswer | None:
    """Take the key for this transaction: None if it was free, else what is stored under it.

    Waits while another transaction holds the key, up to the connection's lock timeout.
    """
    claimed = {"merchant_id": merchant_id, "key": key, "fingerprint": fingerprint, "created_at": now}
    unanswered = {"status": None, "body": None}
    if session.execute(_CLAIM, numbered([claimed | unanswered])).first() is not None:
        return None
    return session.scalars(_STORED, {"merchant": merchant_id, "key": key}).one()


def finish(session: Session, merchant_id: UUID, key: str, *, status: int, body: bytes) -> None:
    """Keep the answer beside its effect."""
    answer = {"merchant": merchant_id, "the_key": key, "answer_status": status, "answer_body": body}
    session.execute(_FINISH, answer)


def forget_those_with(session: Session, merchant_id: UUID, said: Collection[tuple[str, str]]) -> None:
    """Take away the answers that say one of these: (how a field's name ends, its text). That they were given stays."""
    needles = [f'{name}":{json.dumps(value, ensure_ascii=False)}'.encode() for name, value in said]
    query = select(StoredAnswer.key, StoredAnswer.body).where(StoredAnswer.merchant_id == merchant_id)
    rows = session.execute(query.execution_options(yield_per=BATCH))
    told = [key for key, body in rows if body is not None and any(needle in bytes(body) for needle in needles)]
    for start in range(0, len(told), BATCH):
        keys = told[start : start + BATCH]
        gone = update(StoredAnswer).where(StoredAnswer.merchant_id == merchant_id, StoredAnswer.key.in_(keys))
        session.execute(gone.values(body=None), execution_options={"synchronize_session": False})


def forget_before(session: Session, merchant_id: UUID, moment: datetime) -> None:
    """Drop answers older than this. Natural keys go on protecting what they made."""
    gone = delete(StoredAnswer).where(StoredAnswer.merchant_id == merchant_id, StoredAnswer.created_at < moment)
    session.execute(gone, execution_options={"synchronize_session": False})
