"""PURE: why an order was treated as it was, in words. Sorry comes first, and what can be done comes last."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.conversions.attribution import Status
from service.conversions.eligibility import REASONS


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an order was treated as it was, for staff and for the customer."""

    staff_text: str
    customer_text: str


WORDS: Mapping[Status, Explanation] = {
    "attributed": Explanation(
        "A referral earned credit for this order.",
        "Thank you! This order was recommended by a friend, and the reward is on its way.",
    ),
    "repeat": Explanation(
        "A later order of a referred friend, beyond the orders that are rewarded.",
        "Thank you for coming back! The friend who brought you has been thanked already.",
    ),
    "unattributed": Explanation("No referral was given, and the customer has none.", "Thank you for your order!"),
    "declined": Explanation("A referral was given, and these rules said no: {reasons}.", ""),
    "voided": Explanation("The order was voided: it earns nothing.", "This order was cancelled."),
    "flagged": Explanation(
        "A human must look: rewards are held until the review.",
        "Thank you! We are taking a moment to look at this referral and will let you know.",
    ),
}
"""What each status says by itself; the reasons add theirs."""


def explain(status: Status, reasons: Iterable[str]) -> Explanation:
    """The words for a conversion's status and reasons."""
    names, words = list(reasons), WORDS[status]
    staff_text = words.staff_text.format(reasons=", ".join(names))
    if status != "declined" and names:
        staff_text += f" Noted: {', '.join(names)}."
    said = [words.customer_text, *(REASONS[name].customer_text for name in names)]
    return Explanation(staff_text, " ".join(text for text in said if text))
