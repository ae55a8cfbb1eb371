"""Refunds: what the shop gave back of an order, and what that takes back of its rewards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.eligibility import CLOCK_GRACE
from service.conversions.tables import conversions
from service.conversions.tables import refunds as storage
from service.conversions.tables.conversions import Conversion
from service.conversions.tables.refunds import Refund, Reversal
from service.customers import tables as customers
from service.customers.tables import KnownCustomer
from service.database.lists import Page
from service.database.writing import write_now
from service.errors import ReferralError, Unknown, refuse_faults
from service.ids import new_id
from service.ledger import books
from service.ledger.rewards import Returns, taken_back
from service.rewards import postings, upkeep
from service.rewards.tables import rewards
from service.rewards.tables.rewards import Reward
from service.values import fault_of_amount, fault_of_instant, fault_of_name


class RefundContradicted(ReferralError):
    """The refund was recorded before, with other content."""

    def __init__(self, refund_id: str) -> None:
        super().__init__(f"Refund {refund_id} was recorded before with other content.")
        self.refund_id = refund_id


@dataclass(frozen=True, slots=True)
class Taken:
    """A recorded refund, with what it took back. is_new: whether this call recorded it.

    eligible_amount: what of it was eligible, in minor units: as it was named, or its share of the order.
    """

    refund: Refund
    eligible_amount: int
    currency: str
    reversals: list[tuple[Reward, int]]
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
    conversion_id = conversions.of_order(session, merchant_id, asked.order_id or "")
    if conversion_id is None:
        raise Unknown("order", asked.order_id)
    return refund(session, merchant_id, conversion_id, asked, now=now)


def page(session: Session, merchant_id: UUID, conversion_id: UUID, which: Page) -> list[Taken]:
    """The refunds of an order, newest first, each with what it took back. Raises Unknown."""
    conversion = conversions.get(session, merchant_id, conversion_id)
    if conversion is None:
        raise Unknown("conversion", conversion_id)
    recorded = storage.page(session, merchant_id, conversion_id, which)
    return _taken(session, conversion, recorded)


def refund(
    session: Session,
    merchant_id: UUID,
    conversion_id: UUID,
    asked: NewRefund,
    *,
    now: datetime,
) -> Taken:
    """Record a refund once, and take back the rewards of both sides in proportion.

    Returns the stored refund, also on a replay.
    Raises Unknown, RefundContradicted, and BadValues for more than was paid or a time that cannot be.
    """
    conversion = conversions.get(session, merchant_id, conversion_id)
    if conversion is None:
        raise Unknown("conversion", conversion_id)
    refuse_faults({"refunded_at": _fault_of_time(asked, conversion, now=now)})
    people = customers.lock(session, merchant_id, filter(None, (conversion.customer_id, conversion.advocate_id)))
    session.refresh(conversion)
    if stored := storage.find(session, merchant_id, conversion_id, asked.refund_id):
        return _replay(session, conversion, stored, asked)
    before = _returns(session, conversion)
    amount = before.left if asked.amount is None else asked.amount
    _refuse_too_much(before, asked, amount)
    for customer in people.values():
        upkeep.catch_up(session, merchant_id, customer, now=now)
    recorded = Refund(
        merchant_id=merchant_id,
        entry_id=new_id(),
        conversion_id=conversion_id,
        refund_id=asked.refund_id,
        amount=amount,
        eligible_amount=asked.eligible_amount,
        refunded_at=asked.refunded_at or now,
        recorded_at=now,
    )
    conversion.refunded_amount += amount
    parts = _parts(session, conversion, before.and_then(amount, asked.eligible_amount))
    _take_back(session, conversion, recorded, parts, people)
    return Taken(recorded, _eligible(conversion, recorded), conversion.currency, parts, is_new=True)


def _take_back(
    session: Session,
    conversion: Conversion,
    recorded: Refund,
    parts: list[tuple[Reward, int]],
    people: dict[str, KnownCustomer],
) -> None:
    """Book what the refund takes back, and keep beside it what it took from which reward."""
    postings.take_back(
        session,
        parts,
        {name: customer.owner for name, customer in people.items()},
        _held(session, conversion, people),
        entry_id=recorded.entry_id,
        effective_at=max(recorded.refunded_at, conversion.ordered_at),
        recorded_at=recorded.recorded_at,
    )
    write_now(session, recorded)
    for reward, part in parts:
        _reverse(session, recorded, reward, part)


def _eligible(conversion: Conversion, recorded: Refund) -> int:
    if recorded.eligible_amount is not None:
        return recorded.eligible_amount
    return Returns(conversion.amount, 0, conversion.eligible_amount).share_of(recorded.amount)


def _returns(session: Session, conversion: Conversion) -> Returns:
    named, shared = storage.returned(session, conversion.merchant_id, conversion.conversion_id)
    return Returns(conversion.amount, conversion.refunded_amount, conversion.eligible_amount, named, shared)


def _fault_of_time(asked: NewRefund, conversion: Conversion, *, now: datetime) -> str | None:
    if asked.refunded_at is None:
        return None
    if asked.refunded_at < conversion.ordered_at - CLOCK_GRACE:
        return f"It is before the order, which was placed at {conversion.ordered_at.isoformat()}."
    return fault_of_instant(asked.refunded_at, now=now)


def _refuse_too_much(returns: Returns, asked: NewRefund, amount: int) -> None:
    eligible_left = returns.eligible - returns.named
    faults = {}
    if amount > returns.left or not amount:
        faults["amount"] = f"Only {returns.left} of the order is left to refund (minor units)."
    if returns.amount and amount == 100 * returns.amount:
        faults["amount"] += f" The whole order was {returns.amount}: this is a hundred times that."
    if (asked.eligible_amount or 0) > eligible_left:
        faults["eligible_amount"] = f"Only {eligible_left} of what is eligible is left to refund (minor units)."
    refuse_faults(faults)


def _parts(session: Session, conversion: Conversion, returns: Returns) -> list[tuple[Reward, int]]:
    """(reward, minor units to take back), for the rewards of which the refunds so far take more than before."""
    parts = []
    for reward in rewards.of_conversions(session, conversion.merchant_id, [conversion.conversion_id]):
        target = taken_back(reward.amount, returns)
        if reward.status != "denied" and target > reward.reversed_amount:
            parts.append((reward, target - reward.reversed_amount))
    return parts


def _held(session: Session, conversion: Conversion, people: dict[str, KnownCustomer]) -> dict[str, int]:
    held = {}
    for name, customer in people.items():
        balances = books.owner_balances(session, conversion.merchant_id, customer.owner)
        if conversion.currency in balances:
            held[name] = balances[conversion.currency].available
    return held


def _reverse(session: Session, recorded: Refund, reward: Reward, part: int) -> None:
    session.add(
        Reversal(merchant_id=recorded.merchant_id, entry_id=recorded.entry_id, reward_id=reward.reward_id, amount=part)
    )
    if reward.lapsed_amount:
        reward.lapsed_amount -= min(part, reward.lapsed_amount)
    reward.reversed_amount += part
    if not reward.remaining:
        reward.status = "reversed"


def _replay(session: Session, conversion: Conversion, stored: Refund, asked: NewRefund) -> Taken:
    is_same = _is_all(conversion) if asked.full else stored.amount == asked.amount
    is_same = is_same and stored.eligible_amount == asked.eligible_amount
    if not is_same or asked.refunded_at not in (None, stored.refunded_at):
        raise RefundContradicted(stored.refund_id)
    return _taken(session, conversion, [stored])[0]


def _is_all(conversion: Conversion) -> bool:
    return conversion.refunded_amount == conversion.amount


def _taken(session: Session, conversion: Conversion, recorded: Sequence[Refund]) -> list[Taken]:
    """These refunds of one order with what each took back; as many statements for many as for one."""
    by_id = {
        reward.reward_id: reward
        for reward in rewards.of_conversions(session, conversion.merchant_id, [conversion.conversion_id])
    }
    parts: dict[UUID, list[tuple[Reward, int]]] = {stored.entry_id: [] for stored in recorded}
    for reversal in storage.reversals(session, conversion.merchant_id, list(parts)):
        parts[reversal.entry_id].append((by_id[reversal.reward_id], reversal.amount))
    return [
        Taken(stored, _eligible(conversion, stored), conversion.currency, parts[stored.entry_id]) for stored in recorded
    ]
