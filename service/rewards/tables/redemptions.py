"""Redemptions: balance set aside for an order, then spent or given back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import flag_modified

from service.database.lists import Page, matching, read_newest
from service.database.tables import Base

RedemptionStatus = Literal["reserved", "captured", "voided"]


class Redemption(Base):
    """One use of a balance, in minor units. `captured_amount` is set once, by the capture.

    returned_amount: what of it was given back since. claim: its order, while this is the one redemption for it.
    """

    __tablename__ = "redemption"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("captured_amount BETWEEN 1 AND amount", name="captured_amount"),
        CheckConstraint("status IN ('reserved', 'captured', 'voided')", name="status"),
        CheckConstraint("(status = 'captured') = (captured_amount IS NOT NULL)", name="captured_once"),
        CheckConstraint(
            "returned_amount >= 0 AND returned_amount <= coalesce(captured_amount, 0)", name="returned_amount"
        ),
        CheckConstraint("status <> 'voided' OR claim IS NULL", name="claim"),
        Index("uq_redemption_merchant_id_claim", "merchant_id", "claim", unique=True),
        Index(None, "merchant_id", "order_id"),
        Index(
            "ix_redemption_unsealed",
            "merchant_id",
            "redemption_id",
            postgresql_where=text("NOT is_sealed"),
            sqlite_where=text("is_sealed = 0"),
        ),
        Index(None, "merchant_id", "customer_id", "redemption_id"),
        Index(
            "ix_redemption_stale_of_customer",
            "merchant_id",
            "customer_id",
            "expires_at",
            postgresql_where=text("status = 'reserved'"),
            sqlite_where=text("status = 'reserved'"),
        ),
        Index(
            "ix_redemption_reserved_for_order",
            "merchant_id",
            "order_id",
            "redemption_id",
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
    returned_amount: Mapped[int]
    claim: Mapped[str | None] = mapped_column(String(255))
    shop_metadata: Mapped[dict[str, str] | None]
    is_sealed: Mapped[bool] = mapped_column(default=False)

    def to_be_sealed(self) -> None:
        """It changes, so its seal is not of what it is. Written whatever was read: it may have been sealed since."""
        self.is_sealed = False
        flag_modified(self, "is_sealed")

    def end_unspent(self) -> None:
        """All of it was given back; its order may be paid by another one."""
        self.status, self.claim = "voided", None
        self.to_be_sealed()

    def status_at(self, now: datetime) -> RedemptionStatus:
        """The status at this moment: a reservation that nobody settled in time is given back."""
        return "voided" if self.status == "reserved" and self.expires_at <= now else self.status


class RedemptionReturn(Base):
    """Captured credit that was given back, in minor units. `return_id` is the merchant's, unique in the redemption."""

    __tablename__ = "redemption_return"
    __table_args__ = (
        UniqueConstraint("merchant_id", "redemption_id", "return_id"),
        Index(None, "merchant_id", "customer_id", "recorded_at"),
        ForeignKeyConstraint(["merchant_id", "redemption_id"], ["redemption.merchant_id", "redemption.redemption_id"]),
        CheckConstraint("amount > 0", name="amount"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID]
    customer_id: Mapped[str] = mapped_column(String(255))
    return_id: Mapped[str] = mapped_column(String(255))
    amount: Mapped[int]
    recorded_at: Mapped[datetime]


FRESH = {"populate_existing": True}
RESERVED = Redemption.status == literal("reserved", literal_execute=True)
"""Written into the statement, so that the databases see that a partial index serves it."""
STALE = (RESERVED, Redemption.expires_at <= bindparam("now"))
"""Reserved, and settled by nobody in time."""


def get(session: Session, merchant_id: UUID, redemption_id: UUID) -> Redemption | None:
    """The merchant's redemption as the database has it now, or None."""
    return session.get(Redemption, (merchant_id, redemption_id), populate_existing=True)


@dataclass(frozen=True, slots=True)
class RedemptionFilter:
    """Which redemptions; None for any."""

    customer_id: str | None = None
    order_id: str | None = None


def claimed(session: Session, merchant_id: UUID, order_id: str) -> Redemption | None:
    """The one redemption for this order that was not voided, or None."""
    query = select(Redemption).where(Redemption.merchant_id == merchant_id, Redemption.claim == order_id)
    return session.scalar(query, execution_options=FRESH)


def of_order(session: Session, merchant_id: UUID, order_id: str) -> Sequence[Redemption]:
    """What is reserved for this order."""
    query = select(Redemption).where(Redemption.merchant_id == merchant_id, Redemption.order_id == order_id, RESERVED)
    return session.scalars(query.order_by(Redemption.redemption_id), execution_options=FRESH).all()


def page(
    session: Session,
    merchant_id: UUID,
    which: Page,
    wanted: RedemptionFilter,
    *,
    status: RedemptionStatus | None,
    now: datetime,
) -> Sequence[Redemption]:
    """The merchant's redemptions, newest first. status: as it is now, None for any."""
    query = matching(select(Redemption).where(Redemption.merchant_id == merchant_id), Redemption, wanted)
    is_over = and_(RESERVED, Redemption.expires_at <= now)
    if status == "voided":
        query = query.where(or_(Redemption.status == "voided", is_over))
    elif status is not None:
        query = query.where(Redemption.status == status, ~is_over)
    return read_newest(session, Redemption, query, Redemption.redemption_id, which, at=Redemption.created_at)


def find_return(session: Session, merchant_id: UUID, redemption_id: UUID, return_id: str) -> RedemptionReturn | None:
    """The redemption's return of this name, or None."""
    query = select(RedemptionReturn).where(
        RedemptionReturn.merchant_id == merchant_id,
        RedemptionReturn.redemption_id == redemption_id,
        RedemptionReturn.return_id == return_id,
    )
    return session.scalar(query)


def stale(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime, limit: int) -> Sequence[Redemption]:
    """The first of the customer's reservations that nobody settled in time."""
    query = select(Redemption).where(
        Redemption.merchant_id == merchant_id, Redemption.customer_id == customer_id, *STALE
    )
    query = query.order_by(Redemption.expires_at, Redemption.redemption_id).limit(limit)
    return session.scalars(query, {"now": now}).all()


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
    if not (ids := list(redemption_ids)):
        return []
    query = select(Redemption.redemption_id, Redemption.order_id).where(
        Redemption.merchant_id == merchant_id, Redemption.redemption_id.in_(ids)
    )
    return [(row.redemption_id, row.order_id) for row in session.execute(query)]


def mark_sealed(session: Session, merchant_id: UUID, redemption_ids: Sequence[UUID]) -> None:
    """Say of these redemptions, which are locked, that they were sealed as they stand."""
    sealed = update(Redemption).where(
        Redemption.merchant_id == merchant_id, Redemption.redemption_id.in_(redemption_ids)
    )
    session.execute(sealed.values(is_sealed=True), execution_options={"synchronize_session": False})


def reserved_of(session: Session, merchant_id: UUID, customer_id: str) -> Sequence[UUID]:
    """What is set aside of this customer's balance."""
    query = select(Redemption.redemption_id).where(
        Redemption.merchant_id == merchant_id, Redemption.customer_id == customer_id, RESERVED
    )
    return session.scalars(query.order_by(Redemption.redemption_id)).all()
