"""What all that was earned, spent and changed by hand says of a customer: said of another one, or without words."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Delete, Select, Update, case, delete, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.rewards.tables import totals
from service.rewards.tables.adjustments import Adjustment
from service.rewards.tables.changes import RewardChange
from service.rewards.tables.merges import Merge
from service.rewards.tables.redemptions import Redemption, RedemptionReturn
from service.rewards.tables.rewards import Reward
from service.rewards.tables.totals import CustomerTotal


@dataclass(frozen=True, slots=True)
class Concerned:
    """By what rewards are found that say something of a customer: all programs of the merchant, and the customer's own
    orders, for a statement.
    """

    programs: Collection[UUID]
    orders: Select[tuple[UUID]]

    def rewards(self, customer_id: str) -> list[tuple[InstrumentedAttribute[str], tuple[ColumnElement[bool], ...]]]:
        """(column, which rewards name the customer in it), each so that an index finds them."""
        r = Reward
        return [
            (r.customer_id, (r.customer_id == customer_id,)),
            (r.advocate_id, (r.program_id.in_(self.programs), r.advocate_id == customer_id)),
            (r.friend_id, (r.conversion_id.in_(self.orders), r.friend_id == customer_id)),
        ]


def hand_over(session: Session, merchant_id: UUID, before: str, after: str, concerned: Concerned) -> None:
    """Whatever these tables say of the one customer, they say of the other; seals of redemptions are of what was."""
    _add_totals(session, merchant_id, before, after)
    for table in (RewardChange, RedemptionReturn, Adjustment, Merge):
        moved = update(table).where(table.merchant_id == merchant_id, table.customer_id == before)
        _run(session, moved.values(customer_id=after))
    redemptions = update(Redemption).where(Redemption.merchant_id == merchant_id, Redemption.customer_id == before)
    _run(session, redemptions.values(customer_id=after, is_sealed=False))
    for column, which in concerned.rewards(before):
        _run(session, update(Reward).where(Reward.merchant_id == merchant_id, *which).values({column: after}))


def _add_totals(session: Session, merchant_id: UUID, before: str, after: str) -> None:
    ever = totals.of_customer(session, merchant_id, before)
    changes = [totals.Change(after, currency, was.earned, was.spent, was.lasting) for currency, was in ever.items()]
    gone = delete(CustomerTotal).where(CustomerTotal.merchant_id == merchant_id, CustomerTotal.customer_id == before)
    _run(session, gone)
    totals.add(session, merchant_id, changes)


def forget_former_ids(session: Session, merchant_id: UUID, customer_id: str) -> None:
    """Say no more who became one with this customer."""
    merges = update(Merge).where(Merge.merchant_id == merchant_id, Merge.customer_id == customer_id)
    _run(session, merges.values(former_id=customer_id))


def end_all(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime) -> None:
    """The time of all credit that the customer has is over now; of what is not ripe yet, as soon as it is."""
    later = case((Reward.available_at > now, Reward.available_at), else_=now)
    query = update(Reward).where(
        Reward.merchant_id == merchant_id,
        Reward.customer_id == customer_id,
        Reward.given_as == "credit",
        Reward.status.in_(("pending", "available")),
        Reward.lapsed_amount.is_(None),
    )
    _run(session, query.values(expires_at=later))


def forget_texts(session: Session, merchant_id: UUID, customer_id: str, concerned: Concerned, *, note: str) -> None:
    """Take away what the shop and its staff wrote of this customer, beside their own things and beside what others have
    by them. note: in place of what must be.
    """
    d, a, r = Redemption, Adjustment, Reward
    of_customer = update(d).where(d.merchant_id == merchant_id, d.customer_id == customer_id)
    _run(session, of_customer.values(shop_metadata=None))
    _run(
        session,
        update(a).where(a.merchant_id == merchant_id, a.customer_id == customer_id).values(note=note, opened_as=None),
    )
    for _, which in concerned.rewards(customer_id):
        noted = update(r).where(r.merchant_id == merchant_id, *which, r.review_note.is_not(None))
        _run(session, noted.values(review_note=note))


def _run(session: Session, statement: Update | Delete) -> None:
    session.execute(statement, execution_options={"synchronize_session": False})
