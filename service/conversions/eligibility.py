"""PURE: every rule that can say no to a referral, each a function with a name and a reason.

A rule answers a Decision whose `rule` is the reason that the contract names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.programs.terms import Terms

CLOCK_GRACE = timedelta(minutes=5)
"""How far the shop's clock may be behind ours for an order to follow a visit."""


@dataclass(frozen=True, slots=True)
class Person:
    """One side of a referral, as far as the rules look at it."""

    customer_id: str
    folded_email: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that the rules look at. Amounts in minor units.

    friend: None while nobody knows who will order (a quote).
    visited_at: None where a link token or a code is the evidence.
    friend_is_above: the friend stands somewhere above the advocate in the chain of who brought whom.
    rewarded_friends: how many other friends of this advocate the program's cap counts.
    """

    terms: Terms
    program_status: str
    link_status: str
    link_expires_at: datetime | None
    visited_at: datetime | None
    ordered_at: datetime
    amount: int
    currency: str
    advocate: Person
    friend: Person | None
    friend_is_above: bool
    has_earlier_order: bool
    rewarded_friends: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule said, and why, for staff."""

    rule: str
    passed: bool
    detail: str

    def as_stored(self) -> dict[str, object]:
        """The form in which a conversion keeps it."""
        return {"rule": self.rule, "passed": self.passed, "detail": self.detail}


Rule = Callable[[Case], Decision]


def link_revoked(case: Case) -> Decision:
    """The link must not have been revoked."""
    return Decision("link_revoked", case.link_status == "active", f"The link is {case.link_status}.")


def link_expired(case: Case) -> Decision:
    """The order must have been placed before the link expired."""
    expiry = case.link_expires_at
    if expiry is None:
        return Decision("link_expired", True, "The link does not expire.")
    return Decision("link_expired", case.ordered_at < expiry, f"The link expires at {expiry.isoformat()}.")


def program_paused(case: Case) -> Decision:
    """The program must be active."""
    return Decision("program_paused", case.program_status == "active", f"The program is {case.program_status}.")


def outside_window(case: Case) -> Decision:
    """The order must follow the visit within the attribution window, with some grace for clocks before it."""
    if case.visited_at is None:
        return Decision("outside_window", True, "A link or a code carries no visit and no window.")
    end = case.visited_at + case.terms.attribution_window
    passed = case.visited_at - CLOCK_GRACE <= case.ordered_at < end
    return Decision(
        "outside_window",
        passed,
        f"Visited at {case.visited_at.isoformat()}, ordered at {case.ordered_at.isoformat()}, "
        f"the window ends at {end.isoformat()}.",
    )


def self_referral(case: Case) -> Decision:
    """Advocate and friend must be two people: two customers with two mailboxes."""
    friend, advocate = case.friend, case.advocate
    if friend is None:
        return Decision("self_referral", True, "Nobody knows yet who will order.")
    if friend.customer_id == advocate.customer_id:
        return Decision("self_referral", False, "Advocate and friend are the same customer.")
    same_mailbox = friend.folded_email is not None and friend.folded_email == advocate.folded_email
    detail = "the same mailbox." if same_mailbox else "two mailboxes, or one is not known."
    return Decision("self_referral", not same_mailbox, f"Two customers with {detail}")


def circular_referral(case: Case) -> Decision:
    """The friend must not be among those through whom the advocate came."""
    detail = "is above" if case.friend_is_above else "is not above"
    return Decision(
        "circular_referral", not case.friend_is_above, f"The friend {detail} the advocate in the chain of referrals."
    )


def existing_customer(case: Case) -> Decision:
    """Where the program is for new customers, the friend must not have ordered before."""
    if not case.terms.new_customers_only:
        return Decision("existing_customer", True, "The program welcomes existing customers.")
    known_since = case.friend is not None and case.friend.since is not None
    if case.has_earlier_order:
        return Decision("existing_customer", False, "The friend has ordered here before.")
    detail = "was a customer before Orchard." if known_since else "has no earlier order."
    return Decision("existing_customer", not known_since, f"The friend {detail}")


def below_minimum(case: Case) -> Decision:
    """The order must reach the program's minimum. Amounts in two currencies are not compared."""
    minimum = case.terms.minimum_order_amount
    passed = case.amount >= minimum or case.currency != case.terms.currency
    return Decision("below_minimum", passed, f"The order is {case.amount}, the minimum {minimum} (minor units).")


def currency_mismatch(case: Case) -> Decision:
    """The order must be in the program's currency."""
    passed = case.currency == case.terms.currency
    return Decision(
        "currency_mismatch", passed, f"The order is in {case.currency}, the program in {case.terms.currency}."
    )


def cap_reached(case: Case) -> Decision:
    """The advocate must be below the program's cap."""
    cap = case.terms.max_rewards_per_advocate
    if cap is None:
        return Decision("cap_reached", True, "The program has no cap.")
    return Decision(
        "cap_reached",
        case.rewarded_friends < cap,
        f"The advocate has {case.rewarded_friends} other rewarded referrals of at most {cap}.",
    )


FOR_A_NEW_REFERRAL: tuple[Rule, ...] = (
    link_revoked,
    link_expired,
    program_paused,
    outside_window,
    self_referral,
    circular_referral,
    existing_customer,
    below_minimum,
    currency_mismatch,
    cap_reached,
)
FOR_A_LATER_ORDER: tuple[Rule, ...] = (program_paused, below_minimum, currency_mismatch, cap_reached)


def judge(case: Case, rules: tuple[Rule, ...]) -> list[Decision]:
    """What each of these rules says, all of them, in their order."""
    return [rule(case) for rule in rules]
