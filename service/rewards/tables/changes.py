"""What happened to rewards after they were earned: each change of each of them, once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.rewards.references import Step


class RewardChange(Base):
    """How one step changed what a reward is worth. entry_id: names the step, in the books too.

    amount: signed, in minor units. lapsed_amount: the part of it by which what had lapsed changed.
    """

    __tablename__ = "reward_change"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "reward_id"], ["reward.merchant_id", "reward.reward_id"]),
        CheckConstraint("amount <> 0", name="amount"),
        CheckConstraint(
            "step IN ('refund', 'reversal', 'void', 'reopening', 'amendment', 'attribution', 'deny')", name="step"
        ),
        Index(None, "merchant_id", "conversion_id"),
        Index(None, "merchant_id", "reward_id"),
        Index(None, "merchant_id", "customer_id", "recorded_at"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    reward_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversion_id: Mapped[UUID]
    customer_id: Mapped[str] = mapped_column(String(255))
    step: Mapped[Step] = mapped_column(String(16))
    amount: Mapped[int]
    lapsed_amount: Mapped[int]
    recorded_at: Mapped[datetime]


def of_entries(session: Session, merchant_id: UUID, entry_ids: Sequence[UUID]) -> Sequence[RewardChange]:
    """What these steps changed."""
    query = select(RewardChange).where(RewardChange.merchant_id == merchant_id, RewardChange.entry_id.in_(entry_ids))
    return session.scalars(query.order_by(RewardChange.reward_id)).all()
