"""PURE: words, numbers, money and days as the reader writes them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from fractions import Fraction

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_interval, format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from service import currencies
from service.languages import KNOWN, SOURCE, catalogue

NOTHING = "–"
"""What stands where there is no number: a rate of nobody, say."""


def formats_for(*tags: str | None) -> "Formats":
    """The ways of the first of these locales, such as `de-AT`, whose language is known; English where none is."""
    asked = [tag.replace("_", "-").lower() for tag in tags if tag]
    return Formats(Locale(negotiate_locale(asked, KNOWN, sep="-") or SOURCE))


@dataclass(frozen=True, slots=True)
class Formats:
    """The ways of one locale."""

    locale: Locale

    def say(self, text: str, **values: object) -> str:
        """A text of the catalogue in the reader's language, with these values in it, as `%(name)s`."""
        said = catalogue(self.locale.language).gettext(text) if text else ""
        return said % values if values else said

    def say_many(self, one: str, many: str, number: int, **values: object) -> str:
        """The same of a number of things, which is `%(number)s` in it."""
        said = catalogue(self.locale.language).ngettext(one, many, number)
        return said % {"number": self.whole(number), **values}

    def whole(self, number: int) -> str:
        """A number of things."""
        return str(format_decimal(number, locale=self.locale))

    def money(self, amount: int | None, currency: str) -> str:
        """An amount of minor units, with all decimals of its currency."""
        return NOTHING if amount is None else currencies.shown(amount, currency, str(self.locale), is_short=False)

    def price(self, amount: int, currency: str) -> str:
        """An amount of minor units, without decimals that are zeros."""
        return currencies.shown(amount, currency, str(self.locale))

    def share(self, rate: float | None) -> str:
        """A rate, in percent with the two digits that the statistics have."""
        return NOTHING if rate is None else str(format_percent(rate, "#,##0.00%", locale=self.locale))

    def hundredths(self, basis_points: int) -> str:
        """A rate of hundredths of a percent, with as many digits as it has."""
        return str(format_percent(basis_points / 10_000, "#,##0.##%", locale=self.locale))

    def change(self, now: int, before: int) -> str:
        """By how much a number grew, in whole percent with its sign; "" where there was nothing before."""
        if before <= 0:
            return ""
        percent = round(Fraction(100 * (now - before), before))
        pattern = "+#,##0%;-#,##0%" if percent else "0%"
        return str(format_percent(percent / 100, pattern, locale=self.locale))

    def day(self, day: date) -> str:
        """A day, short."""
        return str(format_date(day, "medium", locale=self.locale))

    def month(self, first: date) -> str:
        """A month, by its first day."""
        return str(format_skeleton("yMMM", first, locale=self.locale))

    def moment(self, moment: datetime, zone: tzinfo) -> str:
        """A moment in this zone, to the minute."""
        here = moment.astimezone(zone)
        return f"{self.day(here.date())}, {format_time(here.time(), 'short', locale=self.locale)}"

    def several(self, things: Sequence[str]) -> str:
        """Several things, one after the other."""
        return str(format_list(list(things), locale=self.locale))

    def set_apart(self, text: str) -> str:
        """A text of somebody else's, such as a name, so that its direction changes nothing around it."""
        runs = {unicodedata.bidirectional(character) for character in text}
        other = {"L"} if self.locale.text_direction == "rtl" else {"R", "AL"}
        return f"\u2068{text}\u2069" if runs & other else text

    def days(self, first: date, last: date) -> str:
        """A period, both of its days inclusive."""
        return self.day(first) if first == last else str(format_interval(first, last, "yMMMd", locale=self.locale))
