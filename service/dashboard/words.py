"""PURE: what states are called, for people, and what can be decided in them."""

from collections.abc import Mapping
from typing import Literal

RewardStatus = Literal["pending", "available", "lapsed", "denied", "reversed"]

STATUSES: Mapping[str, str] = {
    "attributed": "Referred",
    "repeat": "Referred before",
    "unattributed": "Without a referral",
    "declined": "Referral refused",
    "flagged": "To be looked at",
    "voided": "Voided",
}
REWARDS: Mapping[str, str] = {
    "pending": "Ripening",
    "available": "Ripe",
    "lapsed": "Lapsed",
    "denied": "Denied",
    "reversed": "Taken back",
}
SIDES: Mapping[str, str] = {"advocate": "for the advocate", "friend": "for the friend"}


def decisions(status: RewardStatus) -> dict[str, str]:
    """What an admin can decide of a reward in this state -> how that is called."""
    release = {"release": "Release it now"} if status == "pending" else {}
    return {} if status in ("denied", "reversed") else {**release, "deny": "Deny it"}
