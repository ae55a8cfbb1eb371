"""Rewards that time does something to: which are ripe, and which are over."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from service.customers.tables import Customer
from service.database.engine import Database
from service.rewards.tables.redemptions import STALE, Redemption
from service.rewards.tables.rewards import AVAILABLE, PENDING, Reward

RIPE = (PENDING, Reward.available_at <= bindparam("now"))
OVER = (
    Reward.given_as == "credit",
    AVAILABLE,
    Reward.lapsed_amount.is_(None),
    Reward.expires_at <= bindparam("now"),
)
_OF_CUSTOMER = (Reward.merchant_id == bindparam("merchant"), Reward.customer_id == bindparam("customer"))
_RIPE = (
    select(Reward).where(*_OF_CUSTOMER, *RIPE).order_by(Reward.available_at, Reward.reward_id).limit(bindparam("most"))
)
_EXPIRED = (
    select(Reward).where(*_OF_CUSTOMER, *OVER).order_by(Reward.expires_at, Reward.reward_id).limit(bindparam("most"))
)


def _due_to(customer: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether something is ripe, over, or reserved and forgotten, of this customer."""

    def of(kind: type[Reward | Redemption]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        return kind.merchant_id == bindparam("merchant"), kind.customer_id == customer

    return or_(
        select(Reward.reward_id).where(*of(Reward), *RIPE).exists(),
        select(Reward.reward_id).where(*of(Reward), *OVER).exists(),
        select(Redemption.redemption_id).where(*of(Redemption), *STALE).exists(),
    )


_meant = Customer.__table__.c
_now_id = func.coalesce(_meant.merged_into, _meant.customer_id).label("now_id")
_IS_DUE = select(_due_to(bindparam("customer", type_=String)).label("is_due")).execution_options(prepared=True)
_MEANT_AND_DUE = (
    select(_now_id, _due_to(_now_id).label("is_due"))
    .where(_meant.merchant_id == bindparam("merchant"), _meant.customer_id == bindparam("customer"))
    .execution_options(prepared=True)
)


def is_due(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime) -> bool:
    """Whether time has left something to be booked for this customer."""
    asked = {"merchant": merchant_id, "customer": customer_id, "now": now}
    return bool(session.execute(_IS_DUE, asked).one().is_due)


def due_by_any_id(database: Database, merchant_id: UUID, customer_id: str, *, now: datetime) -> str | None:
    """The customer whom this id means, also one of before they became one with another, if something is due to them."""
    asked = {"merchant": merchant_id, "customer": customer_id, "now": now}
    row = database.at_once(_MEANT_AND_DUE, asked).one_or_none()
    return row.now_id if row is not None and row.is_due else None


def ripe(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime, limit: int) -> Sequence[Reward]:
    """The first of the customer's pending rewards whose hold has ended, in the order in which they ripened."""
    asked = {"merchant": merchant_id, "customer": customer_id, "now": now, "most": limit}
    return session.scalars(_RIPE, asked, execution_options={"populate_existing": True}).all()


def expired(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime, limit: int) -> Sequence[Reward]:
    """The first of the customer's available rewards whose time is over and of which nobody has said what lapsed."""
    asked = {"merchant": merchant_id, "customer": customer_id, "now": now, "most": limit}
    return session.scalars(_EXPIRED, asked, execution_options={"populate_existing": True}).all()


def customers_with_due(session: Session, *, now: datetime, limit: int) -> Sequence[tuple[UUID, str]]:
    """(merchant, customer) of rewards that are ripe or whose time is over, of all merchants. For the worker."""
    query = (
        select(Reward.merchant_id, Reward.customer_id)
        .where(
            or_(
                and_(PENDING, Reward.available_at <= now),
                and_(AVAILABLE, Reward.lapsed_amount.is_(None), Reward.expires_at <= now),
            )
        )
        .distinct()
        .limit(limit)
    )
    return [(row.merchant_id, row.customer_id) for row in session.execute(query)]
