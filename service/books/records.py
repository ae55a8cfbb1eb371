"""Orders and redemptions against what happened to them: sums that are kept must be those of their parts."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from service.conversions.tables.conversions import Conversion
from service.conversions.tables.refunds import Refund, is_reversed
from service.rewards.tables.redemptions import Redemption, RedemptionReturn

BATCH = 1_000


def problems(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Every order and redemption that is not what its parts add up to, in words."""
    for conversion_id, kept, added in session.execute(_refunded(merchant_id)):
        yield f"conversion {conversion_id} says that {kept} were refunded, and its refunds add up to {added}"
    for redemption_id, kept, added in session.execute(_returned(merchant_id)):
        yield f"redemption {redemption_id} says that {kept} were returned, and its returns add up to {added}"


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
