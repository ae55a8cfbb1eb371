"""Rewards that time does something to: which are ripe, and which are over."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from service.customers.tables import Customer
from service.database.engine import Database
from service.rewards.tables.redemptions import RESERVED, Redemption
from service.rewards.tables.rewards import AVAILABLE, PENDING, Reward

_DUE = (
    select(Reward)
    .where(
        Reward.merchant_id == bindparam("merchant"),
        Reward.customer_id == bindparam("customer"),
        PENDING,
        Reward.available_at <= bindparam("now"),
    )
    .order_by(Reward.available_at, Reward.reward_id)
    .limit(bindparam("most"))
)


def _due_to(customer: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether something is ripe, over, or reserved and forgotten, of this customer."""
    reward, redemption = Reward.__table__.c, Redemption.__table__.c
    of_rewards = (reward.merchant_id == bindparam("merchant"), reward.customer_id == customer)
    ripe = select(reward.reward_id).where(*of_rewards, PENDING, reward.available_at <= bindparam("now"))
    unlapsed = (reward.given_as == "credit", AVAILABLE, reward.lapsed_amount.is_(None))
    over = select(reward.reward_id).where(*of_rewards, *unlapsed, reward.expires_at <= bindparam("now"))
    stale = select(redemption.redemption_id).where(
        redemption.merchant_id == bindparam("merchant"),
        redemption.customer_id == customer,
        RESERVED,
        redemption.expires_at <= bindparam("now"),
    )
    return or_(ripe.exists(), over.exists(), stale.exists())


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
    return session.scalars(_DUE, asked, execution_options={"populate_existing": True}).all()


def expired(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime, limit: int) -> Sequence[Reward]:
    """The first of the customer's available rewards whose time is over and of which nobody has said what lapsed."""
    query = _unlapsed(merchant_id, customer_id).where(Reward.expires_at <= now)
    query = query.order_by(Reward.expires_at, Reward.reward_id).limit(limit)
    return session.scalars(query, execution_options={"populate_existing": True}).all()


def left_of_unexpired(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime) -> dict[str, int]:
    """currency -> minor units that refunds have left of the customer's available rewards that live on."""
    query = (
        _unlapsed(merchant_id, customer_id)
        .where(or_(Reward.expires_at.is_(None), Reward.expires_at > now))
        .with_only_columns(Reward.currency, func.sum(Reward.amount - Reward.reversed_amount))
        .group_by(Reward.currency)
    )
    return {currency: int(total) for currency, total in session.execute(query)}


def _unlapsed(merchant_id: UUID, customer_id: str) -> Select[tuple[Reward]]:
    return select(Reward).where(
        Reward.merchant_id == merchant_id,
        Reward.customer_id == customer_id,
        Reward.given_as == "credit",
        AVAILABLE,
        Reward.lapsed_amount.is_(None),
    )


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
