"""PURE: which referral, if any, earns the credit for an order."""

from dataclasses import dataclass
from typing import Literal

from service.conversions.eligibility import FOR_A_LATER_ORDER, FOR_A_NEW_REFERRAL, Case, Decision, judge

Status = Literal["attributed", "repeat", "unattributed", "declined", "flagged"]


@dataclass(frozen=True, slots=True)
class Attribution:
    """What an order is to the program, with every rule that was asked."""

    status: Status
    reasons: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()


UNATTRIBUTED = Attribution(
    "unattributed", decisions=(Decision("referral_given", True, "No referral was given and the customer has none."),)
)
UNREADABLE = Attribution(
    "declined",
    ("invalid_referral",),
    (Decision("invalid_referral", False, "The referral is not a token or code of this merchant."),),
)


def new_referral(case: Case) -> Attribution:
    """The first order that a referral is given for: every rule must agree."""
    return _unless_refused(judge(case, FOR_A_NEW_REFERRAL))


def later_order(case: Case, *, rewarded_orders_so_far: int, given_by_another: bool) -> Attribution:
    """An order of a friend who has a referral: it belongs to that referral, whatever token came with it.

    rewarded_orders_so_far: how many orders of this friend earned rewards.
    given_by_another: whether the token was another advocate's, who earns nothing by it.
    """
    belongs = Decision("existing_referral", True, "The friend was referred before; the order belongs to that referral.")
    decisions = [belongs]
    noted: tuple[str, ...] = ()
    if given_by_another:
        noted = ("already_referred",)
        decisions.append(Decision("already_referred", False, "The token given is another advocate's."))
    limit = case.terms.rewarded_orders
    within = limit is None or rewarded_orders_so_far < limit
    count = (
        f"{rewarded_orders_so_far} orders of this friend were rewarded, of {'any number' if limit is None else limit}."
    )
    decisions.append(Decision("rewarded_orders", within, count))
    if not within:
        return Attribution("repeat", noted, tuple(decisions))
    judged = _unless_refused(judge(case, FOR_A_LATER_ORDER))
    return Attribution(judged.status, noted + judged.reasons, (*decisions, *judged.decisions))


def _unless_refused(decisions: list[Decision]) -> Attribution:
    reasons = tuple(decision.rule for decision in decisions if not decision.passed)
    return Attribution("declined" if reasons else "attributed", reasons, tuple(decisions))
