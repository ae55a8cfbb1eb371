"""Conversions, and the referrals that they made."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import flag_modified

from service.conversions.attribution import Status
from service.database.lists import Page, matching, read_newest
from service.database.passing import passing
from service.database.tables import Base

VoidReason = Literal["payment_failed", "cancelled", "fraud", "test", "other"]


class Referral(Base):
    """The fact that one advocate brought one friend.

    A friend has at most one; it gives way only where all of its orders were cancelled or denied.
    rewarded_before: how many of its orders another system rewarded, from which it came: it never gives way. None for
    one that began here.
    """

    __tablename__ = "referral"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "friend_id"], ["customer.merchant_id", "customer.customer_id"]),
        ForeignKeyConstraint(["merchant_id", "advocate_id"], ["customer.merchant_id", "customer.customer_id"]),
        ForeignKeyConstraint(["merchant_id", "link_id"], ["link.merchant_id", "link.link_id"]),
        CheckConstraint("friend_id <> advocate_id", name="two_people"),
        Index(None, "merchant_id", "advocate_id"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    friend_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    advocate_id: Mapped[str] = mapped_column(String(255))
    program_id: Mapped[UUID]
    link_id: Mapped[UUID]
    created_at: Mapped[datetime]
    rewarded_before: Mapped[int | None]


class Conversion(Base):
    """A reported order, whether or not a referral earned credit for it.

    amount: what the customer pays. discount_amount: what the shop took off for the referral. eligible_amount: what
    rewards and the minimum are computed of, before that discount.
    reported: what the first report said, as `orders.Report` reads it: the amounts and what came as a referral.
    customer_id: None where nobody said whose order it is.
    late_attribution: what an admin gave as its referral later, as `attributing` reads it.
    decisions: every rule that was asked and what it said, in order.
    is_sealed: whether a digest of it, as it stands, is in the chain of records.
    """

    __tablename__ = "conversion"
    __table_args__ = (
        UniqueConstraint("merchant_id", "order_id"),
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        ForeignKeyConstraint(["merchant_id", "link_id"], ["link.merchant_id", "link.link_id"]),
        ForeignKeyConstraint(
            ["merchant_id", "program_id", "terms_version"],
            ["program_terms.merchant_id", "program_terms.program_id", "program_terms.terms_version"],
        ),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("discount_amount >= 0", name="discount_amount"),
        CheckConstraint("eligible_amount >= 0", name="eligible_amount"),
        CheckConstraint(
            "status IN ('unattributed', 'declined', 'voided') OR (advocate_id IS NOT NULL AND link_id IS NOT NULL"
            " AND program_id IS NOT NULL AND terms_version IS NOT NULL AND customer_id IS NOT NULL)",
            name="referred",
        ),
        CheckConstraint("refunded_amount BETWEEN 0 AND amount", name="refunded_amount"),
        CheckConstraint("void_reason IN ('payment_failed', 'cancelled', 'fraud', 'test', 'other')", name="void_reason"),
        CheckConstraint("(status = 'voided') = (voided_at IS NOT NULL)", name="voided"),
        CheckConstraint(
            "status IN ('attributed', 'repeat', 'unattributed', 'declined', 'flagged', 'voided')", name="status"
        ),
        Index(None, "merchant_id", "customer_id", "conversion_id"),
        Index(None, "merchant_id", "advocate_id", "conversion_id"),
        Index(None, "merchant_id", "ordered_at"),
        Index(
            "ix_conversion_unsealed",
            "merchant_id",
            "conversion_id",
            postgresql_where=text("NOT is_sealed"),
            sqlite_where=text("is_sealed = 0"),
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversion_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(String(255))
    amount: Mapped[int]
    discount_amount: Mapped[int]
    eligible_amount: Mapped[int]
    refunded_amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    customer_id: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[Status] = mapped_column(String(12))
    reasons: Mapped[list[Any]]
    decisions: Mapped[list[Any]]
    program_id: Mapped[UUID | None]
    terms_version: Mapped[int | None]
    link_id: Mapped[UUID | None]
    advocate_id: Mapped[str | None] = mapped_column(String(255))
    ordered_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    reported: Mapped[dict[str, Any]]
    late_attribution: Mapped[dict[str, Any] | None]
    shop_metadata: Mapped[dict[str, str] | None]
    voided_at: Mapped[datetime | None]
    void_reason: Mapped[VoidReason | None] = mapped_column(String(16))
    void_note: Mapped[str | None] = mapped_column(String(500))
    is_sealed: Mapped[bool] = mapped_column(default=False)

    def to_be_sealed(self) -> None:
        """It changes, so its seal is not of what it is. Written whatever was read: it may have been sealed since."""
        self.is_sealed = False
        flag_modified(self, "is_sealed")


UNSYNCHRONIZED = {"synchronize_session": False}
_c = Conversion.__table__.c
_OF_ONE = {"decisions", "reported"}
_SEEN = (
    select(Conversion.__table__)
    .where(_c.merchant_id == bindparam("merchant"), _c.conversion_id == bindparam("conversion"))
    .execution_options(prepared=True)
)
_DROP_REFERRAL = delete(Referral).where(
    Referral.merchant_id == bindparam("merchant"), Referral.friend_id.in_(bindparam("friends", expanding=True))
)


@dataclass(frozen=True, slots=True)
class ConversionFilter:
    """Which conversions; None for any."""

    order_id: str | None = None
    customer_id: str | None = None
    status: Status | None = None
    advocate_id: str | None = None
    program_id: UUID | None = None


def get(session: Session, merchant_id: UUID, conversion_id: UUID) -> Conversion | None:
    """The merchant's conversion as the database has it now, or None."""
    return session.get(Conversion, (merchant_id, conversion_id), populate_existing=True)


