"""Redemptions: spending a balance at checkout, in two steps so that an order that fails costs nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import customers
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.database.writing import write_now
from service.errors import BadValues, ReferralError, Unknown, refuse_faults
from service.events import events
from service.events.kinds import Kind
from service.ids import new_id
from service.ledger import books
from service.merchants import currencies
from service.rewards import happenings, lots, postings, upkeep
from service.rewards.tables import redemptions as storage
from service.rewards.tables.redemptions import Redemption
from service.values import fault_of_amount, fault_of_name

RESERVED_FOR = timedelta(hours=1)
LONGEST_RESERVATION = timedelta(days=30)


class RedemptionSettled(ReferralError):
    """The redemption was captured or given back before, so the other cannot be done any more."""

    def __init__(self, redemption_id: object, status: str) -> None:
        super().__init__(f"Redemption {redemption_id} is {status} already.")
        self.redemption_id = redemption_id
        self.status = status


class RedemptionContradicted(ReferralError):
    """Balance was set aside for this order before, with other content."""

    def __init__(self, order_id: str, redemption_id: UUID, fields: Sequence[str]) -> None:
        super().__init__(
            f"Redemption {redemption_id} is for order {order_id} already, with other content: {', '.join(fields)}."
        )
        self.redemption_id = redemption_id
        self.fields = list(fields)


@dataclass(frozen=True, slots=True)
class NewRedemption:
    """Balance to be set aside. amount: minor units, > 0. order_id: the order that it pays, where it is known.

    expires_in: seconds until it is given back where nobody settles it; None for an hour. Raises BadValues.
    """

    customer_id: str
    amount: int
    currency: str
    order_id: str | None = None
    expires_in: int | None = None
    metadata: dict[str, str] | None = None

    def __post_init__(self) -> None:
        refuse_faults(
            {
                "customer_id": fault_of_name(self.customer_id),
                "amount": fault_of_amount(self.amount, least=1),
                "order_id": None if self.order_id is None else fault_of_name(self.order_id),
            }
        )

    def contradictions(self, stored: Redemption) -> list[str]:
        """The fields in which it differs from the redemption that there is."""
        names = ("customer_id", "amount", "currency")
        return [name for name in names if getattr(self, name) != getattr(stored, name)]


def reserve(session: Session, merchant_id: UUID, asked: NewRedemption, *, now: datetime) -> tuple[Redemption, bool]:
    """Set balance aside for an order. Returns the redemption, and whether it is new: there is one for each order.

    Raises Unknown, RedemptionContradicted, BadValues for what is no currency, and books.InsufficientFunds if less is
    available; none changes anything.
    """
    currencies.refuse_unknown(session, merchant_id, asked.currency, at=now)
    before = storage.claimed(session, merchant_id, asked.order_id) if asked.order_id else None
    people = _lock(session, merchant_id, asked.customer_id, before, now=now)
    customer = people[asked.customer_id]
    asked = replace(asked, customer_id=customer.customer_id)
    known = storage.claimed(session, merchant_id, asked.order_id) if asked.order_id else None
    if known is not None:
        if fields := asked.contradictions(known):
            raise RedemptionContradicted(known.order_id or "", known.redemption_id, fields)
        return known, False
    redemption = Redemption(
        merchant_id=merchant_id,
        redemption_id=new_id(),
        customer_id=asked.customer_id,
        amount=asked.amount,
        captured_amount=None,
        currency=asked.currency,
        order_id=asked.order_id,
        status="reserved",
        expires_at=now + _lasting(asked.expires_in),
        created_at=now,
        returned_amount=0,
        claim=asked.order_id,
        shop_metadata=asked.metadata,
        is_sealed=False,
    )
    write_now(session, redemption)
    postings.reserve(session, redemption, customer.owner)
    lots.take(session, redemption)
    return redemption, True


def extend(session: Session, merchant_id: UUID, redemption_id: UUID, *, seconds: int, now: datetime) -> Redemption:
    """Keep what is set aside for that long from now. Raises Unknown, RedemptionSettled."""
    redemption, _ = locked(session, merchant_id, redemption_id, now=now)
    if redemption.status != "reserved":
        raise RedemptionSettled(redemption_id, redemption.status)
    redemption.expires_at = now + _lasting(seconds)
    redemption.to_be_sealed()
    extended = happenings.of_credit(Kind.CREDIT_EXTENDED, redemption, redemption.amount)
    events.record(session, merchant_id, [extended], now=now)
    return redemption


def capture(
    session: Session, merchant_id: UUID, redemption_id: UUID, *, amount: int | None, now: datetime
) -> Redemption:
    """Spend what was set aside, or `amount` of it (minor units) and give back the rest.

    Doing it again with the same amount answers the same.
    Raises Unknown, RedemptionSettled after a void or another capture, BadValues for more than was set aside.
    """
    redemption, customer = locked(session, merchant_id, redemption_id, now=now)
    wanted = redemption.amount if amount is None else amount
    if redemption.status == "captured" and redemption.captured_amount == wanted:
        return redemption
    if redemption.status != "reserved":
        raise RedemptionSettled(redemption_id, redemption.status)
    if wanted > redemption.amount:
        raise BadValues({"amount": f"Only {redemption.amount} was set aside (minor units)."})
    _settle(session, redemption, customer, captured=wanted, now=now)
    redemption.status, redemption.captured_amount = "captured", wanted
    redemption.to_be_sealed()
    return redemption


def void(session: Session, merchant_id: UUID, redemption_id: UUID, *, now: datetime) -> Redemption:
    """Give back what was set aside. Doing it again answers the same.

    Raises Unknown, and RedemptionSettled after a capture.
    """
    redemption, customer = locked(session, merchant_id, redemption_id, now=now)
    if redemption.status == "captured":
        raise RedemptionSettled(redemption_id, redemption.status)
    if redemption.status == "reserved":
        _give_back(session, redemption, customer, now=now)
    return redemption


def payers(session: Session, merchant_id: UUID, order_id: str) -> list[str]:
    """Whose balance is set aside for this order."""
    return sorted({redemption.customer_id for redemption in storage.of_order(session, merchant_id, order_id)})


def give_back_reserved(
    session: Session, merchant_id: UUID, order_id: str, people: Mapping[str, KnownCustomer], *, now: datetime
) -> None:
    """Give back what is still set aside for an order that never was. people: the payers, locked.

    Raises RaceLost where somebody else set something aside for it just now.
    """
    for redemption in storage.of_order(session, merchant_id, order_id):
        if redemption.customer_id not in people:
            raise RaceLost
        _give_back(session, redemption, people[redemption.customer_id], now=now)


def get(session: Session, merchant_id: UUID, redemption_id: UUID) -> Redemption:
    """The merchant's redemption. Raises Unknown."""
    redemption = storage.get(session, merchant_id, redemption_id)
    if redemption is None:
        raise Unknown("redemption", redemption_id)
    return redemption


