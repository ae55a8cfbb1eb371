"""PURE: the decision: which referral, if any, earns the credit for an order."""

from dataclasses import dataclass
from typing import Literal

from service.conversions.eligibility import (
    ALREADY_REFERRED,
    CAP_REACHED,
    FOR_A_LATER_ORDER,
    FOR_A_NEW_REFERRAL,
    INVALID_REFERRAL,
    judge,
)
from service.conversions.rules import Decision, Facts

Judged = Literal["attributed", "repeat", "unattributed", "declined", "flagged"]
"""What an order can be to the program, once it was judged."""

Status = Literal["attributed", "repeat", "unattributed", "declined", "flagged", "voided"]
"""What an order can be to the program now."""

REFERRED: tuple[Status, ...] = ("attributed", "repeat", "flagged")
"""What belongs to a referral."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """What an order is to the program, with every rule that was asked."""

    status: Judged
    reasons: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()


UNATTRIBUTED = Attribution(
    "unattributed", decisions=(Decision("referral_given", True, "No referral was given and the customer has none."),)
)
UNREADABLE = Attribution(
    "declined",
    (INVALID_REFERRAL.name,),
    (INVALID_REFERRAL.noted("The referral is not a token or code of this merchant."),),
)


def decide(facts: Facts | None, *, referral_given: bool) -> Attribution:
    """What the order is.

    facts: None where there is no referral that could earn the credit. referral_given: whether something came with it.
    """
    if facts is None:
        return UNREADABLE if referral_given else UNATTRIBUTED
    return _later_order(facts) if facts.is_referred else _new_referral(facts)


def _new_referral(facts: Facts) -> Attribution:
    """The first order that a referral is given for: every rule must agree."""
    return _unless_refused(facts, judge(facts, FOR_A_NEW_REFERRAL))


def _later_order(facts: Facts) -> Attribution:
    """An order of a friend who has a referral: it belongs to that referral, whatever token came with it."""
    belongs = Decision("existing_referral", True, "The friend was referred before; the order belongs to that referral.")
    decisions = [belongs]
    noted: tuple[str, ...] = ()
    if facts.given_by_another:
        noted = (ALREADY_REFERRED.name,)
        decisions.append(ALREADY_REFERRED.noted("The token given is another advocate's."))
    limit = facts.terms.rewarded_orders
    within = limit is None or facts.rewarded_orders < limit
    most = "any number" if limit is None else limit
    count = f"{facts.rewarded_orders} orders of this friend were rewarded, of {most}."
    decisions.append(Decision("rewarded_orders", within, count))
    if not within:
        return Attribution("repeat", noted, tuple(decisions))
    judged = _unless_refused(facts, judge(facts, FOR_A_LATER_ORDER))
    return Attribution(judged.status, noted + judged.reasons, (*decisions, *judged.decisions))


def _unless_refused(facts: Facts, decisions: list[Decision]) -> Attribution:
    """Declined for every reason that holds; but a cap stops the advocate alone, and the friend is welcomed."""
    reasons = tuple(decision.rule for decision in decisions if not decision.passed)
    is_welcome = not reasons or (reasons == (CAP_REACHED.name,) and facts.friend_earns)
    return Attribution("attributed" if is_welcome else "declined", reasons, tuple(decisions))
