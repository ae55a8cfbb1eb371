"""Lots: what is left of each reward that a customer has, and what of it each redemption took."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Row,
    Select,
    Table,
    Uuid,
    bindparam,
    func,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.util import identity_key

from service.database.tables import Base
from service.database.writing import insert_many
from service.rewards.tables.rewards import HAS_LEFT, Reward

NEVER = datetime.max.replace(tzinfo=UTC)
AT_ONCE = 50
"""So many lots are read at first; eight times as many where that was not enough."""


class RedemptionPart(Base):
    """What a redemption took of one reward, and what of that was given back, in minor units.

    What it took of no reward, since that never lapses, is the rest of its amount.
    """

    __tablename__ = "redemption_part"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "redemption_id"], ["redemption.merchant_id", "redemption.redemption_id"]),
        ForeignKeyConstraint(["merchant_id", "reward_id"], ["reward.merchant_id", "reward.reward_id"]),
        Index(None, "merchant_id", "reward_id"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("given_back BETWEEN 0 AND amount", name="given_back"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(primary_key=True)
    reward_id: Mapped[UUID] = mapped_column(primary_key=True)
    amount: Mapped[int]
    given_back: Mapped[int]


@dataclass(frozen=True, slots=True)
class Lot:
    """What is left of a reward, in minor units."""

    reward_id: UUID
    left: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What is still taken of a reward by a redemption, and how much the reward has room for, in minor units.

    room: 0 where the reward's time is over, or it was denied.
    """

    reward_id: UUID
    left: int
    room: int
    expires_at: datetime | None


_LIVE = (
    Reward.merchant_id == bindparam("merchant"),
    Reward.customer_id == bindparam("customer"),
    Reward.currency == bindparam("currency"),
    HAS_LEFT,
)


def _first(*order: Any, is_endless: bool) -> Select[Any]:
    endless = Reward.expires_at.is_(None) if is_endless else Reward.expires_at.is_not(None)
    lots = select(Reward.expires_at, Reward.reward_id, Reward.left_amount).where(*_LIVE, endless)
    return select(lots.order_by(*order).limit(bindparam("most")).subquery())


_FIRST = union_all(
    _first(Reward.expires_at, Reward.reward_id, is_endless=False), _first(Reward.reward_id, is_endless=True)
).execution_options(prepared=True)

_NEXT = (
    select(Reward.expires_at, func.sum(Reward.left_amount).label("total"))
    .where(*_LIVE, Reward.expires_at > bindparam("now"))
    .group_by(Reward.expires_at)
    .order_by(Reward.expires_at)
    .limit(1)
)
_CHANGE = text(
    "UPDATE reward SET left_amount = left_amount + :change WHERE merchant_id = :merchant AND reward_id = :reward"
).bindparams(bindparam("merchant", type_=Uuid), bindparam("reward", type_=Uuid))
_GIVE_BACK = text(
    "UPDATE redemption_part SET given_back = given_back + :back"
    " WHERE merchant_id = :merchant AND redemption_id = :redemption AND reward_id = :reward"
).bindparams(*(bindparam(name, type_=Uuid) for name in ("merchant", "redemption", "reward")))


def first(session: Session, merchant_id: UUID, customer_id: str, currency: str, amount: int) -> list[Lot]:
    """The lots to be spent first, as many as the amount takes, or all where they are less.

    What expires first comes first, then what never does.
    """
    most = AT_ONCE
    while True:
        asked = {"merchant": merchant_id, "customer": customer_id, "currency": currency, "most": most}
        rows = session.execute(_FIRST, asked).all()
        rows = sorted(rows, key=_spent_first)
        ending = sum(row.expires_at is not None for row in rows)
        known = rows if ending < most else rows[:ending]
        if sum(row.left_amount for row in known) >= amount or max(ending, len(rows) - ending) < most:
            return [Lot(row.reward_id, row.left_amount) for row in known]
        most *= 8


