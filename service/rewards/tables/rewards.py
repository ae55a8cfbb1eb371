"""Rewards: what one side earned from one conversion, and what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Select,
    String,
    and_,
    bindparam,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.lists import Page, matching, read_newest
from service.database.passing import passing
from service.database.tables import Base
from service.ledger.rewards import Given

WAITING = "status = 'pending'"
COUNTING = "counted AND status NOT IN ('denied', 'reversed')"
EXPIRING = "status = 'available' AND lapsed_amount IS NULL AND expires_at IS NOT NULL"
LIVING = "status = 'available' AND is_ripe AND used_amount IS NULL AND given_as = 'credit'"
LEFT = "left_amount > 0"


Side = Literal["advocate", "friend"]
RewardStatus = Literal["pending", "available", "lapsed", "denied", "reversed"]


class Reward(Base):
    """What one side earned from one conversion, in minor units.

    given_as: `credit` goes to the customer's balance; `discount` was taken off the order by the shop.
    status: as last stored; a pending one whose time has come counts as available.
    amount: as the order stands now; reversed_amount: what of it was taken back.
    lapsed_amount: what of it lapsed and was not taken back since; None until its time is over.
    used_amount: what of it had been used by then; what goes beyond that lapses.
    left_amount: its lot: what of it the customer has, to be spent or to lapse; nothing before it is ripe, and nothing
    once its time is over.
    is_earned: whether its order, as it was judged last, earns it. Of one kind there is one that does; more there are
    where two advocates of an order became one customer.
    is_ripe: whether its hold has ended in the books.
    nth_referral: which of the advocate's rewarded referrals it belongs to, for the tiers.
    counted: whether the advocate's cap and tiers count the referral by this reward. One reward of each
    conversion does: the advocate's, or the friend's where the advocate earns nothing.
    """

    __tablename__ = "reward"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "conversion_id"], ["conversion.merchant_id", "conversion.conversion_id"]),
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        CheckConstraint("side IN ('advocate', 'friend')", name="side"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("reversed_amount BETWEEN 0 AND amount", name="reversed_amount"),
        CheckConstraint("lapsed_amount BETWEEN 0 AND amount - reversed_amount", name="lapsed_amount"),
        CheckConstraint("used_amount >= 0", name="used_amount"),
        CheckConstraint("left_amount BETWEEN 0 AND amount - reversed_amount", name="left_amount"),
        CheckConstraint(f"left_amount = 0 OR ({LIVING})", name="left_of_what_lives"),
        CheckConstraint("nth_referral > 0", name="nth_referral"),
        CheckConstraint("given_as IN ('credit', 'discount')", name="given_as"),
        CheckConstraint("status IN ('pending', 'available', 'lapsed', 'denied', 'reversed')", name="status"),
        Index(
            "uq_reward_earned",
            "merchant_id",
            "conversion_id",
            "side",
            "customer_id",
            "given_as",
            unique=True,
            postgresql_where=text("is_earned"),
            sqlite_where=text("is_earned = 1"),
        ),
        Index(None, "merchant_id", "conversion_id"),
        Index(
            "ix_reward_earned_by_friend",
            "merchant_id",
            "friend_id",
            "conversion_id",
            postgresql_where=text("is_earned"),
            sqlite_where=text("is_earned = 1"),
        ),
        Index(None, "merchant_id", "customer_id", "reward_id"),
        Index("ix_reward_merchant_id_program_id_advocate_id", "merchant_id", "program_id", "advocate_id"),
        Index(
            "ix_reward_counting",
            "merchant_id",
            "program_id",
            "advocate_id",
            "friend_id",
            postgresql_where=text(COUNTING),
            sqlite_where=text(COUNTING),
        ),
        Index(
            "ix_reward_expiring",
            "expires_at",
            postgresql_where=text(EXPIRING),
            sqlite_where=text(EXPIRING),
        ),
        Index("ix_reward_due", "available_at", postgresql_where=text(WAITING), sqlite_where=text(WAITING)),
        Index(
            "ix_reward_due_of_customer",
            "merchant_id",
            "customer_id",
            "available_at",
            postgresql_where=text(WAITING),
            sqlite_where=text(WAITING),
        ),
        Index(
            "ix_reward_expiring_of_customer",
            "merchant_id",
            "customer_id",
            "expires_at",
            postgresql_where=text(EXPIRING),
            sqlite_where=text(EXPIRING),
        ),
        Index(
            "ix_reward_left",
            "merchant_id",
            "customer_id",
            "currency",
            "expires_at",
            "reward_id",
            postgresql_where=text(LEFT),
            sqlite_where=text(LEFT),
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    reward_id: Mapped[UUID] = mapped_column(primary_key=True)
    conversion_id: Mapped[UUID]
    program_id: Mapped[UUID]
    terms_version: Mapped[int]
    side: Mapped[Side] = mapped_column(String(8))
    customer_id: Mapped[str] = mapped_column(String(255))
    advocate_id: Mapped[str] = mapped_column(String(255))
    friend_id: Mapped[str] = mapped_column(String(255))
    counted: Mapped[bool]
    amount: Mapped[int]
    reversed_amount: Mapped[int]
    lapsed_amount: Mapped[int | None]
    currency: Mapped[str] = mapped_column(String(3))
    given_as: Mapped[Given] = mapped_column(String(8))
    status: Mapped[RewardStatus] = mapped_column(String(9))
    available_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    review_note: Mapped[str | None] = mapped_column(String(500))
    review_key_id: Mapped[UUID | None]
    created_at: Mapped[datetime]
    nth_referral: Mapped[int]
    is_earned: Mapped[bool]
    is_ripe: Mapped[bool]
    used_amount: Mapped[int | None]
    left_amount: Mapped[int]

    @property
    def remaining(self) -> int:
        """What refunds have left of it."""
        return self.amount - self.reversed_amount

    @property
    def is_living(self) -> bool:
        """Whether it is ripe and its time is not over: what comes back to it can be spent, or lapses with it."""
        return self.status == "available" and self.is_ripe and self.used_amount is None

    def status_at(self, now: datetime) -> RewardStatus:
        """The status that a customer is shown at this moment."""
        return "available" if self.status == "pending" and self.available_at <= now else self.status


PENDING = Reward.status == literal("pending", literal_execute=True)
AVAILABLE = Reward.status == literal("available", literal_execute=True)
HAS_LEFT = Reward.left_amount > literal(0, literal_execute=True)
"""Written into the statement, so that the databases see that a partial index serves it."""

_OF_CONVERSIONS = (
    select(Reward)
    .where(Reward.merchant_id == bindparam("merchant"), Reward.conversion_id.in_(bindparam("ids", expanding=True)))
    .order_by(Reward.conversion_id, Reward.side)
)
_SEEN_OF = _OF_CONVERSIONS.with_only_columns(*Reward.__table__.c).execution_options(prepared=True)


@dataclass(frozen=True, slots=True)
class RewardFilter:
    """Which rewards; None for any."""

    conversion_id: UUID | None = None
    customer_id: str | None = None
    program_id: UUID | None = None
    side: Side | None = None


def get(session: Session, merchant_id: UUID, reward_id: UUID) -> Reward | None:
    """The merchant's reward, or None."""
    return session.get(Reward, (merchant_id, reward_id), populate_existing=True)