def _lasting(seconds: int | None) -> timedelta:
    return RESERVED_FOR if seconds is None else timedelta(seconds=seconds)


def _lock(
    session: Session, merchant_id: UUID, customer_id: str, before: Redemption | None, *, now: datetime
) -> dict[str, KnownCustomer]:
    """The customer, and whose the redemption before is, locked, with all that time has done to them booked.

    Raises Unknown for the first.
    """
    people = customers.lock_all(session, merchant_id, [customer_id, *([before.customer_id] if before else [])])
    for person in people.values():
        upkeep.catch_up(session, merchant_id, person, now=now)
    return people


def locked(
    session: Session, merchant_id: UUID, redemption_id: UUID, *, now: datetime
) -> tuple[Redemption, KnownCustomer]:
    """The redemption and its customer, locked, with all that time has done to them booked. Raises Unknown."""
    customer = customers.lock_again(session, merchant_id, get(session, merchant_id, redemption_id).customer_id)
    upkeep.catch_up(session, merchant_id, customer, now=now)
    return get(session, merchant_id, redemption_id), customer


def _give_back(session: Session, redemption: Redemption, customer: KnownCustomer, *, now: datetime) -> None:
    _settle(session, redemption, customer, captured=0, now=now)
    redemption.end_unspent()


def _settle(session: Session, redemption: Redemption, customer: KnownCustomer, *, captured: int, now: datetime) -> None:
    debt, given_back = owed(session, redemption, customer), redemption.amount - captured
    postings.settle(session, redemption, customer.owner, captured=captured, debt=debt, now=now)
    if given_back:
        lots.give_back(session, redemption, given_back, held=redemption.amount, paid=min(debt, given_back))


def owed(session: Session, redemption: Redemption, customer: KnownCustomer) -> int:
    """What the customer owes in the redemption's currency, in minor units."""
    return books.owner_balances(session, redemption.merchant_id, customer.owner)[redemption.currency].owed
