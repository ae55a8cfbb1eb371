"""Voids: the order never was. And reopenings: it was, after all."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.conversions import Recorded, get
from service.conversions.rejudging import came_with, hold_case, judge_again
from service.conversions.standing import earn_anew, find, hold, named
from service.conversions.tables.conversions import VoidReason
from service.errors import ReferralError
from service.ids import new_id
from service.rewards import redemptions
from service.rewards.moves import Cause
from service.rewards.references import Step


class OrderStands(ReferralError):
    """The order was not voided, so there is nothing to reopen."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"Order {order_id} stands: only an order that was voided can be reopened.")
        self.order_id = order_id


class VoidContradicted(ReferralError):
    """The order was voided before, for another reason."""

    def __init__(self, order_id: str, reason: str) -> None:
        super().__init__(f"Order {order_id} was voided before, with reason {reason}.")
        self.order_id = order_id
        self.fields = ["reason"]


@dataclass(frozen=True, slots=True)
class Void:
    """That an order never was, and why. note: for staff. order_id: where it does not come under its conversion."""

    reason: VoidReason
    note: str | None = None
    order_id: str | None = None


def void_order(session: Session, merchant_id: UUID, asked: Void, *, now: datetime) -> Recorded:
    """As `void`, for the order of this name."""
    return void(session, merchant_id, named(session, merchant_id, asked.order_id or ""), asked, now=now)


def void(session: Session, merchant_id: UUID, conversion_id: UUID, asked: Void, *, now: datetime) -> Recorded:
    """Take back all that the order has earned, and give back what is set aside for it. Repeating answers the same.

    Raises Unknown, VoidContradicted.
    """
    payers = redemptions.payers(session, merchant_id, find(session, merchant_id, conversion_id).order_id)
    held = hold(session, merchant_id, conversion_id, payers, now=now)
    conversion = held.conversion
    if conversion.void_reason is not None:
        if conversion.void_reason != asked.reason:
            raise VoidContradicted(conversion.order_id, conversion.void_reason)
        redemptions.give_back_reserved(session, merchant_id, conversion.order_id, held.people, now=now)
        return get(session, merchant_id, conversion_id)
    conversion.status, conversion.voided_at = "voided", now
    conversion.void_reason, conversion.void_note = asked.reason, asked.note
    earn_anew(held, None, Cause(Step.VOID, new_id(), effective_at=now, recorded_at=now))
    redemptions.give_back_reserved(session, merchant_id, conversion.order_id, held.people, now=now)
    return get(session, merchant_id, conversion_id)


def reopen(session: Session, merchant_id: UUID, conversion_id: UUID, *, now: datetime) -> Recorded:
    """Judge a voided order again, as of its own time and with what came with it.

    Raises Unknown, OrderStands.
    """
    conversion = find(session, merchant_id, conversion_id)
    came = came_with(conversion)
    held, case = hold_case(session, conversion, came, now=now)
    if held.conversion.voided_at is None:
        raise OrderStands(conversion.order_id)
    judge_again(held, case, came, Step.REOPENING, entry_id=new_id())
    return get(session, merchant_id, conversion_id)
