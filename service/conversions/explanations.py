"""PURE: why an order was treated as it was, in words. Sorry comes first, and what can be done comes last."""

from collections.abc import Iterable
from dataclasses import dataclass

_CUSTOMER = {
    "invalid_referral": "Sorry, we could not read that referral. Please ask your friend to send the link again.",
    "link_revoked": "Sorry, that link is no longer in use. Your friend may have a newer one for you.",
    "link_expired": "Sorry, that link had expired when the order was placed. Your friend may have a newer one.",
    "program_paused": "Sorry, our referral program was taking a rest when the order was placed.",
    "outside_window": "Sorry, too much time passed between following the link and the order.",
    "self_referral": "Sorry, a referral rewards two different people, so one cannot refer oneself.",
    "circular_referral": "Sorry, you came to us before the friend whose link this is, so it could not count.",
    "existing_customer": "Sorry, this offer welcomes new customers, and we have already had the pleasure.",
    "already_referred": "You came to us through another friend, so this order counts for that friend.",
    "below_minimum": "Sorry, the order was below the amount from which a referral is rewarded.",
    "currency_mismatch": "Sorry, this offer holds for orders in another currency.",
    "cap_reached": "Sorry, your friend has already been rewarded as often as this program allows.",
}
_OUTCOME = {
    "attributed": "Thank you! This order was recommended by a friend, and the reward is on its way.",
    "repeat": "Thank you for coming back! The friend who brought you has been thanked already.",
    "unattributed": "Thank you for your order!",
    "declined": "",
    "flagged": "Thank you! We are taking a moment to look at this referral and will let you know.",
}
_STAFF = {
    "attributed": "A referral earned credit for this order.",
    "repeat": "A later order of a referred friend, beyond the orders that are rewarded.",
    "unattributed": "No referral was given, and the customer has none.",
    "declined": "A referral was given, and these rules said no: {reasons}.",
    "flagged": "A human must look: rewards are held until the review.",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an order was treated as it was, for staff and for the customer."""

    staff_text: str
    customer_text: str


def explain(status: str, reasons: Iterable[str]) -> Explanation:
    """The words for a conversion's status and reasons."""
    named = list(reasons)
    staff = _STAFF[status].format(reasons=", ".join(named))
    if status != "declined" and named:
        staff += f" Noted: {', '.join(named)}."
    words = [_OUTCOME[status], *(_CUSTOMER[reason] for reason in named)]
    return Explanation(staff, " ".join(word for word in words if word))
