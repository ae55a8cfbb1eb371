"""The orders of a page: of some days, by what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import String, and_, cast, or_, select
from sqlalchemy.orm import Session

from service.conversions.tables.conversions import Conversion
from service.links.tables import Link

AT_ONCE = 50
Place = tuple[datetime, UUID]
"""Where a page goes on: when an order was placed, and which one it was."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders. since: inclusive, until: exclusive; None for any. channel: "" for links without one."""

    since: datetime
    until: datetime
    status: str | None = None
    reason: str | None = None
    program_id: UUID | None = None
    channel: str | None = None
    after: Place | None = None


def listed(session: Session, merchant_id: UUID, wanted: Wanted) -> tuple[Sequence[Conversion], Place | None]:
    """The orders, latest first, and where the next page begins, if there is one."""
    c = Conversion
    query = select(c).where(c.merchant_id == merchant_id, c.ordered_at >= wanted.since, c.ordered_at < wanted.until)
    if wanted.status is not None:
        query = query.where(c.status == wanted.status)
    if wanted.reason is not None:
        query = query.where(cast(c.reasons, String).contains(f'"{wanted.reason}"', autoescape=True))
    if wanted.program_id is not None:
        query = query.where(c.program_id == wanted.program_id)
    if wanted.channel is not None:
        of_link = and_(Link.merchant_id == c.merchant_id, Link.link_id == c.link_id)
        query = query.join(Link, of_link).where(Link.channel == wanted.channel)
    if wanted.after is not None:
        moment, last = wanted.after
        query = query.where(c.ordered_at <= moment)  # what bounds the index; the rest tells those of one moment apart
        query = query.where(or_(c.ordered_at < moment, and_(c.ordered_at == moment, c.conversion_id < last)))
    query = query.order_by(c.ordered_at.desc(), c.conversion_id.desc()).limit(AT_ONCE + 1)
    found = session.scalars(query).all()
    shown = found[:AT_ONCE]
    following = (shown[-1].ordered_at, shown[-1].conversion_id) if len(found) > AT_ONCE else None
    return shown, following
