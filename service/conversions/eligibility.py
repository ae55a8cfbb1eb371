"""PURE: every rule that can say no to a referral, each one value: its reason, what it asks, its words.

The contract's list of reasons, the table in docs/integration.md and the explanations come from `REASONS`.
"""

from collections.abc import Sequence
from datetime import timedelta

from service.conversions.rules import Decision, Facts, Reason, Rule
from service.languages import message
from service.links.evidence import QuoteEvidence

CLOCK_GRACE = timedelta(minutes=5)
"""How far the shop's clock may be behind ours for an order to follow a visit."""


def _unknown_customer(facts: Facts) -> tuple[bool, str]:
    if facts.friend_is_unknown:
        return False, "The order names neither a customer nor a mailbox that is somebody's."
    return True, "It is known who orders." if facts.friend_id is not None else "Nobody knows yet who will order."


def _link_revoked(facts: Facts) -> tuple[bool, str]:
    return facts.link_status == "active", f"The link is {facts.link_status}."


def _link_expired(facts: Facts) -> tuple[bool, str]:
    expiry = facts.link_expires_at
    if expiry is None:
        return True, "The link does not expire."
    return facts.ordered_at < expiry, f"The link expires at {expiry.isoformat()}."


def _program_paused(facts: Facts) -> tuple[bool, str]:
    return facts.program_status == "active", f"The program is {facts.program_status}."


def _outside_window(facts: Facts) -> tuple[bool, str]:
    if facts.visited_at is None:
        return True, "A link or a code carries no visit and no window."
    end = facts.visited_at + facts.terms.attribution_window
    detail = (
        f"Visited at {facts.visited_at.isoformat()}, ordered at {facts.ordered_at.isoformat()}, "
        f"the window ends at {end.isoformat()}."
    )
    return facts.visited_at - CLOCK_GRACE <= facts.ordered_at < end, detail


def _self_referral(facts: Facts) -> tuple[bool, str]:
    if facts.friend_id is None:
        return True, "Nobody knows yet who will order."
    if facts.friend_id == facts.advocate_id:
        return False, "Advocate and friend are the same customer."
    if facts.friend_is_advocate:
        return False, "Two customers with the same mailbox."
    return True, "Two customers with two mailboxes, or one is not known."


def _circular_referral(facts: Facts) -> tuple[bool, str]:
    detail = "is above" if facts.friend_is_above else "is not above"
    return not facts.friend_is_above, f"The friend {detail} the advocate in the chain of referrals."


def _existing_customer(facts: Facts) -> tuple[bool, str]:
    if not facts.terms.new_customers_only:
        return True, "The program welcomes existing customers."
    if facts.has_earlier_order:
        return False, "The friend has ordered here before."
    if facts.friend_came_before:
        return False, "The friend was a customer before Orchard."
    return True, "The friend has no earlier order."


def _below_minimum(facts: Facts) -> tuple[bool, str]:
    minimum = facts.terms.minimum_order_amount
    if not facts.eligible_amount:
        return False, "Nothing of the order is eligible."
    reached = facts.eligible_amount >= minimum or facts.currency != facts.terms.currency  # currencies do not compare
    return reached, f"{facts.eligible_amount} of the order is eligible, the minimum is {minimum} (minor units)."


def _currency_mismatch(facts: Facts) -> tuple[bool, str]:
    detail = f"The order is in {facts.currency}, the terms for it in {facts.terms.currency}."
    return facts.currency == facts.terms.currency, detail


def _cap_reached(facts: Facts) -> tuple[bool, str]:
    cap = facts.terms.max_rewards_per_advocate
    if cap is None:
        return True, "The program has no cap."
    detail = f"The advocate has {facts.rewarded_friends} other rewarded referrals of at most {cap}."
    return facts.rewarded_friends < cap, detail


