"""PURE: one customer's orders in the order in which they were placed, and what each is among them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from uuid import UUID


@dataclass(frozen=True, slots=True, order=True)
class Placed:
    """An order that was not voided. advocate_id: to whose referral it belongs, None where to nobody's."""

    ordered_at: datetime
    conversion_id: UUID
    advocate_id: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What an order is among its customer's.

    previous_day: the day of the order before it, None for the first. nth: 1 for the first, 2 for the second ...
    nth_of_referral: the same among the orders of the customer's referral; None where it does not belong to that.
    cohort: the month (its first day) in which the customer was won, and whether by a referral. nth_of_cohort: which
    of the orders that the cohort counts; None where it counts it not.
    """

    previous_day: date | None
    nth: int
    nth_of_referral: int | None
    cohort: date
    is_referred: bool
    nth_of_cohort: int | None


OF_NOBODY = Standing(None, nth=1, nth_of_referral=None, cohort=date.min, is_referred=False, nth_of_cohort=None)
"""What an order is that names no customer: the first and only one of somebody who is not counted."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """All orders of one customer that stand, oldest first. advocate_id: who brought them, None where nobody did."""

    orders: Sequence[Placed]
    advocate_id: str | None
    zone: tzinfo

    def standings(self) -> dict[UUID, Standing]:
        """What each order is."""
        referred = [placed for placed in self.orders if self._is_of_referral(placed)]
        counted = referred or self.orders
        of_referral = {placed.conversion_id: nth for nth, placed in enumerate(referred, 1)}
        of_cohort = {placed.conversion_id: nth for nth, placed in enumerate(counted, 1)}
        cohort = self._day(counted[0]).replace(day=1) if counted else date.min
        days = [None, *map(self._day, self.orders)]
        return {
            placed.conversion_id: Standing(
                previous_day=days[index],
                nth=index + 1,
                nth_of_referral=of_referral.get(placed.conversion_id),
                cohort=cohort,
                is_referred=bool(referred),
                nth_of_cohort=of_cohort.get(placed.conversion_id),
            )
            for index, placed in enumerate(self.orders)
        }

    def near(self, changed: Iterable[tuple[datetime, UUID]]) -> Iterator[UUID]:
        """The orders that may be another thing because those of these times and ids came, went or changed.

        That is what follows each, and the first two: of all, and of the referral's.
        """
        yield from (placed.conversion_id for placed in self.orders[:2])
        yield from [placed.conversion_id for placed in self.orders if self._is_of_referral(placed)][:2]
        positions = [(placed.ordered_at, placed.conversion_id) for placed in self.orders]
        for position in changed:
            following = bisect_right(positions, position)
            if following < len(positions):
                yield positions[following][1]

    def _is_of_referral(self, placed: Placed) -> bool:
        return placed.advocate_id is not None and placed.advocate_id == self.advocate_id

    def _day(self, placed: Placed) -> date:
        return placed.ordered_at.astimezone(self.zone).date()
