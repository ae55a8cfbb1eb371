"""PURE: one week told in short: which days it has, and how the weeks before it are drawn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from service.dashboard.filters import EARLIEST, LATEST

WEEKS_DRAWN = 12
WIDTH, HEIGHT = 480, 96
"""Of a plot."""

NAME = re.compile(r"([0-9]{4})-W([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Week:
    """A week of ISO 8601: from its Monday to its Sunday, both inclusive."""

    year: int
    number: int
    first: date

    @property
    def last(self) -> date:
        """The Sunday."""
        return self.first + timedelta(days=6)

    @property
    def drawn_from(self) -> date:
        """The Monday of the first week that is drawn beside it."""
        return self.first - timedelta(weeks=WEEKS_DRAWN - 1)

    @property
    def name(self) -> str:
        """Such as 2026-W46."""
        return f"{self.year}-W{self.number:02}"


def week_of(name: str) -> Week | None:
    """The week of this name, such as 2026-W46; None where there is none, or none that can be told."""
    found = NAME.fullmatch(name)
    if found is None or not EARLIEST.year < int(found[1]) < LATEST.year:
        return None
    try:
        return Week(int(found[1]), int(found[2]), date.fromisocalendar(int(found[1]), int(found[2]), 1))
    except ValueError:
        return None


def last_whole_week(today: date) -> Week:
    """The week that ended last."""
    first = today - timedelta(days=today.weekday() + 7)
    year, number, _ = first.isocalendar()
    return Week(year, number, first)


@dataclass(frozen=True, slots=True)
class Bar:
    """One week of a plot, in its units: WIDTH and HEIGHT."""

    x: int
    y: int
    width: int
    height: int
    is_last: bool


def bars(values: Sequence[int]) -> list[Bar]:
    """A bar for each value, the last of which is the week that is told. What is below nothing is drawn as nothing."""
    step, most = WIDTH // len(values), max([1, *values])
    heights = [max(1, round(HEIGHT * max(value, 0) / most)) for value in values]
    return [
        Bar(index * step, HEIGHT - height, step - 8, height, index == len(values) - 1)
        for index, height in enumerate(heights)
    ]
