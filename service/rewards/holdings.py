"""PURE: what a customer has of one currency, and how an amount is spread over what it is taken from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

GIVEN_BACK_LASTS = timedelta(days=30)
"""What comes back to a customer does not lapse before that."""


@dataclass(slots=True)
class Purse:
    """What a customer has of one currency while several things happen to it, in minor units."""

    available: int = 0
    owed: int = 0

    def gain(self, amount: int) -> int:
        """More is available. Returns what of it pays the debt."""
        paid = min(self.owed, amount)
        self.owed -= paid
        self.available += amount - paid
        return paid

    def lose(self, amount: int) -> int:
        """Less is available. Returns what is missing, and owed."""
        taken = min(self.available, amount)
        self.available -= taken
        self.owed += amount - taken
        return amount - taken


def spread(amount: int, over: Iterable[int]) -> list[int]:
    """How much of an amount falls to each of these, the first before others, in minor units.

    One more comes last: what is beyond all of them.
    """
    shares = []
    for limit in over:
        shares.append(min(limit, amount))
        amount -= shares[-1]
    return [*shares, amount]
