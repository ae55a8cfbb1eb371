"""Customers: people, named by the merchant's own ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, bindparam, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.database.writing import insertion, numbered
from service.merchants.tables import Merchant


class Customer(Base):
    """One person at one merchant.

    owner_id: the opaque name of this person in the books, which keep nothing personal.
    folded_email: the e-mail in the form in which two spellings of one mailbox are equal.
    since: the first order before Orchard, where the merchant told us.
    """

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("merchant_id", "owner_id"),
        Index(
            "ix_customer_folded_email",
            "merchant_id",
            "folded_email",
            postgresql_where=text("folded_email IS NOT NULL"),
            sqlite_where=text("folded_email IS NOT NULL"),
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    owner_id: Mapped[UUID]
    first_name: Mapped[str | None] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(254))
    folded_email: Mapped[str | None] = mapped_column(String(800))
    locale: Mapped[str | None] = mapped_column(String(35))
    since: Mapped[datetime | None]
    created_at: Mapped[datetime]
    shop_metadata: Mapped[dict[str, str] | None]


_ADD = insertion(Customer.__table__, "ON CONFLICT (merchant_id, customer_id) DO NOTHING")
_c = Customer.__table__.c
_READ = (
    select(_c.customer_id, _c.owner_id, _c.first_name, _c.email, _c.folded_email, _c.locale, _c.since)
    .where(_c.merchant_id == bindparam("merchant"), _c.customer_id.in_(bindparam("ids", expanding=True)))
    .order_by(_c.customer_id)
)
_LOCK = _READ.with_for_update(key_share=True)


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer as it stands; for as long as the transaction lasts, where it was read by `lock`."""

    customer_id: str
    owner_id: UUID
    first_name: str | None = None
    email: str | None = None
    folded_email: str | None = None
    locale: str | None = None
    since: datetime | None = None

    @property
    def owner(self) -> str:
        """How the books name this customer."""
        return self.owner_id.hex


def get(session: Session, merchant_id: UUID, customer_id: str) -> Customer | None:
    """The merchant's customer, or None."""
    return session.get(Customer, (merchant_id, customer_id), populate_existing=True)


def add(session: Session, merchant_id: UUID, customer_id: str, *, owner_id: UUID, created_at: datetime) -> None:
    """Make the customer known, if it is not yet."""
    unsaid = dict.fromkeys(("first_name", "email", "folded_email", "locale", "since", "shop_metadata"))
    named = {"merchant_id": merchant_id, "customer_id": customer_id, "owner_id": owner_id, "created_at": created_at}
    session.execute(_ADD, numbered([{**unsaid, **named}]))


def known(session: Session, merchant_id: UUID, customer_ids: Iterable[str]) -> dict[str, KnownCustomer]:
    """These customers by their ids; the answer lacks those that do not exist."""
    rows = session.execute(_READ, {"merchant": merchant_id, "ids": sorted(set(customer_ids))})
    return {row.customer_id: KnownCustomer(**row._mapping) for row in rows}


def lock(session: Session, merchant_id: UUID, customer_ids: Iterable[str]) -> dict[str, KnownCustomer]:
    """As `known`, and locks them in the global order until the transaction ends."""
    rows = session.execute(_LOCK, {"merchant": merchant_id, "ids": sorted(set(customer_ids))})
    return {row.customer_id: KnownCustomer(**row._mapping) for row in rows}


def change(session: Session, merchant_id: UUID, customer_id: str, columns: Mapping[str, object]) -> None:
    """Set these columns of a customer that exists."""
    query = update(Customer).where(Customer.merchant_id == merchant_id, Customer.customer_id == customer_id)
    session.execute(query.values(**columns), execution_options={"synchronize_session": False})
