"""What time does to a customer's balance: rewards ripen, and forgotten reservations are given back.

Whoever touches a customer's money calls this first, so the worker is never needed for a right answer.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service import ledger
from service.referrals import postings
from service.storage import redemptions, rewards
from service.storage.customers import KnownCustomer


def is_due(session: Session, merchant_id: UUID, customer_id: str, *, now: datetime) -> bool:
    """Whether time has left something to be booked for this customer."""
    due = rewards.due(session, merchant_id, customer_id, now=now)
    return bool(due or redemptions.stale(session, merchant_id, customer_id, now=now))


def catch_up(session: Session, merchant_id: UUID, customer: KnownCustomer, *, now: datetime) -> None:
    """Book all that time has done to this customer, who is locked. Doing it again does nothing."""
    due = rewards.due(session, merchant_id, customer.customer_id, now=now)
    stale = redemptions.stale(session, merchant_id, customer.customer_id, now=now)
    if not due and not stale:
        return
    debts = {name: balance.owed for name, balance in ledger.of_owner(session, merchant_id, customer.owner).items()}
    for reward in due:
        debt = debts.get(reward.currency, 0)
        debts[reward.currency] = postings.ripen(session, reward, customer.owner, debt=debt, recorded_at=now)
        reward.status = "available"
    for redemption in stale:
        debt = debts.get(redemption.currency, 0)
        postings.settle(session, redemption, customer.owner, captured=0, debt=debt, now=now)
        debts[redemption.currency] = max(0, debt - redemption.amount)
        redemption.status = "voided"
