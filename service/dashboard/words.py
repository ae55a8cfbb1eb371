"""PURE: what states and reasons are called, for people, and what can be decided in them. All of it is translated."""

from collections.abc import Mapping
from typing import Literal

from service.languages import message

RewardStatus = Literal["pending", "available", "lapsed", "denied", "reversed"]
FoundBy = Literal["order", "customer", "code", "e-mail", "reward", "redemption", "link"]

STATUSES: Mapping[str, str] = {
    "attributed": message("Referred"),
    "repeat": message("Referred before"),
    "unattributed": message("Without a referral"),
    "declined": message("Referral refused"),
    "flagged": message("To be looked at"),
    "voided": message("Voided"),
}
REWARDS: Mapping[str, str] = {
    "pending": message("Ripening"),
    "available": message("Ripe"),
    "lapsed": message("Lapsed"),
    "denied": message("Denied"),
    "reversed": message("Taken back"),
}
SIDES: Mapping[str, str] = {"advocate": message("for the advocate"), "friend": message("for the friend")}
PROGRAMS: Mapping[str, str] = {
    "active": message("active"),
    "paused": message("paused"),
    "ended": message("ended"),
}
REASONS: Mapping[str, str] = {
    "invalid_referral": message("What came as a referral could not be read"),
    "link_revoked": message("The link had been revoked"),
    "link_expired": message("The link had expired"),
    "program_paused": message("The program was paused or over"),
    "outside_window": message("Too long after the visit"),
    "self_referral": message("Somebody referred themselves"),
    "unknown_customer": message("Nobody said whose order it was"),
    "circular_referral": message("The advocate had come through the friend"),
    "existing_customer": message("Not a new customer"),
    "already_referred": message("Another friend was first"),
    "below_minimum": message("Below the minimum"),
    "currency_mismatch": message("In a currency that the program does not have"),
    "cap_reached": message("The advocate had the most that one can have"),
}
"""Why a referral was refused or noted, each reason that there is."""

FOUND_BY: Mapping[FoundBy, str] = {
    "order": message("by the order"),
    "customer": message("by the customer's id"),
    "code": message("by the code"),
    "e-mail": message("by the e-mail address"),
    "reward": message("by the reward"),
    "redemption": message("by the redemption"),
    "link": message("by the link"),
}
"""By what of it something was found."""

RELEASE, DENY = message("Release it now"), message("Deny it")


def decisions(status: RewardStatus) -> dict[str, str]:
    """What an admin can decide of a reward in this state -> how that is called."""
    release = {"release": RELEASE} if status == "pending" else {}
    return {} if status in ("denied", "reversed") else {**release, "deny": DENY}
