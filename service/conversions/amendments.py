"""Amendments: the order was edited after it was placed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions.conversions import Recorded, get
from service.conversions.earning import is_below_minimum, rewardable
from service.conversions.eligibility import ALREADY_REFERRED, BELOW_MINIMUM, CAP_REACHED
from service.conversions.rejudging import came_with, hold_case, judge_again
from service.conversions.standing import Held, earn_anew, find
from service.conversions.tables import amendments as storage
from service.conversions.tables.amendments import Amendment
from service.conversions.tables.conversions import Conversion
from service.database.writing import write_now
from service.errors import ReferralError, refuse_faults
from service.ids import new_id
from service.rewards.moves import Cause
from service.rewards.references import Step
from service.rewards.tables.friends import rewarded_friends
from service.values import fault_of_amount, fault_of_name


class AmendmentContradicted(ReferralError):
    """The amendment was recorded before, with other content."""

    def __init__(self, amendment_id: str, fields: Sequence[str]) -> None:
        super().__init__(f"Amendment {amendment_id} was recorded before with other content: {', '.join(fields)}.")
        self.amendment_id = amendment_id
        self.fields = list(fields)


@dataclass(frozen=True, slots=True)
class NewAmendment:
    """What the amounts of an order are from now on, in minor units, as of an order. Raises BadValues.

    discount_amount: None to leave it as it is. eligible_amount: None for all of it.
    """

    amendment_id: str
    amount: int
    discount_amount: int | None = None
    eligible_amount: int | None = None

    def __post_init__(self) -> None:
        refuse_faults(
            {
                "amendment_id": fault_of_name(self.amendment_id),
                "amount": fault_of_amount(self.amount),
                "discount_amount": fault_of_amount(self.discount_amount or 0),
                "eligible_amount": fault_of_amount(self.eligible_amount or 0),
            }
        )


def amend(session: Session, merchant_id: UUID, conversion_id: UUID, asked: NewAmendment, *, now: datetime) -> Recorded:
    """Record an amendment once, and compute the rewards anew under the terms to which the order is pinned.

    An order that was declined for its amount, or is too small now, is judged again.
    Returns the order as it stands, also on a replay.
    Raises Unknown, AmendmentContradicted, OrderVoided, and BadValues for less than was refunded.
    """
    conversion = find(session, merchant_id, conversion_id)
    came = came_with(conversion)
    held, case = hold_case(session, conversion, came, now=now)
    conversion = held.conversion
    if stored := storage.find(session, merchant_id, conversion_id, asked.amendment_id):
        _refuse_other_content(stored, asked)
        return get(session, merchant_id, conversion_id)
    held.refuse_voided()
    entry_id = new_id()
    _change_amounts(held, asked)
    write_now(session, _stored(held, asked, entry_id))
    terms = held.terms() if conversion.status == "attributed" else None
    if _is_declined_for_its_amount(conversion) or (terms is not None and is_below_minimum(conversion, terms)):
        again = replace(case, eligible_amount=rewardable(conversion))
        judge_again(held, again, came, Step.AMENDMENT, entry_id=entry_id)
    else:
        cause = Cause(Step.AMENDMENT, entry_id, effective_at=now, recorded_at=now)
        earn_anew(held, terms, cause, nth_referral=_nth_referral(held) if terms else 1)
    return replace(get(session, merchant_id, conversion_id), is_new=True)


def _change_amounts(held: Held, asked: NewAmendment) -> None:
    conversion, returns = held.conversion, held.returns()
    discount = conversion.discount_amount if asked.discount_amount is None else asked.discount_amount
    eligible = asked.amount + discount if asked.eligible_amount is None else asked.eligible_amount
    faults = {"eligible_amount": fault_of_amount(eligible)}
    if asked.amount < returns.refunded:
        faults["amount"] = f"{returns.refunded} of the order was refunded (minor units): it cannot be less than that."
    if eligible < returns.named:
        faults["eligible_amount"] = f"Refunds named {returns.named} of what is eligible (minor units)."
    refuse_faults(faults)
    conversion.amount, conversion.discount_amount, conversion.eligible_amount = asked.amount, discount, eligible
    conversion.to_be_sealed()


def _is_declined_for_its_amount(conversion: Conversion) -> bool:
    """Whether nothing but its amount speaks against it: a cap stops the advocate alone, and other things are noted."""
    others = set(conversion.reasons) - {ALREADY_REFERRED.name, CAP_REACHED.name}
    return conversion.status == "declined" and others == {BELOW_MINIMUM.name}


def _nth_referral(held: Held) -> int:
    """Which of the advocate's it was when the order was attributed; where it earned nothing, which it would be now."""
    for reward in held.rewards():
        if reward.is_earned:
            return reward.nth_referral
    of = held.conversion
    assert of.program_id is not None
    assert of.advocate_id is not None
    advocates, friends = (held.all_of(name) for name in (of.advocate_id, str(of.customer_id)))
    most = held.terms().tells_apart
    return 1 + rewarded_friends(
        held.session, of.merchant_id, program_id=of.program_id, advocates=advocates, besides=friends, most=most
    )


def _stored(held: Held, asked: NewAmendment, entry_id: UUID) -> Amendment:
    return Amendment(
        merchant_id=held.conversion.merchant_id,
        entry_id=entry_id,
        conversion_id=held.conversion.conversion_id,
        amendment_id=asked.amendment_id,
        amount=asked.amount,
        discount_amount=asked.discount_amount,
        eligible_amount=asked.eligible_amount,
        recorded_at=held.now,
    )


def _refuse_other_content(stored: Amendment, asked: NewAmendment) -> None:
    names = ("amount", "discount_amount", "eligible_amount")
    differing = [name for name in names if getattr(stored, name) != getattr(asked, name)]
    if differing:
        raise AmendmentContradicted(stored.amendment_id, differing)
