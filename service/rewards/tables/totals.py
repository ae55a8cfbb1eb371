"""What customers ever earned and spent, kept as it happens: a balance costs the same at any age of the customer."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.database.writing import insertion, numbered


class CustomerTotal(Base):
    """What a customer ever earned as credit, net of what was taken back or denied, and spent. Minor units."""

    __tablename__ = "customer_total"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        CheckConstraint("earned >= 0", name="earned"),
        CheckConstraint("spent >= 0", name="spent"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    earned: Mapped[int]
    spent: Mapped[int]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a customer's totals, signed, in minor units."""

    customer_id: str
    currency: str
    earned: int = 0
    spent: int = 0


_GROW = (
    "ON CONFLICT (merchant_id, customer_id, currency) DO UPDATE"
    " SET earned = customer_total.earned + excluded.earned, spent = customer_total.spent + excluded.spent"
)
_FALL = text(
    "UPDATE customer_total SET earned = earned + :earned, spent = spent + :spent"
    " WHERE merchant_id = :merchant_id AND customer_id = :customer_id AND currency = :currency"
).bindparams(bindparam("merchant_id", type_=CustomerTotal.__table__.c.merchant_id.type))
_OF_CUSTOMER = (
    select(CustomerTotal.currency, CustomerTotal.earned, CustomerTotal.spent)
    .where(CustomerTotal.merchant_id == bindparam("merchant"), CustomerTotal.customer_id == bindparam("customer"))
    .execution_options(prepared=True)
)


def add(session: Session, merchant_id: UUID, changes: Iterable[Change]) -> None:
    """Add these changes, of customers who are locked. What falls must have risen before."""
    summed: dict[tuple[str, str], tuple[int, int]] = {}
    for change in changes:
        earned, spent = summed.get((change.customer_id, change.currency), (0, 0))
        summed[change.customer_id, change.currency] = (earned + change.earned, spent + change.spent)
    rows: list[dict[str, Any]] = [
        {"merchant_id": merchant_id, "customer_id": name, "currency": currency, "earned": earned, "spent": spent}
        for (name, currency), (earned, spent) in sorted(summed.items())
    ]
    rises = [row for row in rows if row["earned"] >= 0 and row["spent"] >= 0]
    falls = [row for row in rows if row["earned"] < 0 or row["spent"] < 0]
    if rises:
        session.execute(insertion(CustomerTotal.__table__, _GROW, rows=len(rises)), numbered(rises))
    if falls:
        session.execute(_FALL, falls)


def of_customer(session: Session, merchant_id: UUID, customer_id: str) -> dict[str, tuple[int, int]]:
    """currency -> (earned, spent), in minor units."""
    rows = session.execute(_OF_CUSTOMER, {"merchant": merchant_id, "customer": customer_id})
    return {currency: (earned, spent) for currency, earned, spent in rows}
