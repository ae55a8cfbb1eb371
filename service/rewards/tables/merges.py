"""Merges: that two customers became one, and what moved by it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base


class Merge(Base):
    """That one customer became one with another. former_id: the id that means the other one since.

    moved: what they had, by currency, in minor units: a list of currency, pending, available, reserved and owed.
    denied, kept: the rewards that the two had earned from each other: those that were pending, and the others.
    """

    __tablename__ = "merge"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        Index(None, "merchant_id", "former_id"),
        Index(None, "merchant_id", "customer_id"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    merge_id: Mapped[UUID] = mapped_column(primary_key=True)
    former_id: Mapped[str] = mapped_column(String(255))
    customer_id: Mapped[str] = mapped_column(String(255))
    moved: Mapped[list[Any]]
    denied: Mapped[list[Any]]
    kept: Mapped[list[Any]]
    merged_at: Mapped[datetime]


def last_of(session: Session, merchant_id: UUID, former_id: str) -> Merge | None:
    """The merge by which this id came to mean somebody else, or None."""
    query = select(Merge).where(Merge.merchant_id == merchant_id, Merge.former_id == former_id)
    return session.scalar(query.order_by(Merge.merge_id.desc()).limit(1))
