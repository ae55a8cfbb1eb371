"""What transactions changed of the two totals that a business watches: what rewards cost, and what is owed for them.

The cost is `expense:rewards` less `income:lapsed`. The liability is `pending`, `available` and `reserved` less `owed`:
here what customers owe is set off, so that paying a debt changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, case, func, select
from sqlalchemy.orm import Session

from service.ledger.accounts import MERCHANT_KINDS, Kind
from service.ledger.tables import posting_table, transaction_table

_p, _t = posting_table.c, transaction_table.c


@dataclass(frozen=True, slots=True)
class Effect:
    """What one transaction changed in one currency, signed, in minor units."""

    reference: str
    effective_at: datetime
    currency: str
    cost: int
    liability: int


def _net(debited: ColumnElement[bool], credited: ColumnElement[bool]) -> ColumnElement[int]:
    """What was debited of some accounts less what was credited to them."""
    return func.sum(case((debited, _p.amount), else_=0) - case((credited, _p.amount), else_=0))


_COSTS = (str(Kind.EXPENSE), str(Kind.LAPSED))
_OF_MERCHANTS = sorted(MERCHANT_KINDS)
_EFFECTS = (
    select(
        _t.reference,
        _t.effective_at,
        _p.currency,
        _net(_p.debit.in_(_COSTS), _p.credit.in_(_COSTS)),
        _net(_p.credit.not_in(_OF_MERCHANTS), _p.debit.not_in(_OF_MERCHANTS)),
    )
    .join_from(
        transaction_table,
        posting_table,
        and_(_p.merchant_id == _t.merchant_id, _p.transaction_id == _t.transaction_id),
    )
    .where(_t.merchant_id == bindparam("merchant"), _t.reference.in_(bindparam("references", expanding=True)))
    .group_by(_t.reference, _t.effective_at, _p.currency)
)


def effects_of(session: Session, merchant_id: UUID, references: Sequence[str]) -> list[Effect]:
    """What each of these transactions changed, of those that are there."""
    found = session.execute(_EFFECTS, {"merchant": merchant_id, "references": list(references)})
    return [
        Effect(reference, effective_at, currency, int(cost), int(liability))
        for reference, effective_at, currency, cost, liability in found
    ]
