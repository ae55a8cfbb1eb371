"""Adjustments by a human: goodwill, and corrections of what went wrong."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.database.writing import write_now
from service.errors import BadValues, Unknown, refuse_faults
from service.ids import new_id
from service.ledger import books
from service.merchants import currencies
from service.rewards import lots, postings, upkeep
from service.rewards.tables import adjustments as storage
from service.rewards.tables.adjustments import Adjustment, Direction
from service.values import LONGEST_NOTE, fault_of_amount, fault_of_name, fault_of_text

OPENING_NOTE = "Opening balance"


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    """A change by hand. amount: minor units, > 0. Raises BadValues."""

    customer_id: str
    direction: Direction
    amount: int
    currency: str
    note: str

    def __post_init__(self) -> None:
        refuse_faults(
            {
                "customer_id": fault_of_name(self.customer_id),
                "amount": fault_of_amount(self.amount, least=1),
                "note": fault_of_text(self.note, most=LONGEST_NOTE),
            }
        )


def adjust(
    session: Session, merchant_id: UUID, asked: NewAdjustment, *, key_id: UUID | None = None, now: datetime
) -> Adjustment:
    """Add to what a customer has available, or take from it. key_id: of who does so.

    A credit pays first what is owed.
    Raises Unknown, BadValues for what is no currency, and books.InsufficientFunds if less is available; none changes
    anything.
    """
    customer = customers.lock(session, merchant_id, asked.customer_id)
    currencies.refuse_unknown(session, merchant_id, asked.currency, at=now)
    currencies.keep(session, merchant_id, [asked.currency])
    upkeep.catch_up(session, merchant_id, customer, now=now)
    adjustment = Adjustment(
        merchant_id=merchant_id,
        adjustment_id=new_id(),
        customer_id=customer.customer_id,
        direction=asked.direction,
        amount=asked.amount,
        currency=asked.currency,
        note=asked.note,
        is_opening=False,
        key_id=key_id,
        created_at=now,
    )
    session.add(adjustment)
    held = books.owner_balances(session, merchant_id, customer.owner).get(asked.currency)
    debt = held.owed if held else 0
    postings.adjust(session, adjustment, customer.owner, debt=debt)
    lots.adjust(session, adjustment, debt=debt)
    return adjustment


def open_with(
    session: Session, merchant_id: UUID, customer_id: str, amount: int, currency: str, *, now: datetime
) -> bool:
    """Book what a customer brings along from another system, in minor units, > 0, once by an id and in a currency.

    Returns whether it is new: again changes nothing.

    Raises Unknown, and BadValues for what is no currency, or for another amount than before.
    """
    customer = customers.lock(session, merchant_id, customer_id)
    before = storage.opening(session, merchant_id, customer_id, currency)
    if before is not None:
        if before.amount != amount:
            raise BadValues({"balances": f"{before.amount} {currency} was brought along before (minor units)."})
        return False
    currencies.refuse_unknown(session, merchant_id, currency, at=now)
    currencies.keep(session, merchant_id, [currency])
    upkeep.catch_up(session, merchant_id, customer, now=now)
    adjustment = Adjustment(
        merchant_id=merchant_id,
        adjustment_id=new_id(),
        customer_id=customer.customer_id,
        direction="credit",
        amount=amount,
        currency=currency,
        note=OPENING_NOTE,
        is_opening=True,
        opened_as=customer_id,
        created_at=now,
    )
    write_now(session, adjustment)
    held = books.owner_balances(session, merchant_id, customer.owner).get(currency)
    debt = held.owed if held else 0
    postings.adjust(session, adjustment, customer.owner, debt=debt)
    lots.adjust(session, adjustment, debt=debt)
    return True


def get(session: Session, merchant_id: UUID, adjustment_id: UUID) -> Adjustment:
    """The merchant's adjustment. Raises Unknown."""
    adjustment = storage.get(session, merchant_id, adjustment_id)
    if adjustment is None:
        raise Unknown("adjustment", adjustment_id)
    return adjustment
