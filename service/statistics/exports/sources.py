"""Where the rows of each export come from: one query each, in a stable order, with the columns' raw values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from service.conversions.tables.conversions import Conversion, Referral
from service.conversions.tables.refunds import Refund, RefundReversal
from service.customers.tables import Customer
from service.ledger import proof
from service.links.tables import Link
from service.links.visits import Visit
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows. since: inclusive, until: exclusive; None for any. now: at which statuses are told."""

    merchant_id: UUID
    since: datetime | None
    until: datetime | None
    program_id: UUID | None
    now: datetime


def _within(column: Any, wanted: Wanted) -> ColumnElement[bool]:
    bounds = [column >= wanted.since] if wanted.since else []
    return and_(True, *bounds, *([column < wanted.until] if wanted.until else []))


def _of_program(column: Any, wanted: Wanted) -> ColumnElement[bool]:
    return and_(True, *([] if wanted.program_id is None else [column == wanted.program_id]))


def _link_of(model: Any) -> ColumnElement[bool]:
    return and_(Link.merchant_id == model.merchant_id, Link.link_id == model.link_id)


def _order_of(model: Any) -> ColumnElement[bool]:
    return and_(Conversion.merchant_id == model.merchant_id, Conversion.conversion_id == model.conversion_id)


def _visits(wanted: Wanted) -> Select[Any]:
    v = Visit
    columns = (
        v.visit_id,
        v.link_id,
        Link.program_id,
        Link.channel,
        Link.customer_id.label("advocate_id"),
        v.visited_at,
        v.device,
        v.language,
        v.referring_host,
        v.channel.label("via"),
    )
    query = select(*columns).join(Link, _link_of(v)).where(v.merchant_id == wanted.merchant_id)
    query = query.where(_within(v.visited_at, wanted), _of_program(Link.program_id, wanted))
    return query.order_by(v.link_id, v.hour, v.visitor)


def _conversions(wanted: Wanted) -> Select[Any]:
    c = Conversion
    names = (
        "conversion_id order_id amount discount_amount eligible_amount refunded_amount currency customer_id status"
        " reasons program_id terms_version link_id advocate_id ordered_at recorded_at void_reason"
    )
    columns = [getattr(c, name) for name in names.split()]
    query = select(*columns, Link.channel, c.shop_metadata.label("metadata")).outerjoin(Link, _link_of(c))
    query = query.where(c.merchant_id == wanted.merchant_id, _within(c.ordered_at, wanted))
    return query.where(_of_program(c.program_id, wanted)).order_by(c.conversion_id)


def _refunds(wanted: Wanted) -> Select[Any]:
    r, c = Refund, Conversion
    undone = and_(RefundReversal.merchant_id == r.merchant_id, RefundReversal.refund_entry_id == r.entry_id)
    query = select(
        r.refund_id,
        r.conversion_id,
        c.order_id,
        r.amount,
        r.eligible_share.label("eligible_amount"),
        c.currency,
        c.program_id,
        r.refunded_at,
        r.recorded_at,
        RefundReversal.recorded_at.label("reversed_at"),
    )
    query = query.join(c, _order_of(r)).outerjoin(RefundReversal, undone)
    query = query.where(r.merchant_id == wanted.merchant_id, _within(r.refunded_at, wanted))
    return query.where(_of_program(c.program_id, wanted)).order_by(r.entry_id)


def _rewards(wanted: Wanted) -> Select[Any]:
    r, c = Reward, Conversion
    is_ripe = and_(r.status == "pending", r.available_at <= wanted.now)
    taken = case((r.status == "denied", r.amount), else_=r.reversed_amount + func.coalesce(r.lapsed_amount, 0))
    names = (
        "reward_id conversion_id program_id terms_version side customer_id advocate_id friend_id amount reversed_amount"
    )
    columns = [getattr(r, name) for name in (*names.split(), "currency", "available_at", "expires_at", "created_at")]
    query = select(
        *columns,
        c.order_id,
        func.coalesce(r.lapsed_amount, 0).label("lapsed_amount"),
        (r.amount - taken).label("net_amount"),
        r.given_as.label("as"),
        case((is_ripe, "available"), else_=r.status).label("status"),
    )
    query = query.join(c, _order_of(r)).where(r.merchant_id == wanted.merchant_id, _within(c.ordered_at, wanted))
    return query.where(_of_program(r.program_id, wanted)).order_by(r.reward_id)


def _redemptions(wanted: Wanted) -> Select[Any]:
    r = Redemption
    is_over = and_(r.status == "reserved", r.expires_at <= wanted.now)
    query = select(
        r.redemption_id,
        r.customer_id,
        r.order_id,
        r.amount,
        func.coalesce(r.captured_amount, 0).label("captured_amount"),
        r.returned_amount,
        r.currency,
        case((is_over, "voided"), else_=r.status).label("status"),
        r.expires_at,
        r.created_at,
        r.shop_metadata.label("metadata"),
    )
    query = query.where(r.merchant_id == wanted.merchant_id, _within(r.created_at, wanted))
    return query.order_by(r.redemption_id)


def _customers(wanted: Wanted) -> Select[Any]:
    c, r = Customer, Referral
    brought = and_(r.merchant_id == c.merchant_id, r.friend_id == c.customer_id)
    query = select(
        c.customer_id,
        c.first_name,
        c.locale,
        c.since,
        r.advocate_id.label("referred_by"),
        c.created_at,
        c.shop_metadata.label("metadata"),
    )
    of_merchant = (c.merchant_id == wanted.merchant_id, c.merged_into.is_(None))
    query = query.outerjoin(r, brought).where(*of_merchant, _within(c.created_at, wanted))
    return query.order_by(c.customer_id)


def _ledger(wanted: Wanted) -> Select[Any]:
    lines = proof.journal_lines(wanted.merchant_id)
    return lines.where(_within(lines.selected_columns.effective_at, wanted))


SOURCES: Mapping[str, Callable[[Wanted], Select[Any]]] = {
    "visits": _visits,
    "conversions": _conversions,
    "refunds": _refunds,
    "rewards": _rewards,
    "redemptions": _redemptions,
    "customers": _customers,
    "ledger": _ledger,
}
"""Every dataset but advocates, who are ranked: see `rankings`."""
