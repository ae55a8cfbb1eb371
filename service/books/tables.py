"""The chain over what the business keeps besides the books, and the proof of all of it that was asked for last."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.merchants.tables import Merchant

RecordNoun = Literal["conversion", "redemption"]


class RecordBlock(Base):
    """A sealed stretch of records. hash: of its digests, and of all blocks before."""

    __tablename__ = "record_block"
    __table_args__ = (CheckConstraint("number > 0", name="number"),)

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed_at: Mapped[datetime]


class RecordSeal(Base):
    """What a record was when a block was sealed. A record that changes is sealed anew; the newest seal counts.

    version: which of its fields the digest is of, as `digests` knows them.
    """

    __tablename__ = "record_seal"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "block"], ["record_block.merchant_id", "record_block.number"]),
        CheckConstraint("noun IN ('conversion', 'redemption')", name="noun"),
        Index(None, "merchant_id", "block"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    record_id: Mapped[UUID] = mapped_column(primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    noun: Mapped[RecordNoun] = mapped_column(String(10))
    version: Mapped[int]
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))


class VerificationRun(Base):
    """The proof of a merchant's books that was asked for last.

    run_id: of the run under way; None where nobody makes one. looked_at: how many transactions it has looked at.
    touched_at: when something was last heard of a run. report: of the last one that came to its end, of the books as
    they were at verified_at.
    """

    __tablename__ = "verification_run"
    __table_args__ = (CheckConstraint("looked_at >= 0", name="looked_at"),)

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    is_asked: Mapped[bool]
    asked_at: Mapped[datetime]
    run_id: Mapped[UUID | None]
    looked_at: Mapped[int]
    touched_at: Mapped[datetime]
    report: Mapped[dict[str, Any] | None]
    verified_at: Mapped[datetime | None]

    @classmethod
    def asked(cls, session: Session, *, abandoned_before: datetime) -> Sequence[UUID]:
        """The merchants for whom one is asked for that nobody makes. For the worker."""
        is_free = or_(cls.run_id.is_(None), cls.touched_at < abandoned_before)
        return session.scalars(select(cls.merchant_id).where(cls.is_asked, is_free).order_by(cls.asked_at)).all()
