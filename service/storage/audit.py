"""What the business says should be in the books, read in streams."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.storage.customers import Customer
from service.storage.redemptions import Redemption
from service.storage.refunds import Refund, Reversal
from service.storage.rewards import Reward

BATCH = 1_000


def earned(session: Session, merchant_id: UUID) -> Iterator[tuple[UUID, int]]:
    """(conversion, minor units earned by both sides) of conversions that earned something."""
    query = (
        select(Reward.conversion_id, func.sum(Reward.amount))
        .where(Reward.merchant_id == merchant_id)
        .group_by(Reward.conversion_id)
        .execution_options(yield_per=BATCH)
    )
    for conversion_id, total in session.execute(query):
        yield conversion_id, int(total)


def taken_back(session: Session, merchant_id: UUID) -> Iterator[tuple[UUID, UUID, int]]:
    """(conversion, refund entry, minor units taken back) of refunds that took something back."""
    query = (
        select(Refund.conversion_id, Refund.entry_id, func.sum(Reversal.amount))
        .join(Reversal, (Reversal.merchant_id == Refund.merchant_id) & (Reversal.entry_id == Refund.entry_id))
        .where(Refund.merchant_id == merchant_id)
        .group_by(Refund.conversion_id, Refund.entry_id)
        .execution_options(yield_per=BATCH)
    )
    for conversion_id, entry_id, total in session.execute(query):
        yield conversion_id, entry_id, int(total)


def reviewed_or_ripe(session: Session, merchant_id: UUID) -> Iterator[Reward]:
    """The credits that are not pending any more."""
    query = select(Reward).where(
        Reward.merchant_id == merchant_id, Reward.given_as == "credit", Reward.status != "pending"
    )
    yield from session.scalars(query.execution_options(yield_per=BATCH))


def lapsed(session: Session, merchant_id: UUID) -> dict[str, int]:
    """currency -> minor units that lapsed and were not taken back since."""
    query = (
        select(Reward.currency, func.sum(func.coalesce(Reward.lapsed_amount, 0)))
        .where(Reward.merchant_id == merchant_id)
        .group_by(Reward.currency)
    )
    return {currency: int(total) for currency, total in session.execute(query)}


def pending(session: Session, merchant_id: UUID) -> Iterator[tuple[UUID, str, int]]:
    """(owner, currency, minor units) of credits that wait for the end of their hold."""
    query = (
        select(Customer.owner_id, Reward.currency, func.sum(Reward.amount - Reward.reversed_amount))
        .join(Customer, (Customer.merchant_id == Reward.merchant_id) & (Customer.customer_id == Reward.customer_id))
        .where(Reward.merchant_id == merchant_id, Reward.given_as == "credit", Reward.status == "pending")
        .group_by(Customer.owner_id, Reward.currency)
        .execution_options(yield_per=BATCH)
    )
    for owner, currency, total in session.execute(query):
        yield owner, currency, int(total)


def reserved(session: Session, merchant_id: UUID) -> Iterator[tuple[UUID, str, int]]:
    """(owner, currency, minor units) of reservations that nobody has settled."""
    query = (
        select(Customer.owner_id, Redemption.currency, func.sum(Redemption.amount))
        .join(
            Customer,
            (Customer.merchant_id == Redemption.merchant_id) & (Customer.customer_id == Redemption.customer_id),
        )
        .where(Redemption.merchant_id == merchant_id, Redemption.status == "reserved")
        .group_by(Customer.owner_id, Redemption.currency)
        .execution_options(yield_per=BATCH)
    )
    for owner, currency, total in session.execute(query):
        yield owner, currency, int(total)


def redemptions(session: Session, merchant_id: UUID) -> Iterator[Redemption]:
    """All uses of balances."""
    query = select(Redemption).where(Redemption.merchant_id == merchant_id)
    yield from session.scalars(query.execution_options(yield_per=BATCH))
