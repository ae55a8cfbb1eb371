"""What the business says in two places, so that it need not be looked up: it must be the same in both."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from service.conversions.tables.conversions import Conversion
from service.customers.tables import Customer
from service.programs.tables import Program, ProgramTerms
from service.rewards.tables.changes import RewardChange
from service.rewards.tables.merges import Merge
from service.rewards.tables.redemptions import Redemption, RedemptionReturn
from service.rewards.tables.rewards import Reward

BATCH = 1_000
Table = Any
"""A mapped class."""


def problems(session: Session, merchant_id: UUID) -> Iterator[str]:
    """Every row that does not agree with what it belongs to, in words."""
    for table, named, wrong in _disagreeing(merchant_id):
        query = select(named).where(table.merchant_id == merchant_id, wrong)
        for name in session.scalars(query.execution_options(yield_per=BATCH)):
            yield f"{named.key.removesuffix('_id')} {name} does not agree with what it belongs to"


def _disagreeing(merchant_id: UUID) -> Sequence[tuple[Table, Any, ColumnElement[bool]]]:
    """(table, the column by which a row of it is named, whether it is wrong)."""
    r, c, h = Reward, Conversion, RewardChange
    d, b = Redemption, RedemptionReturn
    earned = or_(
        ~r.is_earned,
        c.status != "attributed",
        and_(
            r.advocate_id == c.advocate_id,
            r.friend_id == c.customer_id,
            r.program_id == c.program_id,
            r.terms_version == c.terms_version,
        ),
    )
    of_order = _none(c, merchant_id, c.conversion_id == r.conversion_id, c.currency == r.currency, earned)
    is_whose = case((r.side == "advocate", r.advocate_id), (r.side == "friend", r.friend_id), else_="")
    of_reward = _none(r, merchant_id, r.reward_id == h.reward_id, *_same(r, h, "customer_id", "conversion_id"))
    of_redemption = _none(d, merchant_id, d.redemption_id == b.redemption_id, d.customer_id == b.customer_id)
    last = select(func.max(ProgramTerms.terms_version)).where(
        ProgramTerms.merchant_id == merchant_id, ProgramTerms.program_id == Program.program_id
    )
    is_worth_something = and_(~r.is_earned, r.status != "denied", r.amount > r.reversed_amount)
    former, now = aliased(Customer), aliased(Customer)
    of_nobody = _none(now, merchant_id, now.customer_id == former.merged_into, now.merged_into.is_(None))
    still_two = _none(former, merchant_id, former.customer_id == Merge.former_id, former.merged_into.is_not(None))
    is_wrong_reward = or_(of_order, r.customer_id != is_whose, is_worth_something, _wrong_end())
    return (
        (former, former.customer_id, and_(former.merged_into.is_not(None), of_nobody)),
        (Merge, Merge.merge_id, and_(Merge.former_id != Merge.customer_id, still_two)),
        (Program, Program.program_id, Program.terms_version != last.scalar_subquery()),
        (r, r.reward_id, is_wrong_reward),
        (h, h.reward_id, of_reward),
        (d, d.redemption_id, d.claim != func.coalesce(d.order_id, "")),
        (b, b.redemption_id, of_redemption),
    )


def _wrong_end() -> ColumnElement[bool]:
    """Whether what had been used of a reward by its end, and what has lapsed of it, exclude each other."""
    left, lapsed = Reward.amount - Reward.reversed_amount, func.coalesce(Reward.lapsed_amount, 0)
    beyond = case((left > Reward.used_amount, left - Reward.used_amount), else_=0)
    is_over = Reward.used_amount.is_not(None)
    return or_(is_over != Reward.lapsed_amount.is_not(None), and_(is_over, Reward.status != "denied", lapsed != beyond))


def _none(table: Table, merchant_id: UUID, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether no row of the merchant is so: looked up by its key, whatever the database knows of the tables."""
    found: Select[tuple[int]] = select(func.count()).select_from(table)
    return found.where(table.merchant_id == merchant_id, *conditions).scalar_subquery() == 0


def _same(one: Table, other: Table, *names: str) -> list[ColumnElement[bool]]:
    return [getattr(one, name) == getattr(other, name) for name in names]
