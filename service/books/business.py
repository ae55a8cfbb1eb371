"""What the business says should be in the books, read in streams."""

from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    SelectBase,
    SQLColumnExpression,
    case,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, Session

from service.customers.tables import Customer
from service.rewards.references import Step
from service.rewards.tables.adjustments import Adjustment
from service.rewards.tables.changes import RewardChange
from service.rewards.tables.merges import Merge
from service.rewards.tables.redemptions import Redemption, RedemptionReturn
from service.rewards.tables.rewards import HAS_LEFT, Reward
from service.rewards.tables.totals import CustomerTotal

BATCH = 1_000
Holding = tuple[str, str, int]
"""(opaque name of the owner, currency, minor units)"""


Among = Collection[UUID] | None
"""The ids of those that are asked for; None for all."""


def earned(session: Session, merchant_id: UUID, among: Among) -> Iterator[tuple[UUID, int]]:
    """(conversion, minor units that both sides earned by it at first) of conversions that earned something then.

    What rewards are worth now, less all that changed them since.
    """
    c = RewardChange
    worth = case((Reward.status == "denied", 0), else_=Reward.amount - Reward.reversed_amount)
    parts = union_all(
        select(Reward.conversion_id, worth.label("amount")).where(
            Reward.merchant_id == merchant_id, _is_among(Reward.conversion_id, among)
        ),
        select(c.conversion_id, (-c.amount).label("amount")).where(
            c.merchant_id == merchant_id, _is_among(c.conversion_id, among)
        ),
    ).subquery()
    total = func.sum(parts.c.amount)
    query = select(parts.c.conversion_id, total).group_by(parts.c.conversion_id).having(total != 0)
    for conversion_id, amount in session.execute(query.execution_options(yield_per=BATCH)):
        yield conversion_id, int(amount)


def changed(session: Session, merchant_id: UUID, among: Among) -> Iterator[tuple[UUID, Step, UUID, int, int]]:
    """(conversion, step, its id, minor units given, minor units taken) of every step that changed rewards."""
    c = RewardChange
    given = func.sum(case((c.amount > 0, c.amount), else_=0))
    taken = func.sum(case((c.amount < 0, -c.amount), else_=0))
    query = (
        select(c.conversion_id, c.step, c.entry_id, given, taken)
        .where(c.merchant_id == merchant_id, _is_among(c.conversion_id, among))
        .group_by(c.conversion_id, c.step, c.entry_id)
        .execution_options(yield_per=BATCH)
    )
    for conversion_id, step, entry_id, more, less in session.execute(query):
        yield conversion_id, Step(step), entry_id, int(more), int(less)


def ripe(session: Session, merchant_id: UUID, among: Among) -> Iterator[tuple[UUID, UUID, int]]:
    """(conversion, reward, minor units that lapsed when its time was over) of credits whose hold has ended."""
    c = RewardChange
    since = (
        select(func.sum(c.lapsed_amount))
        .where(c.merchant_id == Reward.merchant_id, c.reward_id == Reward.reward_id)
        .scalar_subquery()
    )
    at_first = func.coalesce(Reward.lapsed_amount, 0) - func.coalesce(since, 0)
    query = select(Reward.conversion_id, Reward.reward_id, at_first).where(
        Reward.merchant_id == merchant_id,
        Reward.given_as == "credit",
        Reward.is_ripe,
        _is_among(Reward.conversion_id, among),
    )
    for conversion_id, reward_id, amount in session.execute(query.execution_options(yield_per=BATCH)):
        yield conversion_id, reward_id, int(amount)


def lapsed(session: Session, merchant_id: UUID) -> dict[str, int]:
    """currency -> minor units that lapsed and were not taken back since."""
    query = (
        select(Reward.currency, func.sum(func.coalesce(Reward.lapsed_amount, 0)))
        .where(Reward.merchant_id == merchant_id)
        .group_by(Reward.currency)
    )
    return {currency: int(total) for currency, total in session.execute(query)}


def redemptions(session: Session, merchant_id: UUID, among: Among) -> Iterator[Redemption]:
    """Uses of balances."""
    query = select(Redemption).where(Redemption.merchant_id == merchant_id, _is_among(Redemption.redemption_id, among))
    yield from session.scalars(query.execution_options(yield_per=BATCH))


def returns(session: Session, merchant_id: UUID, among: Among) -> Iterator[RedemptionReturn]:
    """Captured credit that was given back."""
    query = select(RedemptionReturn).where(
        RedemptionReturn.merchant_id == merchant_id, _is_among(RedemptionReturn.redemption_id, among)
    )
    yield from session.scalars(query.execution_options(yield_per=BATCH))


def adjustments(session: Session, merchant_id: UUID, among: Among) -> Iterator[Adjustment]:
    """Changes by hand."""
    query = select(Adjustment).where(Adjustment.merchant_id == merchant_id, _is_among(Adjustment.adjustment_id, among))
    yield from session.scalars(query.execution_options(yield_per=BATCH))


def merges(session: Session, merchant_id: UUID, among: Among) -> Iterator[tuple[UUID, int]]:
    """(merge, minor units that were pending) of customers who became one with another, and had something."""
    query = select(Merge).where(Merge.merchant_id == merchant_id, _is_among(Merge.merge_id, among))
    for merge in session.scalars(query.execution_options(yield_per=BATCH)):
        if merge.moved:
            yield merge.merge_id, sum(held["pending"] for held in merge.moved)


