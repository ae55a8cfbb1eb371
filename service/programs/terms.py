"""PURE: the terms of a program, what they may be, and what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Required, TypedDict

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


class CurrencyDocument(TypedDict):
    """The same program in another currency, as the contract has it, and as it is stored."""

    advocate_reward: RewardDocument | None
    friend_reward: RewardDocument | None
    tiers: list[TierDocument]
    minimum_order_amount: int


TERMS_FIELDS = (
    "currency",
    "other_currencies",
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
    "other_currencies": {},
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
    """One version of a program's terms. Amounts in minor units of `currency`. others: the same in other currencies."""

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
    others: Mapping[str, "Terms"] = field(default_factory=dict)

    def in_currency(self, currency: str) -> "Terms":
        """What holds for an order in this currency; these terms where the program does not know it."""
        return self.others.get(currency, self)

    @property
    def rewards_advocates(self) -> bool:
        """Whether advocates can earn at all: otherwise cap and tiers count the friends who earned."""
        return self.advocate_reward is not None

    @property
    def tells_apart(self) -> int:
        """Up to how many rewarded referrals of one advocate cap and tiers can tell apart; 0 without either."""
        steps = [self.max_rewards_per_advocate or 0, *(tier.from_referral for tier in self.tiers)]
        return max(*steps, *(terms.tells_apart for terms in self.others.values()), 0)

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
    expiry = terms["reward_expiry_days"]
    own = Terms(
        currency=terms["currency"],
        **_amounts(terms),
        attribution_window=timedelta(days=terms["attribution_window_days"]),
        hold=timedelta(days=terms["hold_days"]),
        new_customers_only=terms["new_customers_only"],
        rewarded_orders=terms["rewarded_orders"],
        max_rewards_per_advocate=terms["max_rewards_per_advocate"],
        reward_expiry=None if expiry is None else timedelta(days=expiry),
    )
    others = {
        currency: replace(own, currency=currency, **_amounts(amounts))
        for currency, amounts in terms["other_currencies"].items()
    }
    return replace(own, others=others)


class _Amounts(TypedDict):
    advocate_reward: RewardTerms | None
    friend_reward: RewardTerms | None
    tiers: tuple[Tier, ...]
    minimum_order_amount: int


def _amounts(terms: Mapping[str, Any]) -> _Amounts:
    """What of terms is said in a currency."""
    return {
        "advocate_reward": terms["advocate_reward"] and _reward(terms["advocate_reward"]),
        "friend_reward": terms["friend_reward"] and _reward(terms["friend_reward"]),
        "tiers": tuple(Tier(tier["from_referral"], _reward(tier["advocate_reward"])) for tier in terms["tiers"]),
        "minimum_order_amount": terms["minimum_order_amount"],
    }


def _reward(reward: Mapping[str, Any]) -> RewardTerms:
    if reward["type"] == "fixed":
        return FixedReward(reward["amount"], reward.get("as", "credit"))
    if reward["type"] != "percent":
        raise ValueError(f"{reward['type']!r} is not a type of reward")
    basis_points = int(Decimal(reward["rate"]) * 100)
    return PercentReward(basis_points, reward.get("max_amount"), reward.get("as", "credit"))
