"""Refunds, and that some of them failed later."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, UniqueConstraint, case, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.lists import Page, read_newest
from service.database.tables import Base


class Refund(Base):
    """Money that the shop gave back for one order. `refund_id` is the merchant's, unique within the order.

    eligible_amount: how much of it was for what rewards were computed of; None for its share of the order.
    eligible_share: that share as it was then, to be shown. is_full: whether all that was left was asked for.
    """

    __tablename__ = "refund"
    __table_args__ = (
        UniqueConstraint("merchant_id", "conversion_id", "refund_id"),
        ForeignKeyConstraint(["merchant_id", "conversion_id"], ["conversion.merchant_id", "conversion.conversion_id"]),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("eligible_amount >= 0", name="eligible_amount"),
        CheckConstraint("eligible_share >= 0", name="eligible_share"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversion_id: Mapped[UUID]
    refund_id: Mapped[str] = mapped_column(String(255))
    amount: Mapped[int]
    eligible_amount: Mapped[int | None]
    refunded_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    is_full: Mapped[bool]
    eligible_share: Mapped[int]


class RefundReversal(Base):
    """That a refund failed or was won back: the order stands as if it had not been. entry_id: names the change."""

    __tablename__ = "refund_reversal"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "refund_entry_id"], ["refund.merchant_id", "refund.entry_id"]),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    refund_entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


is_reversed = (
    select(RefundReversal.entry_id)
    .where(RefundReversal.merchant_id == Refund.merchant_id, RefundReversal.refund_entry_id == Refund.entry_id)
    .exists()
)
"""Of a refund."""


def find(session: Session, merchant_id: UUID, conversion_id: UUID, refund_id: str) -> Refund | None:
    """The order's refund of this name, or None."""
    query = select(Refund).where(
        Refund.merchant_id == merchant_id, Refund.conversion_id == conversion_id, Refund.refund_id == refund_id
    )
    return session.scalar(query)


def page(session: Session, merchant_id: UUID, conversion_id: UUID, which: Page) -> Sequence[Refund]:
    """The order's refunds, newest first."""
    query = select(Refund).where(Refund.merchant_id == merchant_id, Refund.conversion_id == conversion_id)
    return read_newest(session, Refund, query, Refund.entry_id, which, at=Refund.refunded_at)


def returned(session: Session, merchant_id: UUID, conversion_id: UUID) -> tuple[int, int]:
    """(eligible minor units that refunds named, minor units of refunds that named none) of an order so far."""
    of_order = (Refund.merchant_id == merchant_id, Refund.conversion_id == conversion_id, ~is_reversed)
    unnamed = case((Refund.eligible_amount.is_(None), Refund.amount), else_=0)
    query = select(func.sum(Refund.eligible_amount), func.sum(unnamed)).where(*of_order)
    named, shared = session.execute(query).one()
    return int(named or 0), int(shared or 0)


def reversed_at(session: Session, merchant_id: UUID, entry_ids: Sequence[UUID]) -> dict[UUID, datetime]:
    """When those of these refunds that were reversed were, by the refund's entry."""
    query = select(RefundReversal.refund_entry_id, RefundReversal.recorded_at).where(
        RefundReversal.merchant_id == merchant_id, RefundReversal.refund_entry_id.in_(entry_ids)
    )
    return {row.refund_entry_id: row.recorded_at for row in session.execute(query)}
