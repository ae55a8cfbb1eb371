"""What is kept beside the books so that nothing need be added up: set right where it is not what it should be."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.books import business
from service.customers import customers
from service.rewards.tables import totals
from service.rewards.tables.totals import Change


def customers_with_wrong_totals(session: Session, merchant_id: UUID) -> Sequence[str]:
    """Whose kept totals are not what their rewards and redemptions add up to, by name."""
    off = business.totals_off(merchant_id).subquery().c
    return session.scalars(select(off.customer_id).distinct().order_by(off.customer_id)).all()


def mend_totals(session: Session, merchant_id: UUID, customer_id: str) -> Sequence[str]:
    """Set a customer's totals right, under their lock. Returns the currencies that were off."""
    customers.lock(session, merchant_id, customer_id)
    off = session.execute(business.totals_off(merchant_id, customer_id).order_by("currency")).all()
    changes = [Change(customer_id, row.currency, earned=-int(row.earned), spent=-int(row.spent)) for row in off]
    # What falls must have a row: one of nothing, where there is none yet.
    totals.add(session, merchant_id, [Change(customer_id, change.currency) for change in changes])
    totals.add(session, merchant_id, changes)
    return [change.currency for change in changes]
