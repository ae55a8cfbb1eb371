"""PURE: days, and how they are cut into periods."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

EARLIEST = date(1970, 1, 1)
LAST = date.max.replace(day=1)
"""The next month or week of what begins later may be past what there are dates for."""

DAY = timedelta(days=1)


class Interval(StrEnum):
    """How long the periods of a series are. Weeks begin on Mondays (ISO 8601)."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """Days from the first, inclusive, to the end, exclusive. first <= end."""

    first: date
    end: date

    @property
    def before(self) -> "Period | None":
        """The period of as many days before this one; None where that would begin before 1970."""
        days = self.end - self.first
        if self.first - EARLIEST < days:
            return None
        return Period(self.first - days, self.first)

    def __contains__(self, day: date) -> bool:
        return self.first <= day < self.end

    def cut(self, interval: Interval) -> Iterator["Period"]:
        """The periods of this length in it, in order. The first and the last are cut off at its ends."""
        start = self.first
        while start < self.end:
            end = min(_following(start, interval), self.end) if start < LAST else self.end
            yield Period(start, end)
            start = end

    def pieces(self, interval: Interval) -> int:
        """About how many periods `cut` would give, without making them."""
        return (self.end - self.first).days // {Interval.DAY: 1, Interval.WEEK: 7, Interval.MONTH: 28}[interval]


def _following(day: date, interval: Interval) -> date:
    """The first day of the period after the one that this day is in."""
    if interval is Interval.DAY:
        return day + DAY
    if interval is Interval.WEEK:
        return day + (7 - day.weekday()) * DAY
    return (day.replace(day=28) + 4 * DAY).replace(day=1)
