"""PURE: the terms of a program, what they may be, and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Required, TypedDict

from service.errors import BadValues
from service.ledger.rewards import FixedReward, Given, PercentReward, RewardTerms

RewardDocument = TypedDict(
    "RewardDocument",
    {
        "type": Required[Literal["fixed", "percent"]],
        "amount": int,
        "rate": str,
        "max_amount": int | None,
        "as": Given,
    },
    total=False,
)
"""A reward as the contract has it, and as it is stored: `amount` where it is fixed, `rate` where it is a percentage."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """Which fields of a reward's document fit its type."""

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> frozenset[str]:
        """Every field that a document of this type may have."""
        return frozenset({"type", "as", *self.needed, *self.optional})


REWARD_FIELDS = {"fixed": Fitting(("amount",)), "percent": Fitting(("rate",), ("max_amount",))}
"""type -> its fields: every type of reward that there is."""


class TierDocument(TypedDict):
    """A tier as the contract has it, and as it is stored."""

    from_referral: int
    advocate_reward: RewardDocument


TERMS_FIELDS = (
    "currency",
    "advocate_reward",
    "friend_reward",
    "tiers",
    "minimum_order_amount",
    "attribution_window_days",
    "hold_days",
    "new_customers_only",
    "rewarded_orders",
    "max_rewards_per_advocate",
    "reward_expiry_days",
)
DEFAULTS: dict[str, Any] = {
    "advocate_reward": None,
    "friend_reward": None,
    "tiers": [],
    "minimum_order_amount": 0,
    "attribution_window_days": 30,
    "hold_days": 14,
    "new_customers_only": True,
    "rewarded_orders": 1,
    "max_rewards_per_advocate": None,
    "reward_expiry_days": None,
}


@dataclass(frozen=True, slots=True)
class Tier:
    """A better reward from the advocate's n-th rewarded referral on."""

    from_referral: int
    advocate_reward: RewardTerms


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a program's terms. Amounts in minor units of `currency`."""

    currency: str
    advocate_reward: RewardTerms | None
    friend_reward: RewardTerms | None
    tiers: tuple[Tier, ...]
    minimum_order_amount: int
    attribution_window: timedelta
    hold: timedelta
    new_customers_only: bool
    rewarded_orders: int | None
    max_rewards_per_advocate: int | None
    reward_expiry: timedelta | None

    @property
    def rewards_advocates(self) -> bool:
        """Whether advocates can earn at all: otherwise cap and tiers count the friends who earned."""
        return self.advocate_reward is not None

    def advocate_reward_for(self, nth_referral: int) -> RewardTerms | None:
        """What the advocate earns by the n-th rewarded referral: the highest tier reached, else the plain reward."""
        reached = [tier.advocate_reward for tier in self.tiers if tier.from_referral <= nth_referral]
        return reached[-1] if reached else self.advocate_reward

    def available_at(self, ordered_at: datetime) -> datetime:
        """When a reward for an order of this time ripens."""
        return ordered_at + self.hold

    def expires_at(self, available_at: datetime) -> datetime | None:
        """When what is left of a reward that ripened at this time lapses; None for never."""
        return None if self.reward_expiry is None else available_at + self.reward_expiry


def complete(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored form of terms of any version ever stored, with what did not exist then as it is by default."""
    return {**DEFAULTS, **stored}


def terms_of(stored: Mapping[str, Any]) -> Terms:
    """The terms of their stored form, which is the contract's, of any version ever stored.

    Versions are append-only and outlive this code. Raises ValueError for a reward of a type that nobody knows.
    """
    terms = complete(stored)
    tiers = tuple(Tier(tier["from_referral"], _reward(tier["advocate_reward"])) for tier in terms["tiers"])
    expiry = terms["reward_expiry_days"]
    return Terms(
        currency=terms["currency"],
        advocate_reward=terms["advocate_reward"] and _reward(terms["advocate_reward"]),
        friend_reward=terms["friend_reward"] and _reward(terms["friend_reward"]),
        tiers=tiers,
        minimum_order_amount=terms["minimum_order_amount"],
        attribution_window=timedelta(days=terms["attribution_window_days"]),
        hold=timedelta(days=terms["hold_days"]),
        new_customers_only=terms["new_customers_only"],
        rewarded_orders=terms["rewarded_orders"],
        max_rewards_per_advocate=terms["max_rewards_per_advocate"],
        reward_expiry=None if expiry is None else timedelta(days=expiry),
    )


def refuse_contradictions(terms: Mapping[str, Any]) -> None:
    """Raise BadValues for terms whose fields contradict each other."""
    faults = {}
    if terms["advocate_reward"] and terms["advocate_reward"]["as"] != "credit":
        faults["advocate_reward.as"] = "Only a friend's reward can be a discount."
    steps = [tier["from_referral"] for tier in terms["tiers"]]
    if steps != sorted(set(steps)):
        faults["tiers"] = "Tiers must rise: each from_referral above the one before."
    if any(tier["advocate_reward"]["as"] != "credit" for tier in terms["tiers"]):
        faults["tiers"] = "Only a friend's reward can be a discount."
    if terms["tiers"] and not terms["advocate_reward"]:
        faults["tiers"] = "Tiers better an advocate_reward, and there is none."
    cap = terms["max_rewards_per_advocate"]
    if cap is not None and steps and steps[-1] > cap:
        faults["tiers"] = "A tier beyond max_rewards_per_advocate can never be reached."
    if faults:
        raise BadValues(faults)


def _reward(reward: Mapping[str, Any]) -> RewardTerms:
    if reward["type"] == "fixed":
        return FixedReward(reward["amount"], reward.get("as", "credit"))
    if reward["type"] != "percent":
        raise ValueError(f"{reward['type']!r} is not a type of reward")
    basis_points = int(Decimal(reward["rate"]) * 100)
    return PercentReward(basis_points, reward.get("max_amount"), reward.get("as", "credit"))
