"""PURE: what a customer has while time passes, and what of it can lapse."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

GIVEN_BACK_LASTS = timedelta(days=30)
"""What comes back to a customer does not lapse before that."""


@dataclass(slots=True)
class Held:
    """What a customer has of one currency while time passes, in minor units.

    left: reward -> what may yet lapse. returned: (when, how much) came back of what had been spent or taken back.
    """

    available: int = 0
    owed: int = 0
    unexpired: int = 0
    left: dict[UUID, int] = field(default_factory=dict)
    returned: list[tuple[datetime, int]] = field(default_factory=list)

    def kept_at(self, moment: datetime) -> int:
        """What of it cannot lapse at this time: what lapses later or never, and what was given back lately."""
        lately = sum(amount for at, amount in self.returned if at > moment - GIVEN_BACK_LASTS)
        return self.unexpired + sum(self.left.values()) + lately

    def gain(self, amount: int) -> None:
        """More is available; what is owed is paid first."""
        paid = min(self.owed, amount)
        self.owed -= paid
        self.available += amount - paid
