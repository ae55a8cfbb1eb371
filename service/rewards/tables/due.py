"""Rewards that time does something to: which are ripe, and which are over."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

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