def seen(session: Session, merchant_id: UUID, conversion_id: UUID) -> Conversion | None:
    """The merchant's conversion, to be read and not to be changed, or None."""
    found = passing(session, Conversion, _SEEN, {"merchant": merchant_id, "conversion": conversion_id})
    return found[0] if found else None


def of_order(session: Session, merchant_id: UUID, order_id: str) -> UUID | None:
    """The conversion of the merchant's order of this name, or None."""
    query = select(Conversion.conversion_id).where(
        Conversion.merchant_id == merchant_id, Conversion.order_id == order_id
    )
    return session.scalar(query)


def page(session: Session, merchant_id: UUID, which: Page, wanted: ConversionFilter) -> Sequence[Conversion]:
    """The merchant's conversions, newest first, without what only one that is looked at by itself shows."""
    query = matching(select(Conversion).where(Conversion.merchant_id == merchant_id), Conversion, wanted)
    return read_newest(
        session, Conversion, query, Conversion.conversion_id, which, at=Conversion.ordered_at, without=_OF_ONE
    )


def friends_of(session: Session, merchant_id: UUID, advocate_id: str, *, limit: int) -> Sequence[Referral]:
    """Those whom this advocate brought, latest first."""
    query = select(Referral).where(Referral.merchant_id == merchant_id, Referral.advocate_id == advocate_id)
    return session.scalars(query.order_by(Referral.created_at.desc(), Referral.friend_id).limit(limit)).all()


def brought(session: Session, merchant_id: UUID, friends: Iterable[str]) -> set[str]:
    """Those who brought these customers."""
    query = select(Referral.advocate_id).where(
        Referral.merchant_id == merchant_id, Referral.friend_id.in_(sorted(friends))
    )
    return set(session.scalars(query))


def drop_referral(session: Session, merchant_id: UUID, friends: Iterable[str]) -> None:
    """Forget who brought this friend, by any of these customers, for another who does."""
    keys = {"merchant": merchant_id, "friends": sorted(friends)}
    session.execute(_DROP_REFERRAL, keys, execution_options=UNSYNCHRONIZED)


def order_ids(session: Session, merchant_id: UUID, conversion_ids: Iterable[UUID]) -> Sequence[tuple[UUID, str]]:
    """(conversion, order) of these conversions."""
    query = select(Conversion.conversion_id, Conversion.order_id).where(
        Conversion.merchant_id == merchant_id, Conversion.conversion_id.in_(list(conversion_ids))
    )
    return [(row.conversion_id, row.order_id) for row in session.execute(query)]


def mark_sealed(session: Session, merchant_id: UUID, conversion_ids: Sequence[UUID]) -> None:
    """Say of these orders, which are locked, that they were sealed as they stand."""
    sealed = update(Conversion).where(
        Conversion.merchant_id == merchant_id, Conversion.conversion_id.in_(conversion_ids)
    )
    session.execute(sealed.values(is_sealed=True), execution_options=UNSYNCHRONIZED)
