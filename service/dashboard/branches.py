"""Who brought whom, and what became of it: the branches of the trees that are drawn."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from service.conversions.attribution import REFERRED
from service.conversions.tables.conversions import Conversion, Referral
from service.dashboard.orchard import Branch
from service.database.among import among


def branches(
    session: Session, merchant_id: UUID, advocates: Collection[str], currency: str, *, since: datetime, most: int
) -> Mapping[str, list[Branch]]:
    """advocate -> the latest friends of each, at most so many, oldest first. Who first ordered since then is new."""
    found: dict[str, list[Branch]] = {name: [] for name in advocates}
    rows = session.execute(_query(session, merchant_id, advocates, currency, most))
    for advocate_id, friend_id, created_at, ordered_at, value in rows:
        came_at = ordered_at or created_at
        found[advocate_id].append(Branch(friend_id, came_at, int(value or 0), is_new=came_at >= since))
    return found


def _query(session: Session, merchant_id: UUID, advocates: Collection[str], currency: str, most: int) -> Select[Any]:
    r, c = Referral, Conversion
    newest = func.row_number().over(partition_by=r.advocate_id, order_by=(r.created_at.desc(), r.friend_id))
    of_all = select(r.advocate_id, r.friend_id, r.created_at, newest.label("place"))
    of_all = of_all.where(r.merchant_id == merchant_id, among(session, r.advocate_id, advocates))
    s = of_all.subquery().c
    is_theirs = and_(
        c.merchant_id == merchant_id,
        c.customer_id == s.friend_id,
        c.advocate_id == s.advocate_id,
        c.currency == currency,
        c.status.in_(REFERRED),
    )
    return (
        select(s.advocate_id, s.friend_id, s.created_at, func.min(c.ordered_at), func.sum(c.amount - c.refunded_amount))
        .outerjoin(c, is_theirs)
        .where(s.place <= most)
        .group_by(s.advocate_id, s.friend_id, s.created_at)
        .order_by(s.advocate_id, s.created_at, s.friend_id)
    )
