"""An order as a shop reports it, over HTTP, in a file or from a webhook, and what tells two reports apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from service.currencies import fault_of_code
from service.customers.contacts import Buyer
from service.errors import ReferralError, refuse_faults
from service.links.evidence import Evidence, QuoteEvidence, as_document
from service.values import fault_of_amount, fault_of_instant, fault_of_name


class OrderContradicted(ReferralError):
    """The order was recorded before, with other content in these fields."""

    def __init__(self, order_id: str, conversion_id: UUID, fields: Sequence[str]) -> None:
        differs = f"{', '.join(fields)} {'differs' if len(fields) == 1 else 'differ'}"
        super().__init__(
            f"Order {order_id} was recorded before, as conversion {conversion_id}, with other content: {differs}."
            " An order that was edited is reported as an amendment."
        )
        self.order_id = order_id
        self.fields = list(fields)


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the shop reports it.

    amount: what the customer pays. discount_amount: what the shop took off for the referral, None if it does not say.
    eligible_amount: what rewards are computed of, before that discount; None for all of it. All in minor units.
    referral: a quote, a visit token, a link token, a code, or a URL that holds one. ordered_at: None for now.
    metadata: the shop's own, given back and never interpreted. left_out: what was said and cannot be used, and why.
    Raises BadValues.
    """

    order_id: str
    amount: int
    currency: str
    customer: Buyer
    referral: str | None = None
    ordered_at: datetime | None = None
    discount_amount: int | None = None
    eligible_amount: int | None = None
    metadata: dict[str, str] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_faults(
            {
                "order_id": fault_of_name(self.order_id),
                "amount": fault_of_amount(self.amount),
                "discount_amount": fault_of_amount(self.discount_amount or 0),
                "eligible_amount": fault_of_amount(self.eligible),
                "currency": fault_of_code(self.currency),
            }
        )

    @property
    def eligible(self) -> int:
        """What rewards and the minimum are computed of, in minor units."""
        before_discount = self.amount + (self.discount_amount or 0)
        return before_discount if self.eligible_amount is None else self.eligible_amount

    @property
    def rewardable(self) -> int:
        """What of it can be rewarded, in minor units: of an order of nothing, nothing."""
        return self.eligible if self.amount or self.discount_amount else 0

    @property
    def warnings(self) -> dict[str, str]:
        """Every field that was said and could not be used, and why: an order is recorded without it."""
        return {**{f"customer.{name}": fault for name, fault in self.customer.left_out.items()}, **self.left_out}

    def refuse_bad_time(self, *, now: datetime) -> None:
        """Raise BadValues for a time at which no order can have been placed."""
        if self.ordered_at is not None:
            refuse_faults({"ordered_at": fault_of_instant(self.ordered_at, now=now)})

    def as_quoted(self, evidence: Evidence | None) -> "Order":
        """The same, with the discount that a quote said where the shop says none."""
        if isinstance(evidence, QuoteEvidence) and self.discount_amount is None and evidence.currency == self.currency:
            return replace(self, discount_amount=evidence.discount_amount)
        return self


def report_of(order: Order, evidence: Evidence | None) -> dict[str, Any]:
    """What the first report said, as it is kept: what later changes of the order leave as it was."""
    return {
        "amount": order.amount,
        "discount_amount": order.discount_amount,
        "eligible_amount": order.eligible,
        "referral": as_document(evidence, order.referral or None),
    }


def contradictions(
    order: Order,
    evidence: Evidence | None,
    stored: Mapping[str, Any],
    known: Mapping[str, Any],
    *,
    customer_id: str | None,
) -> list[str]:
    """The fields in which an order differs from its first report. What it does not say contradicts nothing.

    customer_id: whom the order says, a guest's too. stored: from `report_of`.
    known: currency, customer_id and ordered_at of the order as it was recorded.
    """
    said = report_of(order, evidence) | {
        "eligible_amount": order.eligible_amount,
        "currency": order.currency,
        "customer_id": customer_id,
        "ordered_at": order.ordered_at,
    }
    before = {**stored, **known}
    if before.get("referral") == as_document(None, order.referral or None):
        said["referral"] = before["referral"]  # what could not be read then is no other one when it can be read
    if (before.get("referral") or {}).get("is_erased"):
        said["referral"] = before["referral"]  # which code it was, nobody knows any more
    if before.get("discount_amount") is None:
        before["discount_amount"] = 0
    names = {"customer_id": "customer.customer_id"}
    return [
        names.get(name, name)
        for name, value in said.items()
        if value is not None and name in before and before[name] != value
    ]
