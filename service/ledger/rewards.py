"""PURE: from terms and an order to what one side earns, and from refunds to what is taken back."""

from dataclasses import dataclass
from typing import Literal

from service.ledger.money import divide_half_even

HUNDREDTHS_OF_A_PERCENT = 10_000

Given = Literal["credit", "discount"]


@dataclass(frozen=True, slots=True)
class FixedReward:
    """The same amount for every order, in minor units of the program's currency."""

    amount: int
    given_as: Given = "credit"

    def of(self, order_amount: int) -> int:
        """What an order of any amount earns, in minor units."""
        return self.amount


@dataclass(frozen=True, slots=True)
class PercentReward:
    """A share of the order, rounded half-even in minor units, up to a maximum.

    rate_basis_points: hundredths of a percent, 1 to 10,000.
    max_amount: minor units, or None for no maximum.
    """

    rate_basis_points: int
    max_amount: int | None = None
    given_as: Given = "credit"

    def of(self, order_amount: int) -> int:
        """What an order of this amount earns, in minor units."""
        share = divide_half_even(order_amount * self.rate_basis_points, HUNDREDTHS_OF_A_PERCENT)
        return share if self.max_amount is None else min(share, self.max_amount)


RewardTerms = FixedReward | PercentReward


def lapsing(left_of_reward: int, *, available: int, left_of_later: int) -> int:
    """How much of a reward lapses when its time is over, all in minor units.

    What expires first is spent first: of what is available, the rewards that expire later (or never) account for
    theirs, and what is beyond that is left of this one.
    """
    return max(0, min(left_of_reward, available - left_of_later))


def taken_back(reward_amount: int, *, refunded_total: int, order_amount: int) -> int:
    """How much of a reward is taken back once `refunded_total` of the order was refunded, all in minor units.

    Cumulative and rounded half-even, so it never falls as refunds add up, never passes the reward,
    and is the whole reward when the whole order was refunded.
    Raises ValueError where more than the order was refunded, or the order was of nothing.
    """
    if not 0 <= refunded_total <= order_amount:
        raise ValueError("refunds cannot pass the order")
    return divide_half_even(reward_amount * refunded_total, order_amount)
