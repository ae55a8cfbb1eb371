"""Refunds: what the shop gave back of an order, what that takes back of its rewards, and refunds that failed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.eligibility import CLOCK_GRACE
from service.conversions.rejudging import came_with, hold_case, judge_again
from service.conversions.standing import Changed, find, hold, named, reckon
from service.conversions.tables import refunds as storage
from service.conversions.tables.conversions import Conversion
from service.conversions.tables.refunds import Refund, RefundReversal
from service.database.lists import Page
from service.database.writing import write_now
from service.errors import ReferralError, Unknown, refuse_faults
from service.ids import new_id
from service.ledger.rewards import Returns
from service.rewards.moves import Cause
from service.rewards.references import Step
from service.rewards.tables import changes, rewards
from service.values import fault_of_amount, fault_of_instant, fault_of_name


class RefundContradicted(ReferralError):
    """The refund was recorded before, with other content."""

    def __init__(self, refund_id: str, fields: Sequence[str]) -> None:
        super().__init__(f"Refund {refund_id} was recorded before with other content: {', '.join(fields)}.")
        self.refund_id = refund_id
        self.fields = list(fields)


@dataclass(frozen=True, slots=True)
class Taken:
    """A recorded refund, with what it took back. is_new: whether this call recorded it.

    reversed_at: when it failed or was won back, None where it stands.
    """

    refund: Refund
    currency: str
    reversals: Changed
    reversed_at: datetime | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class NewRefund:
    """A refund as the shop reports it. amount: minor units, > 0. refunded_at: None for now. Raises BadValues.

    full: all that is left of the order, in place of an amount. order_id: the shop's name of the order, where the refund
    does not come under the order's conversion.
    eligible_amount: how much of it is for what rewards were computed of; None for its share of the order.
    """

    refund_id: str
    amount: int | None = None
    refunded_at: datetime | None = None
    eligible_amount: int | None = None
    full: bool = False
    order_id: str | None = None

    def __post_init__(self) -> None:
        refuse_faults(
            {
                "refund_id": fault_of_name(self.refund_id),
                "amount": self._fault_of_amount(),
                "eligible_amount": fault_of_amount(self.eligible_amount or 0),
            }
        )

    def _fault_of_amount(self) -> str | None:
        if self.full == (self.amount is not None):
            return "It needs either an amount or `full: true`, for all that is left."
        return None if self.amount is None else fault_of_amount(self.amount, least=1)


def refund_of_order(session: Session, merchant_id: UUID, asked: NewRefund, *, now: datetime) -> Taken:
    """As `refund`, for the order of this name."""
    return refund(session, merchant_id, named(session, merchant_id, asked.order_id or ""), asked, now=now)


def page(session: Session, merchant_id: UUID, conversion_id: UUID, which: Page) -> list[Taken]:
    """The refunds of an order, newest first, each with what it took back. Raises Unknown."""
    conversion = find(session, merchant_id, conversion_id)
    return _taken(session, conversion, storage.page(session, merchant_id, conversion_id, which))


def refund(session: Session, merchant_id: UUID, conversion_id: UUID, asked: NewRefund, *, now: datetime) -> Taken:
    """Record a refund once, and take back the rewards of both sides in proportion.

    Returns the stored refund, also on a replay.
    Raises Unknown, RefundContradicted, OrderVoided, and BadValues for more than was paid or a time that cannot be.
    """
    held = hold(session, merchant_id, conversion_id, now=now)
    conversion = held.conversion
    if stored := storage.find(session, merchant_id, conversion_id, asked.refund_id):
        return _replay(session, conversion, stored, asked)
    held.refuse_voided()
    before = held.returns()
    amount = before.left if asked.amount is None else asked.amount
    refuse_faults({"refunded_at": _fault_of_time(asked, conversion, now=now), **_too_much(before, asked, amount)})
    recorded = Refund(
        merchant_id=merchant_id,
        entry_id=new_id(),
        conversion_id=conversion_id,
        refund_id=asked.refund_id,
        amount=amount,
        eligible_amount=asked.eligible_amount,
        refunded_at=asked.refunded_at or now,
        recorded_at=now,
        is_full=asked.full,
        eligible_share=before.share_of(amount) if asked.eligible_amount is None else asked.eligible_amount,
    )
    conversion.refunded_amount += amount
    write_now(session, recorded)
    effective_at = max(recorded.refunded_at, conversion.ordered_at)
    changed = reckon(held, Cause(Step.REFUND, recorded.entry_id, effective_at=effective_at, recorded_at=now))
    return Taken(recorded, conversion.currency, _shown(changed), is_new=True)


def reverse(session: Session, merchant_id: UUID, conversion_id: UUID, refund_id: str, *, now: datetime) -> Taken:
    """Say that a refund failed or was won back: the order stands as if it had not been. Repeating answers the same.

    An order that was given back whole was no order for a while: it is judged again, as a reopened one is.
    Raises Unknown, OrderVoided.
    """
    conversion = find(session, merchant_id, conversion_id)
    came = came_with(conversion)
    held, case = hold_case(session, conversion, came, now=now)
    stored = storage.find(session, merchant_id, conversion_id, refund_id)
    if stored is None:
        raise Unknown("refund", refund_id)
    [taken] = _taken(session, held.conversion, [stored])
    if taken.reversed_at is not None:
        return taken
    held.refuse_voided()
    entry_id, was_gone = new_id(), held.conversion.refunded_amount == held.conversion.amount
    held.conversion.refunded_amount -= stored.amount
    write_now(
        session,
        RefundReversal(merchant_id=merchant_id, refund_entry_id=stored.entry_id, entry_id=entry_id, recorded_at=now),
    )
    if was_gone and held.conversion.status == "attributed":  # another order may have taken its place meanwhile
        judge_again(held, case, came, Step.REVERSAL, entry_id=entry_id)
    else:
        reckon(held, Cause(Step.REVERSAL, entry_id, effective_at=now, recorded_at=now))
    return replace(taken, reversed_at=now)


def _fault_of_time(asked: NewRefund, conversion: Conversion, *, now: datetime) -> str | None:
    if asked.refunded_at is None:
        return None
    if asked.refunded_at < conversion.ordered_at - CLOCK_GRACE:
        return f"It is before the order, which was placed at {conversion.ordered_at.isoformat()}."
    return fault_of_instant(asked.refunded_at, now=now)


def _too_much(returns: Returns, asked: NewRefund, amount: int) -> dict[str, str]:
    eligible_left = max(0, returns.eligible - returns.named)
    faults = {}
    if amount > returns.left or not amount:
        faults["amount"] = f"Only {returns.left} of the order is left to refund (minor units)."
    if returns.amount and amount == 100 * returns.amount:
        faults["amount"] += f" The whole order was {returns.amount}: this is a hundred times that."
    if (asked.eligible_amount or 0) > eligible_left:
        faults["eligible_amount"] = f"Only {eligible_left} of what is eligible is left to refund (minor units)."
    return faults


def _replay(session: Session, conversion: Conversion, stored: Refund, asked: NewRefund) -> Taken:
    [taken] = _taken(session, conversion, [stored])
    differs = {
        "full": asked.full and not stored.is_full,
        "amount": not asked.full and asked.amount != stored.amount,
        "eligible_amount": asked.eligible_amount != stored.eligible_amount,
        "refunded_at": asked.refunded_at not in (None, stored.refunded_at),
    }
    if any(differs.values()):
        raise RefundContradicted(stored.refund_id, [name for name, does in differs.items() if does])
    return taken


def _taken(session: Session, conversion: Conversion, recorded: Sequence[Refund]) -> list[Taken]:
    """These refunds of one order with what each took back; as many statements for many as for one."""
    merchant_id, entries = conversion.merchant_id, [stored.entry_id for stored in recorded]
    earned = rewards.of_conversions(session, merchant_id, [conversion.conversion_id])
    by_id = {reward.reward_id: reward for reward in earned}
    changed: dict[UUID, Changed] = {entry_id: [] for entry_id in entries}
    for change in changes.of_entries(session, merchant_id, entries):
        changed[change.entry_id].append((by_id[change.reward_id], change.amount))
    reversed_at = storage.reversed_at(session, merchant_id, entries)
    return [
        Taken(
            stored,
            conversion.currency,
            _shown(changed[stored.entry_id]),
            reversed_at.get(stored.entry_id),
        )
        for stored in recorded
    ]


def _shown(changed: Changed) -> Changed:
    """What was taken back, counted as that."""
    return [(reward, -amount) for reward, amount in changed if amount < 0]
