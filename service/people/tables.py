"""Erasures: that somebody was forgotten, and what became of their balance. Nothing in it says who."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.merchants.tables import Merchant

BalanceChoice = Literal["lapse", "keep"]


class Erasure(Base):
    """That a customer was erased.

    customer_digest: of an id that they had, under the merchant's key: each of those who had become one has a row. Who
    came back with it may be erased as well.
    balance: what was to become of what was open. balances: what that was, in minor units: a list of currency, pending,
    available, reserved and owed.
    """

    __tablename__ = "erasure"
    __table_args__ = (
        CheckConstraint("balance IN ('lapse', 'keep')", name="balance"),
        Index(None, "merchant_id", "customer_digest"),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    erasure_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    erased_at: Mapped[datetime]
    balance: Mapped[BalanceChoice] = mapped_column(String(5))
    balances: Mapped[list[Any]]


def get(session: Session, merchant_id: UUID, erasure_id: UUID) -> Erasure | None:
    """The merchant's erasure, or None."""
    query = select(Erasure).where(Erasure.merchant_id == merchant_id, Erasure.erasure_id == erasure_id)
    return session.scalars(query.limit(1)).first()


def last_of(session: Session, merchant_id: UUID, customer_digest: bytes) -> Erasure | None:
    """The last erasure of a customer of this id, or None."""
    query = select(Erasure).where(Erasure.merchant_id == merchant_id, Erasure.customer_digest == customer_digest)
    return session.scalar(query.order_by(Erasure.erasure_id.desc()).limit(1))
