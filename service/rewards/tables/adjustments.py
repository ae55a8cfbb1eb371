"""Adjustments: what a human added to a balance or took from it, and why."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, false, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.lists import Page, read_newest
from service.database.tables import Base

Direction = Literal["credit", "debit"]


class Adjustment(Base):
    """One change by hand, in minor units. direction: `credit` adds to what is available, `debit` takes from it.

    is_opening: whether it is what the customer brought along from another system. opened_as: by which id, which has one
    in a currency; None where it is none, or the id is to be told no more. key_id: of the API key by which it was made;
    None for what a command made.
    """

    __tablename__ = "adjustment"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        CheckConstraint("direction IN ('credit', 'debit')", name="direction"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("note <> ''", name="note"),
        Index(None, "merchant_id", "customer_id"),
        Index(
            "uq_adjustment_opening",
            "merchant_id",
            "opened_as",
            "currency",
            unique=True,
            postgresql_where=text("opened_as IS NOT NULL"),
            sqlite_where=text("opened_as IS NOT NULL"),
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    adjustment_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(255))
    direction: Mapped[Direction] = mapped_column(String(6))
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    note: Mapped[str] = mapped_column(String(500))
    is_opening: Mapped[bool] = mapped_column(server_default=false())
    opened_as: Mapped[str | None] = mapped_column(String(255))
    key_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


def get(session: Session, merchant_id: UUID, adjustment_id: UUID) -> Adjustment | None:
    """The merchant's adjustment, or None."""
    return session.get(Adjustment, (merchant_id, adjustment_id))


def page(session: Session, merchant_id: UUID, which: Page) -> Sequence[Adjustment]:
    """The merchant's adjustments, newest first."""
    query = select(Adjustment).where(Adjustment.merchant_id == merchant_id)
    return read_newest(session, Adjustment, query, Adjustment.adjustment_id, which, at=Adjustment.created_at)


def notes(session: Session, merchant_id: UUID, adjustment_ids: Iterable[UUID]) -> dict[UUID, str]:
    """adjustment -> its note."""
    if not (ids := list(adjustment_ids)):
        return {}
    query = select(Adjustment.adjustment_id, Adjustment.note).where(
        Adjustment.merchant_id == merchant_id, Adjustment.adjustment_id.in_(ids)
    )
    return {row.adjustment_id: row.note for row in session.execute(query)}


def opening(session: Session, merchant_id: UUID, opened_as: str, currency: str) -> Adjustment | None:
    """What was brought along by this id in this currency, or None."""
    query = select(Adjustment).where(
        Adjustment.merchant_id == merchant_id,
        Adjustment.opened_as == opened_as,
        Adjustment.opened_as.is_not(None),
        Adjustment.currency == currency,
    )
    return session.scalar(query)
