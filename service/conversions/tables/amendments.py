"""Amendments: that an order was edited after it was placed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base


class Amendment(Base):
    """The amounts of an order from then on. None: not said. `amendment_id` is the merchant's, unique in the order."""

    __tablename__ = "amendment"
    __table_args__ = (
        UniqueConstraint("merchant_id", "conversion_id", "amendment_id"),
        ForeignKeyConstraint(["merchant_id", "conversion_id"], ["conversion.merchant_id", "conversion.conversion_id"]),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("discount_amount >= 0", name="discount_amount"),
        CheckConstraint("eligible_amount >= 0", name="eligible_amount"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversion_id: Mapped[UUID]
    amendment_id: Mapped[str] = mapped_column(String(255))
    amount: Mapped[int]
    discount_amount: Mapped[int | None]
    eligible_amount: Mapped[int | None]
    recorded_at: Mapped[datetime]


def find(session: Session, merchant_id: UUID, conversion_id: UUID, amendment_id: str) -> Amendment | None:
    """The order's amendment of this name, or None."""
    query = select(Amendment).where(
        Amendment.merchant_id == merchant_id,
        Amendment.conversion_id == conversion_id,
        Amendment.amendment_id == amendment_id,
    )
    return session.scalar(query)
