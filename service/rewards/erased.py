"""Credit that nobody can claim any more: whatever an erased customer comes to have lapses, unless it was to be kept."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers.tables import KnownCustomer
from service.database.writing import write_now
from service.ids import new_id
from service.ledger import books
from service.rewards import lots, postings
from service.rewards.tables.adjustments import Adjustment

LAPSED, WRITTEN_OFF = "Lapsed with an erasure", "Written off with an erasure"


def settle(session: Session, merchant_id: UUID, customer: KnownCustomer, *, now: datetime) -> None:
    """Where the customer, who is locked, was erased: take away what is available, and write off what is owed.

    A debt waits while something is pending, which pays for it when it is ripe.
    """
    if customer.erased_at is None or customer.keeps_balance:
        return
    for currency, held in sorted(books.owner_balances(session, merchant_id, customer.owner).items()):
        if held.available:
            _by_hand(session, merchant_id, customer, "debit", held.available, currency, debt=0, now=now)
        if held.owed and not held.pending:
            _by_hand(session, merchant_id, customer, "credit", held.owed, currency, debt=held.owed, now=now)


def _by_hand(
    session: Session,
    merchant_id: UUID,
    customer: KnownCustomer,
    direction: Literal["credit", "debit"],
    amount: int,
    currency: str,
    *,
    debt: int,
    now: datetime,
) -> None:
    adjustment = Adjustment(
        merchant_id=merchant_id,
        adjustment_id=new_id(),
        customer_id=customer.customer_id,
        direction=direction,
        amount=amount,
        currency=currency,
        note=LAPSED if direction == "debit" else WRITTEN_OFF,
        is_opening=False,
        created_at=now,
    )
    write_now(session, adjustment)
    postings.adjust(session, adjustment, customer.owner, debt=debt)
    lots.adjust(session, adjustment, debt=debt)
