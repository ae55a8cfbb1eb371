"""The numbers once more, counted by hand from the tables of the core: slowly, and without what is under test."""

from collections import defaultdict
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.conversions.tables.conversions import Conversion, Referral
from service.conversions.tables.refunds import Refund, RefundReversal
from service.ledger import books
from service.links.tables import Link
from service.links.visits import Visit
from service.rewards.tables.rewards import Reward

REFERRED = {"attributed", "repeat", "flagged"}


class ByHand:
    """Everything of a merchant, read once."""

    def __init__(self, session: Session, merchant_id: UUID, zone: str = "UTC") -> None:
        self.zone = ZoneInfo(zone)
        self.rows: dict[Any, Any] = {
            model: session.scalars(select(model).where(model.merchant_id == merchant_id)).all()
            for model in (Conversion, Referral, Refund, RefundReversal, Link, Visit, Reward)
        }
        self.links = {link.link_id: link for link in self.rows[Link]}
        self.standing = [order for order in self.rows[Conversion] if order.voided_at is None]
        self.books = books.transactions(session, merchant_id, limit=1_000_000)
        self.brought_by = {referral.friend_id: referral.advocate_id for referral in self.rows[Referral]}

    def day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def channel(self, order: Any) -> str | None:
        return self.links[order.link_id].channel if order.link_id else None

    def orders_of(self, friend: str) -> list[Any]:
        """The friend's orders of their referral, oldest first."""
        of_friend = [order for order in self.standing if order.customer_id == friend and order.status in REFERRED]
        mine = [order for order in of_friend if order.advocate_id == self.brought_by.get(friend)]
        return sorted(mine, key=lambda order: (order.ordered_at, order.conversion_id))

    def measures(
        self, first: date, end: date, program_id: UUID | None = None, channel: str | None = None
    ) -> dict[str, Any]:
        """Every measure of a period, of all that has this program and channel."""

        def counts(day: date, of_program: UUID | None, of_channel: str | None) -> bool:
            return first <= day < end and program_id in (None, of_program) and channel in (None, of_channel)

        links = [
            link for link in self.links.values() if counts(self.day(link.created_at), link.program_id, link.channel)
        ]
        visits = [
            visit
            for visit in self.rows[Visit]
            if counts(
                self.day(visit.visited_at), self.links[visit.link_id].program_id, self.links[visit.link_id].channel
            )
        ]
        orders = [
            order
            for order in self.standing
            if counts(self.day(order.ordered_at), order.program_id, self.channel(order))
        ]
        friends = {order.customer_id for order in self.standing}
        firsts = {order.conversion_id for friend in friends for order in self.orders_of(friend)[:1]}
        seconds = {order.conversion_id for friend in friends for order in self.orders_of(friend)[1:2]}
        rewarded = {
            reward.conversion_id for reward in self.rows[Reward] if reward.remaining and reward.status != "denied"
        }
        in_order = {order.conversion_id for order in orders}
        return {
            "links": len(links),
            "advocates": len({link.customer_id for link in links}),
            "visits": len(visits),
            "unique_visitors": len({(v.link_id, v.visitor, self.day(v.visited_at)) for v in visits}),
            "orders": len(orders),
            "referred_orders": sum(order.status in REFERRED for order in orders),
            "new_customers": len(in_order & firsts),
            "clients": len((in_order & seconds) - rewarded),
            "buyers": len({o.customer_id for o in self.standing if first <= self.day(o.ordered_at) < end}),
            "money": self._money(first, end, orders, counts),
        }

    def _money(self, first: date, end: date, orders: list[Any], counts: Any) -> dict[str, dict[str, int]]:
        money: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for order in orders:
            if order.status in REFERRED:
                money[order.currency]["revenue"] += order.amount
        by_id = {order.conversion_id: order for order in self.rows[Conversion]}
        undone = {reversal.refund_entry_id for reversal in self.rows[RefundReversal]}
        for refund in self.rows[Refund]:
            order = by_id[refund.conversion_id]
            stands = refund.entry_id not in undone and order.status in REFERRED
            if stands and counts(self.day(refund.refunded_at), order.program_id, self.channel(order)):
                money[order.currency]["refunded"] += refund.amount
        for transaction in self.books:
            noun, name = transaction.reference.split(":")[:2]
            of = by_id[UUID(name)] if noun == "conversion" else None
            day, program = self.day(transaction.effective_at), of.program_id if of else None
            for posting in transaction.postings:
                into, out_of = posting.debit.kind.partition(":")[0], posting.credit.kind.partition(":")[0]
                if counts(day, program, self.channel(of) if of else None):
                    names = ("expense:rewards", "income:lapsed")
                    cost = (posting.debit.kind in names) - (posting.credit.kind in names)
                    money[posting.currency]["reward_cost"] += cost * posting.amount
                mine = {"pending", "available", "reserved", "owed"}
                if day < end:
                    change = ((out_of in mine) - (into in mine)) * posting.amount
                    money[posting.currency]["liability"] += change
        return {currency: dict(amounts) for currency, amounts in money.items()}
