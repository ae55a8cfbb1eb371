"""What customers ever earned and spent, and have for good, kept as it happens: it costs the same at any age."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, bindparam, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.database.writing import insertion, numbered


class CustomerTotal(Base):
    """What a customer ever earned as credit, net of what was taken back or denied, and spent. Minor units.

    lasting: what of their available credit is of no reward, and never lapses: what a human added, and what came back
    of a reward whose time was over.
    """

    __tablename__ = "customer_total"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        CheckConstraint("earned >= 0", name="earned"),
        CheckConstraint("spent >= 0", name="spent"),
        CheckConstraint("lasting >= 0", name="lasting"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    earned: Mapped[int]
    spent: Mapped[int]
    lasting: Mapped[int]


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a customer's totals, signed, in minor units."""

    customer_id: str
    currency: str
    earned: int = 0
    spent: int = 0
    lasting: int = 0


_GROW = (
    "ON CONFLICT (merchant_id, customer_id, currency) DO UPDATE"
    " SET earned = customer_total.earned + excluded.earned, spent = customer_total.spent + excluded.spent,"
    " lasting = customer_total.lasting + excluded.lasting"
)
_FALL = text(
    "UPDATE customer_total SET earned = earned + :earned, spent = spent + :spent, lasting = lasting + :lasting"
    " WHERE merchant_id = :merchant_id AND customer_id = :customer_id AND currency = :currency"
).bindparams(bindparam("merchant_id", type_=CustomerTotal.__table__.c.merchant_id.type))
_OF_CUSTOMER = (
    select(CustomerTotal.currency, CustomerTotal.earned, CustomerTotal.spent, CustomerTotal.lasting)
    .where(CustomerTotal.merchant_id == bindparam("merchant"), CustomerTotal.customer_id == bindparam("customer"))
    .execution_options(prepared=True)
)


@dataclass(frozen=True, slots=True)
class Ever:
    """A customer's totals in one currency, in minor units, as `CustomerTotal` has them."""

    earned: int = 0
    spent: int = 0
    lasting: int = 0

    @property
    def falls(self) -> bool:
        """Whether, as a change, it takes something away."""
        return min(self.earned, self.spent, self.lasting) < 0


def add(session: Session, merchant_id: UUID, changes: Iterable[Change]) -> None:
    """Add these changes, of customers who are locked. What falls must have risen before."""
    summed: dict[tuple[str, str], Ever] = {}
    for more in changes:
        ever = summed.get((more.customer_id, more.currency), Ever())
        summed[more.customer_id, more.currency] = Ever(
            ever.earned + more.earned, ever.spent + more.spent, ever.lasting + more.lasting
        )
    rows = sorted(summed.items())
    rises = [_row(merchant_id, *key, ever) for key, ever in rows if not ever.falls]
    falls = [_row(merchant_id, *key, ever) for key, ever in rows if ever.falls]
    if rises:
        session.execute(insertion(CustomerTotal.__table__, _GROW, rows=len(rises)), numbered(rises))
    if falls:
        session.execute(_FALL, falls)


def of_customer(session: Session, merchant_id: UUID, customer_id: str) -> dict[str, Ever]:
    """currency -> the customer's totals."""
    rows = session.execute(_OF_CUSTOMER, {"merchant": merchant_id, "customer": customer_id})
    return {currency: Ever(earned, spent, lasting) for currency, earned, spent, lasting in rows}


def _row(merchant_id: UUID, customer_id: str, currency: str, ever: Ever) -> dict[str, Any]:
    return {
        "merchant_id": merchant_id,
        "customer_id": customer_id,
        "currency": currency,
        "earned": ever.earned,
        "spent": ever.spent,
        "lasting": ever.lasting,
    }
