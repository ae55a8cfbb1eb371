"""Returns: the order that was paid with credit came back, and the credit is the customer's again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.database.writing import write_now
from service.errors import BadValues, ReferralError, refuse_faults
from service.ids import new_id
from service.rewards import erased, lots, postings, redemptions
from service.rewards.tables import redemptions as storage
from service.rewards.tables.redemptions import Redemption, RedemptionReturn
from service.values import fault_of_amount, fault_of_name


class ReturnContradicted(ReferralError):
    """The return was recorded before, with another amount."""

    def __init__(self, return_id: str, amount: int) -> None:
        super().__init__(f"Return {return_id} was recorded before, with amount {amount} (minor units).")
        self.return_id = return_id
        self.amount = amount


class NothingCaptured(ReferralError):
    """Nothing was spent of this redemption, so nothing can be returned."""

    def __init__(self, redemption_id: UUID, status: str) -> None:
        super().__init__(f"Redemption {redemption_id} is {status}: only what was captured can be returned.")
        self.redemption_id = redemption_id
        self.status = status


@dataclass(frozen=True, slots=True)
class NewReturn:
    """Captured credit that is the customer's again, in minor units, > 0. Raises BadValues."""

    return_id: str
    amount: int

    def __post_init__(self) -> None:
        faults = {"return_id": fault_of_name(self.return_id), "amount": fault_of_amount(self.amount, least=1)}
        refuse_faults(faults)


def give_back(
    session: Session, merchant_id: UUID, redemption_id: UUID, asked: NewReturn, *, now: datetime
) -> tuple[Redemption, bool]:
    """Give captured credit back, once for each `return_id`: the order that was paid with it was returned.

    Returns the redemption, and whether that was new. Raises Unknown, NothingCaptured, ReturnContradicted, and BadValues
    for more than was captured.
    """
    redemption, customer = redemptions.locked(session, merchant_id, redemption_id, now=now)
    if stored := storage.find_return(session, merchant_id, redemption_id, asked.return_id):
        if stored.amount != asked.amount:
            raise ReturnContradicted(asked.return_id, stored.amount)
        return redemption, False
    if redemption.captured_amount is None:
        raise NothingCaptured(redemption_id, redemption.status)
    left = redemption.captured_amount - redemption.returned_amount
    if asked.amount > left:
        raise BadValues({"amount": f"Only {left} of what was captured is left to return (minor units)."})
    entry_id = new_id()
    redemption.returned_amount += asked.amount
    redemption.to_be_sealed()
    write_now(
        session,
        RedemptionReturn(
            merchant_id=merchant_id,
            entry_id=entry_id,
            redemption_id=redemption_id,
            customer_id=redemption.customer_id,
            return_id=asked.return_id,
            amount=asked.amount,
            recorded_at=now,
        ),
    )
    debt = redemptions.owed(session, redemption, customer)
    amount, owner = asked.amount, customer.owner
    postings.give_back(session, redemption, owner, entry_id=entry_id, amount=amount, debt=debt, now=now)
    lots.give_back(session, redemption, amount, held=left, paid=min(debt, amount), returned_at=now)
    erased.settle(session, merchant_id, customer, now=now)
    return redemption, True
