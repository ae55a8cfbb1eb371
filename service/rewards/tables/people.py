"""What all that was earned, spent and changed by hand says of a customer: said of another one, or without words."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, Update, case, update
from sqlalchemy.orm import Session

from service.rewards.tables.adjustments import Adjustment
from service.rewards.tables.changes import RewardChange
from service.rewards.tables.redemptions import Redemption, RedemptionReturn
from service.rewards.tables.rewards import Reward
from service.rewards.tables.totals import CustomerTotal

Orders = Select[tuple[UUID]]


def hand_over(
    session: Session, merchant_id: UUID, before: str, after: str, *, programs: Collection[UUID], orders: Orders
) -> None:
    """Whatever these tables say of the one customer, they say of the other, who has no totals yet.

    programs: all of the merchant's. orders: those of the customer. The seals of redemptions are of what was.
    """
    for table in (CustomerTotal, RewardChange, RedemptionReturn, Adjustment):
        moved = update(table).where(table.merchant_id == merchant_id, table.customer_id == before)
        _run(session, moved.values(customer_id=after))
    redemptions = update(Redemption).where(Redemption.merchant_id == merchant_id, Redemption.customer_id == before)
    _run(session, redemptions.values(customer_id=after, is_sealed=False))
    for column, which in (
        (Reward.customer_id, (Reward.customer_id == before,)),
        (Reward.advocate_id, (Reward.program_id.in_(programs), Reward.advocate_id == before)),
        (Reward.friend_id, (Reward.conversion_id.in_(orders), Reward.friend_id == before)),
    ):
        _run(session, update(Reward).where(Reward.merchant_id == merchant_id, *which).values({column: after}))


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


def forget_texts(session: Session, merchant_id: UUID, customer_id: str, *, note: str) -> None:
    """Take away what the shop and its staff wrote beside all that this customer has. note: in place of what must be."""
    d, a, r = Redemption, Adjustment, Reward
    of_customer = update(d).where(d.merchant_id == merchant_id, d.customer_id == customer_id)
    _run(session, of_customer.values(shop_metadata=None))
    _run(session, update(a).where(a.merchant_id == merchant_id, a.customer_id == customer_id).values(note=note))
    _run(session, update(r).where(r.merchant_id == merchant_id, r.customer_id == customer_id).values(review_note=None))


def _run(session: Session, statement: Update) -> None:
    session.execute(statement, execution_options={"synchronize_session": False})
