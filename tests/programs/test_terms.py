"""What terms say of themselves."""

from typing import Any

import pytest

from service.programs.terms import DEFAULTS, terms_of

FIXED = {"type": "fixed", "amount": 1000, "as": "credit"}
IN_USD: dict[str, Any] = {"advocate_reward": FIXED, "friend_reward": None, "tiers": [], "minimum_order_amount": 0}


def tier(from_referral: int) -> dict[str, Any]:
    """A better reward from there on."""
    return {"from_referral": from_referral, "advocate_reward": FIXED}


@pytest.mark.parametrize(
    ("said", "most"),
    [
        ({}, 0),
        ({"max_rewards_per_advocate": 3}, 3),
        ({"tiers": [tier(5), tier(20)]}, 20),
        ({"tiers": [tier(5)], "max_rewards_per_advocate": 7}, 7),
        ({"tiers": [tier(9)], "max_rewards_per_advocate": 7}, 9),
        ({"other_currencies": {"USD": {**IN_USD, "tiers": [tier(40)]}}, "max_rewards_per_advocate": 7}, 40),
        ({"other_currencies": {"USD": IN_USD}, "tiers": [tier(2)]}, 2),
    ],
)
def test_cap_and_tiers_tell_so_many_referrals_apart(said: dict[str, Any], most: int) -> None:
    assert terms_of({**DEFAULTS, "currency": "EUR", "advocate_reward": FIXED, **said}).tells_apart == most