def pending(session: Session, merchant_id: UUID) -> Iterator[Holding]:
    """Credits that wait for the end of their hold, by owner and currency."""
    left = Reward.amount - Reward.reversed_amount
    is_pending = (Reward.given_as == "credit") & (Reward.status == "pending")
    yield from _by_owner(session, merchant_id, _amounts(Reward, left).where(is_pending))


def reserved(session: Session, merchant_id: UUID) -> Iterator[Holding]:
    """Reservations that nobody has settled, by owner and currency."""
    query = _amounts(Redemption, Redemption.amount).where(Redemption.status == "reserved")
    yield from _by_owner(session, merchant_id, query)


def lots(session: Session, merchant_id: UUID) -> Iterator[Holding]:
    """What is left of rewards, and never lapses besides, by owner and currency."""
    kept = union_all(
        _amounts(Reward, Reward.left_amount).where(HAS_LEFT),
        _amounts(CustomerTotal, CustomerTotal.lasting),
    )
    yield from _by_owner(session, merchant_id, kept)


def positions(session: Session, merchant_id: UUID) -> Iterator[Holding]:
    """What owners should have in all, less what they owe: earned, adjusted, spent and lapsed, by owner and currency."""
    left = Reward.amount - Reward.reversed_amount - func.coalesce(Reward.lapsed_amount, 0)
    by_hand = case((Adjustment.direction == "credit", Adjustment.amount), else_=-Adjustment.amount)
    kept = union_all(
        _amounts(Reward, left).where(Reward.given_as == "credit", Reward.status != "denied"),
        _amounts(Redemption, Redemption.returned_amount - Redemption.captured_amount).where(
            Redemption.status == "captured"
        ),
        _amounts(Adjustment, by_hand),
    )
    yield from _by_owner(session, merchant_id, kept)


def wrong_totals(session: Session, merchant_id: UUID) -> Iterator[tuple[str, str]]:
    """(owner, currency) of customers whose kept totals are not what their rewards and redemptions add up to."""
    off = totals_off(merchant_id).subquery()
    named = select(_owner(merchant_id, off.c.customer_id), off.c.currency).subquery().c
    query = select(named.owner, named.currency).where(named.owner.is_not(None))
    for owner, currency in session.execute(
        query.order_by(named.owner, named.currency).execution_options(yield_per=BATCH)
    ):
        yield owner.hex, currency


def totals_off(merchant_id: UUID, customer_id: str | None = None) -> Select[tuple[str, str, int, int]]:
    """(customer, currency, earned, spent): how much more their kept totals say than their rewards and redemptions do.

    customer_id: of whom; None for all. In minor units, signed; only where one of them is not 0.
    """
    zero = literal(0)
    total, reward, redemption = CustomerTotal, Reward, Redemption
    taken = reward.reversed_amount - reward.amount
    unspent = redemption.returned_amount - redemption.captured_amount
    parts = [
        select(total.customer_id, total.currency, total.earned.label("earned"), total.spent.label("spent")).where(
            total.merchant_id == merchant_id, _is_of(total.customer_id, customer_id)
        ),
        select(reward.customer_id, reward.currency, taken, zero).where(
            reward.merchant_id == merchant_id,
            _is_of(reward.customer_id, customer_id),
            reward.given_as == "credit",
            reward.status != "denied",
        ),
        select(redemption.customer_id, redemption.currency, zero, unspent).where(
            redemption.merchant_id == merchant_id,
            _is_of(redemption.customer_id, customer_id),
            redemption.status == "captured",
        ),
    ]
    p = union_all(*parts).subquery().c
    earned, spent = func.sum(p.earned), func.sum(p.spent)
    return (
        select(p.customer_id, p.currency, earned.label("earned"), spent.label("spent"))
        .group_by(p.customer_id, p.currency)
        .having((earned != 0) | (spent != 0))
    )


def _is_of(column: InstrumentedAttribute[str], customer_id: str | None) -> ColumnElement[bool]:
    return true() if customer_id is None else column == customer_id


def _is_among(column: InstrumentedAttribute[UUID], among: Among) -> ColumnElement[bool]:
    return true() if among is None else column.in_(among)


def _amounts(
    table: type[Reward | Redemption | Adjustment | CustomerTotal], amount: SQLColumnExpression[Any]
) -> Select[tuple[UUID, str, str, int]]:
    return select(table.merchant_id, table.customer_id, table.currency, amount.label("amount"))


def _by_owner(session: Session, merchant_id: UUID, amounts: SelectBase) -> Iterator[Holding]:
    a = amounts.subquery().c
    total = func.sum(a.amount)
    sums = select(a.customer_id, a.currency, total.label("total")).where(a.merchant_id == merchant_id)
    of = sums.group_by(a.customer_id, a.currency).having(total != 0).subquery()
    named = select(_owner(merchant_id, of.c.customer_id), of.c.currency, of.c.total).subquery().c
    query = select(named.owner, named.currency, named.total).where(named.owner.is_not(None))
    query = query.order_by(named.owner, named.currency).execution_options(yield_per=BATCH)
    for owner, currency, amount in session.execute(query):
        yield owner.hex, currency, int(amount)


def _owner(merchant_id: UUID, customer_id: ColumnElement[str]) -> ColumnElement[UUID]:
    """How the books name this customer, looked up by the key; NULL where there is none.

    Not joined: a cursor's join of what nobody has counted goes through all of the one for each of the other.
    """
    whose = select(Customer.owner_id).where(Customer.merchant_id == merchant_id, Customer.customer_id == customer_id)
    return whose.scalar_subquery().label("owner")
