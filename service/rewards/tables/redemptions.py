"""Redemptions: balance set aside for an order, then spent or given back."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, literal, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base

RedemptionStatus = Literal["reserved", "captured", "voided"]


class Redemption(Base):
    """One use of a balance, in minor units. `captured_amount` is set once, by the capture."""

    __tablename__ = "redemption"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("captured_amount BETWEEN 1 AND amount", name="captured_amount"),
        CheckConstraint("status IN ('reserved', 'captured', 'voided')", name="status"),
        CheckConstraint("(status = 'captured') = (captured_amount IS NOT NULL)", name="captured_once"),
        Index(
            "ix_redemption_stale_of_customer",
            "merchant_id",
            "customer_id",
            "expires_at",
            postgresql_where=text("status = 'reserved'"),
            sqlite_where=text("status = 'reserved'"),
        ),
        Index(
            "ix_redemption_stale",
            "expires_at",
            postgresql_where=text("status = 'reserved'"),
            sqlite_where=text("status = 'reserved'"),
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(255))
    amount: Mapped[int]
    captured_amount: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    order_id: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[RedemptionStatus] = mapped_column(String(8))
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]

    def status_at(self, now: datetime) -> RedemptionStatus:
        """The status at this moment: a reservation that nobody settled in time is given back."""
        return "voided" if self.status == "reserved" and self.expires_at <= now else self.status


RESERVED = Redemption.status == literal("reserved", literal_execute=True)
"""Written into the statement, so that the databases see that a partial index serves it."""


def get(session: Session, merchant_id: UUID, redemption_id: UUID) -> Redemption | None:
    """The merchant's redemption as the database has it now, or None."""
    return session.get(Redemption, (merchant_id, redemption_id), populate_existing=True)


def stale(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime, limit: int) -> Sequence[Redemption]:
    """The first of the customer's reservations that nobody settled in time."""
    query = select(Redemption).where(
        Redemption.merchant_id == merchant_id,
        Redemption.customer_id == customer_id,
        RESERVED,
        Redemption.expires_at <= now,
    )
    return session.scalars(query.order_by(Redemption.expires_at, Redemption.redemption_id).limit(limit)).all()


def customers_with_stale(session: Session, *, now: datetime, limit: int) -> Sequence[tuple[UUID, str]]:
    """(merchant, customer) of reservations to be given back, of all merchants. For the worker."""
    query = (
        select(Redemption.merchant_id, Redemption.customer_id)
        .where(RESERVED, Redemption.expires_at <= now)
        .distinct()
        .limit(limit)
    )
    return [(row.merchant_id, row.customer_id) for row in session.execute(query)]


def order_ids(session: Session, merchant_id: UUID, redemption_ids: Iterable[UUID]) -> Sequence[tuple[UUID, str | None]]:
    """(redemption, order) of these redemptions."""
    query = select(Redemption.redemption_id, Redemption.order_id).where(
        Redemption.merchant_id == merchant_id, Redemption.redemption_id.in_(list(redemption_ids))
    )
    return [(row.redemption_id, row.order_id) for row in session.execute(query)]