def of_conversions(session: Session, merchant_id: UUID, conversion_ids: Iterable[UUID]) -> Sequence[Reward]:
    """The rewards that these conversions earned, the advocate's before the friend's."""
    if not (ids := list(conversion_ids)):
        return []
    earned = session.scalars(
        _OF_CONVERSIONS,
        {"merchant": merchant_id, "ids": ids},
        execution_options={"populate_existing": True},
    )
    return earned.all()


def seen_of(session: Session, merchant_id: UUID, conversion_ids: Iterable[UUID]) -> Sequence[Reward]:
    """As `of_conversions`, to be read and not to be changed."""
    ids = list(conversion_ids)
    return passing(session, Reward, _SEEN_OF, {"merchant": merchant_id, "ids": ids}) if ids else []


def page(
    session: Session,
    merchant_id: UUID,
    which: Page,
    wanted: RewardFilter,
    *,
    status: RewardStatus | None,
    now: datetime,
) -> Sequence[Reward]:
    """The merchant's rewards, newest first. status: as it is now, None for any."""
    query = matching(select(Reward).where(Reward.merchant_id == merchant_id), Reward, wanted)
    if status is not None:
        query = _with_status(query, status, now)
    return read_newest(session, Reward, query, Reward.reward_id, which, at=Reward.created_at)


def _with_status(query: Select[tuple[Reward]], status: RewardStatus, now: datetime) -> Select[tuple[Reward]]:
    if status == "pending":
        return query.where(Reward.status == "pending", Reward.available_at > now)
    if status == "available":
        ripe = and_(Reward.status == "pending", Reward.available_at <= now)
        return query.where(or_(Reward.status == "available", ripe))
    return query.where(Reward.status == status)