def left(session: Session, merchant_id: UUID, customer_id: str) -> dict[str, int]:
    """currency -> what is left of all of the customer's rewards, in minor units."""
    query = select(Reward.currency, func.sum(Reward.left_amount)).where(
        Reward.merchant_id == merchant_id, Reward.customer_id == customer_id, HAS_LEFT
    )
    return {currency: int(total) for currency, total in session.execute(query.group_by(Reward.currency))}


def next_to_lapse(
    session: Session, merchant_id: UUID, customer_id: str, currency: str, *, now: datetime
) -> tuple[datetime, int] | None:
    """When the first lots of the customer are over, and what is left of them, in minor units; None for none."""
    asked = {"merchant": merchant_id, "customer": customer_id, "currency": currency, "now": now}
    row = session.execute(_NEXT, asked).first()
    return None if row is None else (row.expires_at, int(row.total))


def change(session: Session, merchant_id: UUID, changes: Mapping[UUID, int]) -> None:
    """Add to what is left of these rewards, of customers who are locked, signed. What the session has of them it reads
    again.
    """
    rows = [
        {"merchant": merchant_id, "reward": reward_id, "change": more} for reward_id, more in changes.items() if more
    ]
    if not rows:
        return
    session.execute(_CHANGE, rows)
    for reward_id in changes:
        known = session.identity_map.get(identity_key(Reward, (merchant_id, reward_id)))
        if known is not None:
            session.expire(known, ["left_amount"])


_PARTS = cast("Table", RedemptionPart.__table__)


def keep(session: Session, merchant_id: UUID, redemption_id: UUID, taken: Mapping[UUID, int]) -> None:
    """Remember what a redemption took of which rewards."""
    rows = [
        {
            "merchant_id": merchant_id,
            "redemption_id": redemption_id,
            "reward_id": reward_id,
            "amount": amount,
            "given_back": 0,
        }
        for reward_id, amount in taken.items()
    ]
    insert_many(session, _PARTS, rows)


def give_back(session: Session, merchant_id: UUID, backs: Mapping[tuple[UUID, UUID], int]) -> None:
    """Say how much more was given back, by redemption and reward."""
    rows = [
        {"merchant": merchant_id, "redemption": redemption_id, "reward": reward_id, "back": back}
        for (redemption_id, reward_id), back in backs.items()
        if back
    ]
    if rows:
        session.execute(_GIVE_BACK, rows)


def taken(session: Session, merchant_id: UUID, redemption_ids: Collection[UUID]) -> dict[UUID, Sequence[Taken]]:
    """redemption -> what is still taken by it, what is spent first before others."""
    if not redemption_ids:
        return {}
    p, r = RedemptionPart, Reward
    query = (
        select(
            p.redemption_id,
            p.reward_id,
            p.amount,
            p.given_back,
            r.amount.label("worth"),
            r.reversed_amount,
            r.left_amount,
            r.status,
            r.is_ripe,
            r.used_amount,
            r.expires_at,
        )
        .join(r, (r.merchant_id == p.merchant_id) & (r.reward_id == p.reward_id))
        .where(p.merchant_id == merchant_id, p.redemption_id.in_(redemption_ids), p.given_back < p.amount)
    )
    found: dict[UUID, list[Taken]] = defaultdict(list)
    for row in session.execute(query):
        is_open = row.used_amount is None and row.status == "available" and row.is_ripe
        room = row.worth - row.reversed_amount - row.left_amount if is_open else 0
        found[row.redemption_id].append(Taken(row.reward_id, row.amount - row.given_back, room, row.expires_at))
    return {redemption_id: sorted(parts, key=_spent_first) for redemption_id, parts in found.items()}


def keep_until(session: Session, merchant_id: UUID, reward_ids: Collection[UUID], until: datetime) -> None:
    """Let none of these rewards lapse before this time."""
    if not reward_ids:
        return
    later = update(Reward).where(
        Reward.merchant_id == merchant_id, Reward.reward_id.in_(reward_ids), Reward.expires_at < until
    )
    session.execute(later.values(expires_at=until), execution_options={"synchronize_session": "fetch"})


def _spent_first(part: Taken | Row[Any]) -> tuple[datetime, UUID]:
    return part.expires_at or NEVER, part.reward_id
