"""What a customer's page shows: orders of theirs and of friends, follows, and what they have."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Row, String, Uuid, bindparam, select, text
from sqlalchemy.orm import Session

from service.customers import tables as people
from service.customers.tables import Customer
from service.database.tables import Instant
from service.links.tables import Link
from service.links.visits import Visit
from service.rewards.tables import lots
from service.rewards.tables.friends import rewarded_friends
from service.sharing.growth import Earned, Order

AT_ONCE = 20
MOST_FOLLOWS = 500
FOLLOWS_OF = timedelta(days=90)

_ORDER = """
    SELECT newest.conversion_id, newest.ordered_at, newest.status, newest.reasons, newest.customer_id,
           friend.first_name, reward.customer_id AS rewarded, reward.amount, reward.reversed_amount,
           reward.lapsed_amount, reward.currency, reward.given_as, reward.status AS reward_status, reward.available_at,
           reward.left_amount + COALESCE((
               SELECT CAST(SUM(part.amount - part.given_back) AS BIGINT) FROM redemption_part AS part
                 JOIN redemption ON redemption.merchant_id = :merchant
                      AND redemption.redemption_id = part.redemption_id AND redemption.status = 'reserved'
                WHERE part.merchant_id = :merchant AND part.reward_id = reward.reward_id
           ), 0) AS unspent
      FROM (
           SELECT conversion_id, ordered_at, status, reasons, customer_id
             FROM conversion
            WHERE merchant_id = :merchant AND {whose} = :customer AND conversion_id < :before
                  AND status NOT IN ({besides})
            ORDER BY conversion_id DESC LIMIT :most
           ) AS newest
      LEFT JOIN customer AS friend
           ON friend.merchant_id = :merchant AND friend.customer_id = newest.customer_id
      LEFT JOIN reward ON reward.merchant_id = :merchant AND reward.conversion_id = newest.conversion_id
"""
"""All rewards of the order, and not the customer's alone: asked for by the customer too, a database that was never
analysed may read all that the customer ever earned, for each order."""

_COLUMNS: dict[str, Any] = {
    "conversion_id": Uuid,
    "ordered_at": Instant,
    "status": String,
    "reasons": JSON,
    "customer_id": String,
    "first_name": String,
    "rewarded": String,
    "amount": BigInteger,
    "reversed_amount": BigInteger,
    "lapsed_amount": BigInteger,
    "currency": String,
    "given_as": String,
    "reward_status": String,
    "available_at": Instant,
    "unspent": BigInteger,
}
_OF_FRIENDS, _OWN = (
    text(_ORDER.format(whose=whose, besides=besides))
    .bindparams(bindparam("merchant", type_=Uuid), bindparam("before", type_=Uuid))
    .columns(**_COLUMNS)
    for whose, besides in (("advocate_id", "'unattributed'"), ("customer_id", "'unattributed', 'repeat'"))
)
NEWEST = UUID(int=2**128 - 1)
"""Ids grow with time; every order is before this one."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Some orders, newest first. older: before which one the next ones come, None for none."""

    orders: Sequence[Order]
    older: UUID | None


def orders(session: Session, merchant_id: UUID, customer_id: str, *, before: UUID | None, now: datetime) -> Orders:
    """The newest orders that a customer's links brought, and the customer's own that a referral was given for."""
    asked = {"merchant": merchant_id, "customer": customer_id, "before": before or NEWEST, "most": AT_ONCE + 1}
    rows: dict[UUID, Row[Any]] = {}
    for query in (_OF_FRIENDS, _OWN):
        for row in session.execute(query, asked):
            if row.conversion_id not in rows or row.rewarded == customer_id:
                rows[row.conversion_id] = row
    newest = sorted(rows.values(), key=lambda row: row.conversion_id, reverse=True)
    shown = newest[:AT_ONCE]
    older = shown[-1].conversion_id if len(newest) > AT_ONCE else None
    return Orders([_order(row, customer_id, now) for row in shown], older)


def _order(row: Row[Any], customer_id: str, now: datetime) -> Order:
    earned = None
    if row.rewarded == customer_id:
        is_ripe = row.reward_status == "pending" and row.available_at <= now
        earned = Earned(
            amount=row.amount,
            left=row.amount - row.reversed_amount,
            currency=row.currency,
            given_as=row.given_as,
            status="available" if is_ripe else row.reward_status,
            available_at=row.available_at,
            lapsed=row.lapsed_amount or 0,
            unspent=row.unspent,
        )
    is_own = row.customer_id == customer_id
    return Order(row.ordered_at, row.status, row.reasons, is_own, None if is_own else row.first_name, earned)


def follows(session: Session, link: Link, *, now: datetime) -> Sequence[datetime]:
    """When the link was followed lately, newest first; one more than are counted."""
    query = select(Visit.visited_at).where(
        Visit.merchant_id == link.merchant_id, Visit.link_id == link.link_id, Visit.hour > now - FOLLOWS_OF
    )
    return session.scalars(query.order_by(Visit.hour.desc(), Visit.visited_at.desc()).limit(MOST_FOLLOWS + 1)).all()


def lapses(
    session: Session, merchant_id: UUID, customer_id: str, currencies: Iterable[str], *, now: datetime
) -> dict[str, tuple[datetime, int]]:
    """currency -> when something of what is available lapses next if none is spent, and how much, in minor units."""
    found = {}
    for currency in currencies:
        soonest = lots.next_to_lapse(session, merchant_id, customer_id, currency, now=now)
        if soonest is not None:
            found[currency] = soonest
    return found


def friends_so_far(session: Session, program_id: UUID, customer: Customer, *, most: int) -> int:
    """How many friends of this advocate count for the tiers of the program, which tell as many apart."""
    merchant_id = customer.merchant_id
    advocates = people.all_of(session, merchant_id, customer.customer_id, customer.person_id)
    return rewarded_friends(session, merchant_id, program_id=program_id, advocates=advocates, besides=(), most=most)
