"""PURE: which days a page of numbers is about, and of what, as its address says it.

The address says `from` and `through`, both inclusive, as people name days; the statistics end before a day.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlencode
from uuid import UUID

from service.currencies import fault_of_code
from service.languages import message
from service.values import EPOCH, LONGEST_CHANNEL, fault_of_text
from service.web.errors import InvalidValues

DAY = timedelta(days=1)
EARLIEST, LATEST = EPOCH.date(), date(9000, 1, 1)
"""What can be asked for: since 1970, as in the API, and no day after which no calendar goes on."""

DAY_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DAYS_AT_FIRST = 28
PRESETS = {
    "7": message("7 days"),
    "28": message("28 days"),
    "91": message("13 weeks"),
    "364": message("52 weeks"),
}
"""How many days, up to today, and how that is called."""

INTERVALS = {"day": message("Day"), "week": message("Week"), "month": message("Month")}
MEASURES = ("new_customers", "net_revenue", "visits", "referred_orders", "clients", "reward_cost")
"""What can be plotted."""


@dataclass(frozen=True, slots=True)
class Filters:
    """first, last: both inclusive. program_id, channel, currency: as they were asked, None for any."""

    first: date
    last: date
    program_id: str | None = None
    channel: str | None = None
    currency: str | None = None
    interval: str = "day"
    measure: str = "new_customers"

    @classmethod
    def of(cls, asked: Mapping[str, str], *, today: date) -> "Filters":
        """What an address asks for; what it does not say is four weeks up to today. Raises InvalidValues."""
        faults: dict[str, str] = {}
        last = _day(asked, "through", today, faults)
        first = _day(asked, "from", max(EARLIEST, last - (DAYS_AT_FIRST - 1) * DAY), faults)
        interval = _one_of(asked, "interval", tuple(INTERVALS), _fitting((last - first).days), faults)
        measure = _one_of(asked, "measure", MEASURES, MEASURES[0], faults)
        if not faults and last < first:
            faults["through"] = message("That is before the first day.")
        channel, currency = asked.get("channel"), asked.get("currency") or None
        program_id = _program(asked.get("program_id", ""), faults)
        said = {
            "channel": channel and fault_of_text(channel, most=LONGEST_CHANNEL),
            "currency": currency and fault_of_code(currency),
        }
        faults |= {name: fault for name, fault in said.items() if fault}
        if faults:
            raise InvalidValues(faults)
        return cls(first, last, program_id, channel, currency, interval, measure)

    @property
    def question(self) -> dict[str, str]:
        """What the statistics are asked."""
        said = {"program_id": self.program_id, "channel": self.channel, "currency": self.currency}
        named = {name: value for name, value in said.items() if value is not None}
        return {"from": self.first.isoformat(), "to": (self.last + DAY).isoformat(), **named}

    @property
    def before(self) -> "Filters | None":
        """The same of as many days before; None where that would begin before 1970."""
        days = self.last - self.first + DAY
        return None if self.first - EARLIEST < days else replace(self, first=self.first - days, last=self.first - DAY)

    def address(self, **changes: str | None) -> str:
        """The query of a page that shows the same but for these changes; None takes something away."""
        said: dict[str, str | None] = {
            "from": self.first.isoformat(),
            "through": self.last.isoformat(),
            "program_id": self.program_id,
            "channel": self.channel,
            "currency": self.currency,
            "interval": self.interval,
            "measure": self.measure,
            **changes,
        }
        return urlencode({name: value for name, value in said.items() if value is not None})


def presets(today: date) -> list[tuple[str, str, str]]:
    """(name, first day, last day) of the periods that are asked for most."""
    return [(name, (today - (int(days) - 1) * DAY).isoformat(), today.isoformat()) for days, name in PRESETS.items()]


def _day(asked: Mapping[str, str], name: str, otherwise: date, faults: dict[str, str]) -> date:
    text = asked.get(name, "").strip()
    if not text:
        return otherwise
    try:
        day = date.fromisoformat(text) if DAY_TEXT.fullmatch(text) else date.min
    except ValueError:
        day = date.min
    if EARLIEST <= day <= LATEST:
        return day
    faults[name] = message("That is not a day, such as 2026-11-26.")
    return otherwise


def _program(text: str, faults: dict[str, str]) -> str | None:
    try:
        return str(UUID(text)) if text else None
    except ValueError:
        faults["program_id"] = message("That is no program.")
        return None


def _one_of(
    asked: Mapping[str, str], name: str, choices: tuple[str, ...], otherwise: str, faults: dict[str, str]
) -> str:
    said = asked.get(name) or otherwise
    if said not in choices:
        faults[name] = f"There are {', '.join(choices)}."
    return said


def _fitting(days: int) -> str:
    """The interval that makes a plot of a readable number of points."""
    if days <= 92:
        return "day"
    return "week" if days <= 730 else "month"
