"""Redemptions: spending a balance at checkout, in two steps so that an order that fails costs nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.tables import KnownCustomer
from service.errors import BadValues, ReferralError, Unknown, refuse_faults
from service.ids import new_id
from service.ledger import books
from service.rewards import postings, upkeep
from service.rewards.tables import redemptions as storage
from service.rewards.tables.redemptions import Redemption
from service.values import fault_of_amount, fault_of_name

RESERVED_FOR = timedelta(hours=1)


class RedemptionSettled(ReferralError):
    """The redemption was captured or given back before, so the other cannot be done any more."""

    def __init__(self, redemption_id: object, status: str) -> None:
        super().__init__(f"Redemption {redemption_id} is {status} already.")
        self.redemption_id = redemption_id
        self.status = status


@dataclass(frozen=True, slots=True)
class NewRedemption:
    """Balance to be set aside. amount: minor units, > 0. order_id: the order that it pays, where it is known.

    Raises BadValues.
    """

    customer_id: str
    amount: int
    currency: str
    order_id: str | None = None

    def __post_init__(self) -> None:
        refuse_faults(
            {
                "customer_id": fault_of_name(self.customer_id),
                "amount": fault_of_amount(self.amount, least=1),
                "order_id": None if self.order_id is None else fault_of_name(self.order_id),
            }
        )


def reserve(session: Session, merchant_id: UUID, asked: NewRedemption, *, now: datetime) -> Redemption:
    """Set balance aside for an order.

    Raises Unknown, and books.InsufficientFunds if less is available; neither changes anything.
    """
    customer = customers.lock(session, merchant_id, asked.customer_id)
    upkeep.catch_up(session, merchant_id, customer, now=now)
    redemption = Redemption(
        merchant_id=merchant_id,
        redemption_id=new_id(),
        customer_id=asked.customer_id,
        amount=asked.amount,
        captured_amount=None,
        currency=asked.currency,
        order_id=asked.order_id,
        status="reserved",
        expires_at=now + RESERVED_FOR,
        created_at=now,
    )
    session.add(redemption)
    postings.reserve(session, redemption, customer.owner)
    return redemption


def capture(
    session: Session, merchant_id: UUID, redemption_id: UUID, *, amount: int | None, now: datetime
) -> Redemption:
    """Spend what was set aside, or `amount` of it (minor units) and give back the rest.

    Doing it again with the same amount answers the same.
    Raises Unknown, RedemptionSettled after a void or another capture, BadValues for more than was set aside.
    """
    redemption, customer = _locked(session, merchant_id, redemption_id, now=now)
    wanted = redemption.amount if amount is None else amount
    if redemption.status == "captured" and redemption.captured_amount == wanted:
        return redemption
    if redemption.status != "reserved":
        raise RedemptionSettled(redemption_id, redemption.status)
    if wanted > redemption.amount:
        raise BadValues({"amount": f"Only {redemption.amount} was set aside (minor units)."})
    _settle(session, redemption, customer, captured=wanted, now=now)
    redemption.status, redemption.captured_amount = "captured", wanted
    return redemption


def void(session: Session, merchant_id: UUID, redemption_id: UUID, *, now: datetime) -> Redemption:
    """Give back what was set aside. Doing it again answers the same.

    Raises Unknown, and RedemptionSettled after a capture.
    """
    redemption, customer = _locked(session, merchant_id, redemption_id, now=now)
    if redemption.status == "captured":
        raise RedemptionSettled(redemption_id, redemption.status)
    if redemption.status == "reserved":
        _settle(session, redemption, customer, captured=0, now=now)
        redemption.status = "voided"
    return redemption


def get(session: Session, merchant_id: UUID, redemption_id: UUID) -> Redemption:
    """The merchant's redemption. Raises Unknown."""
    redemption = storage.get(session, merchant_id, redemption_id)
    if redemption is None:
        raise Unknown("redemption", redemption_id)
    return redemption


def _locked(
    session: Session, merchant_id: UUID, redemption_id: UUID, *, now: datetime
) -> tuple[Redemption, KnownCustomer]:
    customer = customers.lock(session, merchant_id, get(session, merchant_id, redemption_id).customer_id)
    upkeep.catch_up(session, merchant_id, customer, now=now)
    return get(session, merchant_id, redemption_id), customer


def _settle(session: Session, redemption: Redemption, customer: KnownCustomer, *, captured: int, now: datetime) -> None:
    balance = books.owner_balances(session, redemption.merchant_id, customer.owner)[redemption.currency]
    postings.settle(session, redemption, customer.owner, captured=captured, debt=balance.owed, now=now)
