"""PURE: what states are called, for people."""

from collections.abc import Mapping

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
