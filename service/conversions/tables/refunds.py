"""Refunds, and what each of them took back from which reward."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base


class Refund(Base):
    """Money that the shop gave back for one order. `refund_id` is the merchant's, unique within the order."""

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("merchant_id", "conversion_id", "refund_id"),
        ForeignKeyConstraint(["merchant_id", "conversion_id"], ["conversion.merchant_id", "conversion.conversion_id"]),
        CheckConstraint("amount > 0", name="amount"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversion_id: Mapped[UUID]
    refund_id: Mapped[str] = mapped_column(String(255))
    amount: Mapped[int]
    refunded_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Reversal(Base):
    """The part of one reward that one refund took back."""

    __tablename__ = "reversal"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "entry_id"], ["refund.merchant_id", "refund.entry_id"]),
        ForeignKeyConstraint(["merchant_id", "reward_id"], ["reward.merchant_id", "reward.reward_id"]),
        CheckConstraint("amount > 0", name="amount"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    reward_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int]


def find(session: Session, merchant_id: UUID, conversion_id: UUID, refund_id: str) -> Refund | None:
    """The order's refund of this name, or None."""
    query = select(Refund).where(
        Refund.merchant_id == merchant_id, Refund.conversion_id == conversion_id, Refund.refund_id == refund_id
    )
    return session.scalar(query)


def reversals(session: Session, merchant_id: UUID, entry_id: UUID) -> Sequence[Reversal]:
    """What this refund took back."""
    query = select(Reversal).where(Reversal.merchant_id == merchant_id, Reversal.entry_id == entry_id)
    return session.scalars(query.order_by(Reversal.reward_id)).all()
