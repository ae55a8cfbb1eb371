"""Rows of the business that point to nothing: what they belong to was deleted behind our back."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Table, exists, select
from sqlalchemy.orm import Session

from service.conversions.tables.amendments import Amendment
from service.conversions.tables.conversions import Conversion, Referral
from service.conversions.tables.refunds import Refund, RefundReversal
from service.customers.tables import Customer
from service.links.tables import Code, Link
from service.programs.tables import Program, ProgramTerms
from service.rewards.tables.adjustments import Adjustment
from service.rewards.tables.changes import RewardChange
from service.rewards.tables.lots import RedemptionPart
from service.rewards.tables.merges import Merge
from service.rewards.tables.redemptions import Redemption, RedemptionReturn
from service.rewards.tables.rewards import Reward
from service.rewards.tables.totals import CustomerTotal

NAMED = 20
"""So many of one kind are named: where a merchant is gone, all that was theirs points to nothing."""

KINDS = (
    Customer,
    Program,
    ProgramTerms,
    Link,
    Code,
    Conversion,
    Referral,
    Refund,
    RefundReversal,
    Amendment,
    Reward,
    RewardChange,
    Redemption,
    RedemptionPart,
    RedemptionReturn,
    Adjustment,
    Merge,
    CustomerTotal,
)


def problems(session: Session, merchant_id: UUID) -> Iterator[str]:
    """The first rows of each kind that point to what is not there, in words."""
    for kind in KINDS:
        table: Any = kind.__table__
        for pointer in sorted(table.foreign_key_constraints, key=lambda one: str(one.name)):
            yield from _lost(session, merchant_id, table, pointer)


def _lost(session: Session, merchant_id: UUID, table: Table, pointer: ForeignKeyConstraint) -> Iterator[str]:
    own = [element.parent for element in pointer.elements]
    meant = pointer.referred_table.alias("meant")
    is_there = exists().where(*(meant.c[element.column.key] == element.parent for element in pointer.elements))
    named = [column for column in table.primary_key.columns if column.key != "merchant_id"]
    query = select(*named).where(
        table.c.merchant_id == merchant_id, *(column.is_not(None) for column in own), ~is_there
    )
    for row in session.execute(query.order_by(*named).limit(NAMED)):
        yield f"{table.name} {' '.join(map(str, row))} belongs to a {pointer.referred_table.name} that is gone"
