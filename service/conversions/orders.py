"""An order as a shop reports it, over HTTP, in a file or from a webhook, and what tells two reports apart."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from service.currencies import fault_of_currency
from service.customers.customers import Contact
from service.errors import ReferralError, refuse_faults
from service.links.evidence import Evidence, canonical
from service.values import fault_of_amount, fault_of_instant, fault_of_name


class OrderContradicted(ReferralError):
    """The order was recorded before, with other content."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"Order {order_id} was recorded before with other content.")
        self.order_id = order_id


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the shop reports it.

    amount: what the customer pays. discount_amount: what the shop took off for the referral, None if it does not say.
    eligible_amount: what rewards are computed of, before that discount; None for all of it. All in minor units.
    referral: a visit token, a link token or a code. ordered_at: None for now. Raises BadValues.
    """

    order_id: str
    amount: int
    currency: str
    customer: Contact
    referral: str | None = None
    ordered_at: datetime | None = None
    discount_amount: int | None = None
    eligible_amount: int | None = None

    def __post_init__(self) -> None:
        refuse_faults(
            {
                "order_id": fault_of_name(self.order_id),
                "amount": fault_of_amount(self.amount),
                "discount_amount": fault_of_amount(self.discount_amount or 0),
                "eligible_amount": fault_of_amount(self.eligible),
                "currency": fault_of_currency(self.currency),
            }
        )

    @property
    def eligible(self) -> int:
        """What rewards and the minimum are computed of, in minor units."""
        before_discount = self.amount + (self.discount_amount or 0)
        return before_discount if self.eligible_amount is None else self.eligible_amount

    def refuse_bad_time(self, *, now: datetime) -> None:
        """Raise BadValues for a time at which no order can have been placed."""
        if self.ordered_at is not None:
            refuse_faults({"ordered_at": fault_of_instant(self.ordered_at, now=now)})


def fingerprint_of(order: Order, evidence: Evidence | None) -> bytes:
    """SHA-256 of what was reported. The time is part of it only where the shop gave one."""
    fields = [
        order.order_id,
        str(order.amount),
        order.currency,
        order.customer.customer_id,
        canonical(evidence, order.referral or None),
        order.ordered_at.isoformat() if order.ordered_at else "",
    ]
    for name, amount in (("discount", order.discount_amount), ("eligible", order.eligible_amount)):
        fields += [] if amount is None else [f"{name}:{amount}"]
    encoded = [field.encode() for field in fields]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(field), field) for field in encoded)).digest()
