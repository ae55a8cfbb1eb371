"""Who brought whom, and what became of it: the branches of the trees that are drawn."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session

from service.conversions.attribution import REFERRED
from service.conversions.tables.conversions import Conversion, Referral
from service.dashboard.orchard import Branch
from service.database.among import among
from service.links.tables import Link

LOOKED_THROUGH = 4
"""How many times as many of the latest friends are looked through for those of one program, channel or currency."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which branches: the latest `most` of each tree, of one currency, program and channel (None for any).

    since: who first ordered then or later is new.
    """

    currency: str
    since: datetime
    most: int
    program_id: UUID | None = None
    channel: str | None = None


def branches(
    session: Session, merchant_id: UUID, advocates: Collection[str], wanted: Wanted
) -> Mapping[str, list[Branch]]:
    """advocate -> their friends, oldest first.

    As the statistics count them: a friend is of the program, the channel and the currency of their first order.
    """
    found: dict[str, list[Branch]] = {name: [] for name in advocates}
    for advocate_id, friend_id, came_at, value in session.execute(_query(session, merchant_id, advocates, wanted)):
        found[advocate_id].append(Branch(friend_id, came_at, int(value), is_new=came_at >= wanted.since))
    return {name: of_one[-wanted.most :] for name, of_one in found.items()}


def _query(session: Session, merchant_id: UUID, advocates: Collection[str], wanted: Wanted) -> Select[Any]:
    r, c = Referral, Conversion
    newest = func.row_number().over(partition_by=r.advocate_id, order_by=(r.created_at.desc(), r.friend_id))
    of_all = select(r.advocate_id, r.friend_id, r.created_at, newest.label("place"))
    s = of_all.where(r.merchant_id == merchant_id, among(session, r.advocate_id, advocates)).subquery().c
    is_theirs = and_(
        c.merchant_id == merchant_id,
        c.customer_id == s.friend_id,
        c.advocate_id == s.advocate_id,
        c.status.in_(REFERRED),
    )
    is_of_link = and_(Link.merchant_id == merchant_id, Link.link_id == c.link_id)
    asked = {c.currency: wanted.currency, c.program_id: wanted.program_id, Link.channel: wanted.channel}
    is_wanted = and_(*(column == value for column, value in asked.items() if value is not None))
    first = func.min(c.ordered_at)
    return (
        select(s.advocate_id, s.friend_id, first, func.sum(case((is_wanted, c.amount - c.refunded_amount), else_=0)))
        .join(c, is_theirs)
        .join(Link, is_of_link)
        .where(s.place <= LOOKED_THROUGH * wanted.most)
        .group_by(s.advocate_id, s.friend_id, s.created_at)
        .having(func.min(case((is_wanted, c.ordered_at))) == first)
        .order_by(s.advocate_id, s.created_at, s.friend_id)
    )
