"""Erasures: that somebody was forgotten, and what became of their balance. Nothing in it says who."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.merchants.tables import Merchant

BalanceChoice = Literal["lapse", "keep"]


class Erasure(Base):
    """That the customer with this id was erased, the last time that one was.

    customer_digest: of the id, under the merchant's key. balance: what was to become of what was open.
    balances: what that was, in minor units: a list of currency, pending, available, reserved and owed.
    """

    __tablename__ = "erasure"
    __table_args__ = (CheckConstraint("balance IN ('lapse', 'keep')", name="balance"),)

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    customer_digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    erasure_id: Mapped[UUID]
    erased_at: Mapped[datetime]
    balance: Mapped[BalanceChoice] = mapped_column(String(5))
    balances: Mapped[list[Any]]


def get(session: Session, merchant_id: UUID, customer_digest: bytes) -> Erasure | None:
    """The last erasure of this id, or None."""
    return session.get(Erasure, (merchant_id, customer_digest), populate_existing=True)
