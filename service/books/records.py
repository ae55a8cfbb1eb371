"""Orders and redemptions against what happened to them: sums that are kept must be those of their parts."""

from collections.abc import Iterator
from itertools import groupby
from typing import get_args
from uuid import UUID

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from service.conversions.tables.amendments import Amendment
from service.conversions.tables.conversions import Conversion
from service.conversions.tables.refunds import Refund, is_reversed
from service.rewards.tables.lots import RedemptionPart
from service.rewards.tables.redemptions import Redemption, RedemptionReturn
from service.rewards.tables.rewards import Reward, RewardStatus

BATCH = 1_000


def problems(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Every order and redemption that is not what its parts add up to, in words."""
    for conversion_id, kept, added in session.execute(_refunded(merchant_id)):
        yield f"conversion {conversion_id} says that {kept} were refunded, and its refunds add up to {added}"
    for conversion_id in _misnamed(session, merchant_id):
        yield f"conversion {conversion_id} has other amounts than were reported or amended last"
    for reward_id in session.scalars(_impossible_rewards(merchant_id)):
        yield f"reward {reward_id} is in a state that its amounts do not allow"
    for redemption_id, kept, added in session.execute(_returned(merchant_id)):
        yield f"redemption {redemption_id} says that {kept} were returned, and its returns add up to {added}"
    for redemption_id in session.scalars(_overdrawn(merchant_id)):
        yield f"redemption {redemption_id} has taken more of rewards than it has"


def _misnamed(session: Session, merchant_id: UUID) -> Iterator[UUID]:
    """Orders whose amounts are not those of their report, with all amendments since."""
    a, c = Amendment, Conversion
    amended = select(a).where(a.merchant_id == merchant_id).order_by(a.conversion_id, a.entry_id)
    rows = session.scalars(amended.execution_options(yield_per=BATCH))
    by_order = groupby(rows, key=lambda amendment: amendment.conversion_id)
    of_order = next(by_order, None)
    orders = select(c.conversion_id, c.amount, c.discount_amount, c.eligible_amount, c.reported)
    orders = orders.where(c.merchant_id == merchant_id).order_by(c.conversion_id)
    for conversion_id, *amounts, reported in session.execute(orders.execution_options(yield_per=BATCH)):
        said = [reported.get("amount"), reported.get("discount_amount") or 0, reported.get("eligible_amount")]
        if of_order is not None and of_order[0] == conversion_id:
            for amendment in of_order[1]:
                said = _amended(amendment, discount_before=said[1])
            of_order = next(by_order, None)
        if amounts != said:
            yield conversion_id
    rows.close()


def _amended(amendment: Amendment, *, discount_before: int) -> list[int]:
    """(amount, discount, eligible) that it made. What it did not say of the discount stays as it was."""
    discount = discount_before if amendment.discount_amount is None else amendment.discount_amount
    whole = amendment.amount + discount
    return [amendment.amount, discount, whole if amendment.eligible_amount is None else amendment.eligible_amount]


def _impossible_rewards(merchant_id: UUID) -> Select[tuple[UUID]]:
    """Rewards whose status is not what is left of them, and what time has done to them, allow."""
    is_gone, is_credit = Reward.amount == Reward.reversed_amount, Reward.given_as == "credit"
    wrong = or_(
        Reward.status.not_in(get_args(RewardStatus)),
        and_(Reward.status == "reversed", ~is_gone),
        and_(Reward.status.in_(("pending", "available", "lapsed")), is_gone),
        and_(Reward.status == "pending", Reward.is_ripe),
        and_(Reward.status.in_(("available", "lapsed")), is_credit, ~Reward.is_ripe),
        and_(Reward.status == "lapsed", func.coalesce(Reward.lapsed_amount, 0) == 0),
    )
    query = select(Reward.reward_id).where(Reward.merchant_id == merchant_id, wrong)
    return query.execution_options(yield_per=BATCH)


def _overdrawn(merchant_id: UUID) -> Select[tuple[UUID]]:
    """Redemptions that keep more of rewards than is set aside or spent by them."""
    of = RedemptionPart
    taken = (
        select(func.coalesce(func.sum(of.amount - of.given_back), 0))
        .where(of.merchant_id == merchant_id, of.redemption_id == Redemption.redemption_id)
        .scalar_subquery()
    )
    spent = func.coalesce(Redemption.captured_amount, 0) - Redemption.returned_amount
    has = case((Redemption.status == "reserved", Redemption.amount), else_=spent)
    query = select(Redemption.redemption_id).where(Redemption.merchant_id == merchant_id, taken > has)
    return query.execution_options(yield_per=BATCH)


def _refunded(merchant_id: UUID) -> Select[tuple[UUID, int, int]]:
    added = (
        select(func.coalesce(func.sum(Refund.amount), 0))
        .where(Refund.merchant_id == merchant_id, Refund.conversion_id == Conversion.conversion_id, ~is_reversed)
        .scalar_subquery()
    )
    kept = Conversion.refunded_amount
    query = select(Conversion.conversion_id, kept, added).where(Conversion.merchant_id == merchant_id, kept != added)
    return query.execution_options(yield_per=BATCH)


def _returned(merchant_id: UUID) -> Select[tuple[UUID, int, int]]:
    of = RedemptionReturn
    added = (
        select(func.coalesce(func.sum(of.amount), 0))
        .where(of.merchant_id == merchant_id, of.redemption_id == Redemption.redemption_id)
        .scalar_subquery()
    )
    kept = Redemption.returned_amount
    query = select(Redemption.redemption_id, kept, added).where(Redemption.merchant_id == merchant_id, kept != added)
    return query.execution_options(yield_per=BATCH)