INVALID_REFERRAL = Reason(
    "invalid_referral",
    "It must be a token or code of this merchant.",
    message("Sorry, we could not read that referral. Please ask your friend to send the link again."),
)
UNKNOWN_CUSTOMER = Rule(
    "unknown_customer",
    "The order must name a customer, or a mailbox that is somebody's (not noreply@ and the like).",
    message("Sorry, we do not know whose order this is, so nobody can be rewarded. Please order with your e-mail."),
    _unknown_customer,
)
LINK_REVOKED = Rule(
    "link_revoked",
    "The link must not have been revoked.",
    message("Sorry, that link is no longer in use. Your friend may have a newer one for you."),
    _link_revoked,
)
LINK_EXPIRED = Rule(
    "link_expired",
    "The order must have been placed before the link's `expires_at`.",
    message("Sorry, that link had expired when the order was placed. Your friend may have a newer one."),
    _link_expired,
)
PROGRAM_PAUSED = Rule(
    "program_paused",
    "The program must be active: neither paused nor ended.",
    message("Sorry, our referral program was taking a rest when the order was placed."),
    _program_paused,
)
OUTSIDE_WINDOW = Rule(
    "outside_window",
    "`visited_at <= ordered_at < visited_at + window`, with five minutes' grace before for clocks.",
    message("Sorry, too much time passed between following the link and the order."),
    _outside_window,
)
SELF_REFERRAL = Rule(
    "self_referral",
    "Advocate and friend must be two persons: two customers, whose mailboxes are not one spelled in two ways.",
    message("Sorry, a referral rewards two different people, so one cannot refer oneself."),
    _self_referral,
)
CIRCULAR_REFERRAL = Rule(
    "circular_referral",
    "The friend must not be among those through whom the advocate came.",
    message("Sorry, you came to us before the friend whose link this is, so it could not count."),
    _circular_referral,
)
EXISTING_CUSTOMER = Rule(
    "existing_customer",
    "Where the program is for new customers, no customer with the friend's mailbox may have ordered before.",
    message("Sorry, this offer welcomes new customers, and we have already had the pleasure."),
    _existing_customer,
)
ALREADY_REFERRED = Reason(
    "already_referred",
    "Noted only: the token was another advocate's; the order belongs to the first one.",
    message("You came to us through another friend, so this order counts for that friend."),
)
BELOW_MINIMUM = Rule(
    "below_minimum",
    "The eligible amount must be above 0, and reach the program's minimum.",
    message("Sorry, the order was below the amount from which a referral is rewarded."),
    _below_minimum,
)
CURRENCY_MISMATCH = Rule(
    "currency_mismatch",
    "The order must be in a currency of the program.",
    message("Sorry, this offer holds for orders in another currency."),
    _currency_mismatch,
)
CAP_REACHED = Rule(
    "cap_reached",
    "The advocate must have fewer rewarded referrals than `max_rewards_per_advocate`; the friend is welcomed still.",
    message("Sorry, your friend has already been rewarded as often as this program allows."),
    _cap_reached,
)

REASONS: dict[str, Reason] = {
    reason.name: reason
    for reason in (
        INVALID_REFERRAL,
        UNKNOWN_CUSTOMER,
        LINK_REVOKED,
        LINK_EXPIRED,
        PROGRAM_PAUSED,
        OUTSIDE_WINDOW,
        SELF_REFERRAL,
        CIRCULAR_REFERRAL,
        EXISTING_CUSTOMER,
        ALREADY_REFERRED,
        BELOW_MINIMUM,
        CURRENCY_MISMATCH,
        CAP_REACHED,
    )
}
"""Every reason that there is, in the order in which the contract lists them."""

FOR_A_NEW_REFERRAL = tuple(rule for rule in REASONS.values() if isinstance(rule, Rule))
FOR_A_LATER_ORDER = (PROGRAM_PAUSED, SELF_REFERRAL, BELOW_MINIMUM, CURRENCY_MISMATCH, CAP_REACHED)

KEPT_BY_A_QUOTE = (LINK_REVOKED, LINK_EXPIRED, PROGRAM_PAUSED, OUTSIDE_WINDOW)
"""What may change after a quote without taking away what was promised to the friend."""

KEPT_WHEN_JUDGED_AGAIN = (LINK_REVOKED, PROGRAM_PAUSED)
"""What an order is judged by as it was when the order was recorded: nobody keeps how that was."""


def kept_by(quote: QuoteEvidence) -> dict[str, Decision]:
    """The rules that a quote has answered, and how."""
    detail = f"It was quoted at {quote.quoted_at.isoformat()}, and holds until {quote.expires_at.isoformat()}."
    return {rule.name: Decision(rule.name, True, detail) for rule in KEPT_BY_A_QUOTE}


def judge(facts: Facts, rules: Sequence[Rule]) -> list[Decision]:
    """What each of these rules says, all of them, in their order."""
    return [rule.decide(facts) for rule in rules]
