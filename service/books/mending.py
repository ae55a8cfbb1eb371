"""What is kept beside the books so that nothing need be added up: set right where it is not what it should be."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.books import audit, business
from service.customers import customers
from service.customers.tables import Customer
from service.ledger import books, proof
from service.ledger.books import Kind
from service.rewards.tables import lots, totals
from service.rewards.tables.totals import Change

BATCH = 500


def customers_with_wrong_totals(session: Session, merchant_id: UUID) -> Sequence[str]:
    """Whose kept totals are not what their rewards, redemptions and balances add up to, by name."""
    off = business.totals_off(merchant_id).subquery().c
    wrong = set(session.scalars(select(off.customer_id).distinct()))
    held = proof.owner_holdings(session, merchant_id, Kind.AVAILABLE)
    differ = audit.differences(held, business.lots(session, merchant_id))
    owners = sorted({UUID(owner) for owner, *_ in differ})
    for start in range(0, len(owners), BATCH):
        of_owner = Customer.owner_id.in_(owners[start : start + BATCH])
        wrong |= set(session.scalars(select(Customer.customer_id).where(Customer.merchant_id == merchant_id, of_owner)))
    return sorted(wrong)


def mend_totals(session: Session, merchant_id: UUID, customer_id: str) -> Sequence[str]:
    """Set a customer's totals right, under their lock. Returns the currencies that were off.

    What never lapses is what is available beyond what is left of rewards; where that is less than nothing, it stays.
    """
    customer = customers.lock(session, merchant_id, customer_id)
    off = session.execute(business.totals_off(merchant_id, customer_id).order_by("currency")).all()
    changes = [Change(customer_id, row.currency, earned=-int(row.earned), spent=-int(row.spent)) for row in off]
    left, kept = lots.left(session, merchant_id, customer_id), totals.of_customer(session, merchant_id, customer_id)
    for currency, held in books.owner_balances(session, merchant_id, customer.owner).items():
        lasting = held.available - left.get(currency, 0)
        more = lasting - kept.get(currency, totals.Ever()).lasting
        if more and lasting >= 0:
            changes.append(Change(customer_id, currency, lasting=more))
    # What falls must have a row: one of nothing, where there is none yet.
    totals.add(session, merchant_id, [Change(customer_id, change.currency) for change in changes])
    totals.add(session, merchant_id, changes)
    return sorted({change.currency for change in changes})
