"""PURE: why an order was treated as it was, and how it stands now. Sorry comes first, and what can be done last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.conversions.attribution import Status
from service.conversions.eligibility import REASONS
from service.formats import Formats
from service.languages import message


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an order was treated as it was, for staff and for the customer."""

    staff_text: str
    customer_text: str


@dataclass(frozen=True, slots=True)
class RewardNow:
    """What became of one reward. Minor units. status: as it is now. taken: what of it was taken back."""

    side: str
    amount: int
    taken: int
    status: str


@dataclass(frozen=True, slots=True)
class OrderNow:
    """How an order stands. Minor units. void_reason: None where it was not voided."""

    amount: int
    refunded: int
    rewards: Sequence[RewardNow] = ()
    void_reason: str | None = None
    late_note: str | None = None


WORDS: Mapping[Status, Explanation] = {
    "attributed": Explanation(
        "A referral earned credit for this order.",
        message("Thank you! This order was recommended by a friend. %(now)s"),
    ),
    "repeat": Explanation(
        "A later order of a referred friend, beyond the orders that are rewarded.",
        message("Thank you for coming back! The friend who brought you has been thanked already."),
    ),
    "unattributed": Explanation(
        "No referral was given, and the customer has none.", message("Thank you for your order!")
    ),
    "declined": Explanation("A referral was given, and these rules said no: {reasons}.", ""),
    "voided": Explanation(
        "The order was voided ({void_reason}): it earns nothing.",
        message("This order was cancelled, so there is no reward for it."),
    ),
    "flagged": Explanation(
        "A human must look: rewards are held until the review.",
        message("Thank you! We are taking a moment to look at this referral and will let you know."),
    ),
}
"""What each status says by itself; the reasons add theirs, and how its rewards stand."""

NOW: Mapping[str, str] = {
    "pending": message("The reward is on its way."),
    "available": message("The reward has arrived."),
    "lapsed": message("The reward was not used in time and has lapsed."),
    "reversed": message("As the order was given back, its reward was too."),
    "denied": message(
        "Sorry, we looked at this referral again and could not reward it. Please ask us if that seems wrong."
    ),
}
"""What the customer is told of rewards in this state; the first state that one of them is in."""


def explain(status: Status, reasons: Iterable[str], order: OrderNow, formats: Formats) -> Explanation:
    """The words for a conversion's status and reasons, and for how it stands now. formats: the customer's."""
    names, words = list(reasons), WORDS[status]
    if status == "voided":
        names = []
    staff = [words.staff_text.format(reasons=", ".join(names), void_reason=order.void_reason)]
    if status != "declined" and names:
        staff.append(f"Noted: {', '.join(names)}.")
    staff += _what_happened(order)
    found = {reward.status for reward in order.rewards}
    now = next((text for state, text in NOW.items() if state in found), "")
    said = [formats.say(words.customer_text, now=formats.say(now)).strip()]
    said += [formats.say(REASONS[name].customer_text) for name in names]
    return Explanation(" ".join(staff), " ".join(text for text in said if text))


def _what_happened(order: OrderNow) -> list[str]:
    said = [f"A human gave it this referral later: {order.late_note}."] if order.late_note else []
    if order.refunded:
        said.append(f"{order.refunded} of {order.amount} was refunded (minor units).")
    for reward in order.rewards:
        taken = f", {reward.taken} of it was taken back" if reward.taken else ""
        said.append(f"The {reward.side}'s reward of {reward.amount} is {reward.status}{taken}.")
    return said
