"""PURE: from terms and an order to what one side earns, and from refunds to what is taken back."""

from dataclasses import dataclass, replace
from typing import Literal

from service.ledger.money import divide_half_even

HUNDREDTHS_OF_A_PERCENT = 10_000

Given = Literal["credit", "discount"]


@dataclass(frozen=True, slots=True)
class FixedReward:
    """The same amount for every order, in minor units of the program's currency; a discount stops at the order."""

    amount: int
    given_as: Given = "credit"

    def of(self, eligible_amount: int) -> int:
        """What an order earns, in minor units: no more can be taken off than there is."""
        return min(self.amount, eligible_amount) if self.given_as == "discount" else self.amount


@dataclass(frozen=True, slots=True)
class PercentReward:
    """A share of the order, rounded half-even in minor units, up to a maximum.

    rate_basis_points: hundredths of a percent, 1 to 10,000.
    max_amount: minor units, or None for no maximum.
    """

    rate_basis_points: int
    max_amount: int | None = None
    given_as: Given = "credit"

    def of(self, eligible_amount: int) -> int:
        """What an order of this amount earns, in minor units."""
        share = divide_half_even(eligible_amount * self.rate_basis_points, HUNDREDTHS_OF_A_PERCENT)
        return share if self.max_amount is None else min(share, self.max_amount)


RewardTerms = FixedReward | PercentReward


@dataclass(frozen=True, slots=True)
class Returns:
    """What came back of an order so far, all in minor units.

    amount: what was paid for the order; refunded: what of it was given back, in all.
    eligible: what its rewards were computed of; named: what of that refunds said they were for.
    shared: the part of `refunded` that named nothing, and stands for its share of the order.
    """

    amount: int
    refunded: int
    eligible: int
    named: int = 0
    shared: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.shared <= self.refunded <= self.amount:
            raise ValueError("refunds cannot pass the order")

    @property
    def left(self) -> int:
        """What of the order was not given back, in minor units."""
        return self.amount - self.refunded

    def share_of(self, refunded: int) -> int:
        """The eligible part of a refund that named none, in minor units, rounded half-even, to be shown."""
        return divide_half_even(self.eligible * refunded, self.amount)

    def and_then(self, refunded: int, named: int | None) -> "Returns":
        """What will have come back after one more refund. named: None where it says nothing of what it is for."""
        more = {"named": self.named + named} if named is not None else {"shared": self.shared + refunded}
        return replace(self, refunded=self.refunded + refunded, **more)


def taken_back(reward_amount: int, returns: Returns) -> int:
    """How much of a reward is taken back once this much of its order came back, in minor units.

    The reward's share of what came back of the eligible amount, rounded half-even once for all refunds: so it does not
    depend on their order, never falls as they add up, and never passes the reward. All of it once all was refunded.
    """
    if returns.refunded and returns.refunded == returns.amount:
        return reward_amount
    if not returns.eligible or not returns.amount:
        return 0
    came_back = returns.named * returns.amount + returns.eligible * returns.shared
    whole = returns.eligible * returns.amount
    return divide_half_even(reward_amount * min(came_back, whole), whole)
