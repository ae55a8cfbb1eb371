"""What is asked of the numbers: which days, of which program, channel and currency."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self
from uuid import UUID

from marshmallow import fields, validate

from service.programs import programs
from service.statistics.periods import Interval, Period
from service.statistics.rankings import Ranking
from service.statistics.reports import period_of
from service.statistics.totals import Cut, Totals
from service.values import CONTROL, LONGEST_CHANNEL, LONGEST_NAME
from service.web.call import Call
from service.web.errors import InvalidValues
from service.web.fields import CurrencyCode, Day, Digits, Strict
from service.web.pagination import DEFAULT_LIMIT, LARGEST_LIMIT, SealedPageQuery

MOST_PERIODS = 3_700
"""Ten years of days."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which days, and of what; None for any."""

    since: date | None
    until: date | None
    program_id: UUID | None
    channel: str | None
    currency: str | None

    @classmethod
    def of(cls, **members: Any) -> Self:
        """The question. Raises InvalidValues for an end before the beginning."""
        asked = cls(**members)
        if asked.since is not None and asked.until is not None and asked.until < asked.since:
            raise InvalidValues({"to": "It is before `from`."})
        return asked

    @property
    def cut(self) -> Cut:
        """Of what the numbers are asked."""
        return Cut(self.program_id, self.channel, self.currency)

    def of_merchant(self, call: Call) -> tuple[Totals, Period]:
        """The merchant's totals, and the period that is meant. Raises Unknown for another merchant's program."""
        if self.program_id is not None:
            programs.get(call.session, call.merchant_id, self.program_id)
        totals = call.once(Totals.of)
        return totals, period_of(totals, self.since, self.until, now=call.now)


@dataclass(frozen=True, slots=True)
class SeriesQuestion(Question):
    """The same, cut into periods."""

    interval: Interval | None

    def interval_of(self, period: Period) -> Interval:
        """How long the periods are; where it is not said, a day, or as long as it takes for them to be few enough.

        Raises InvalidValues for more periods than anybody can look at.
        """
        for interval in Interval if self.interval is None else (self.interval,):
            if period.pieces(interval) <= MOST_PERIODS:
                return interval
        raise InvalidValues({"interval": f"That is more than {MOST_PERIODS} periods: take a longer one, or less."})


@dataclass(frozen=True, slots=True)
class RankingQuestion(Question):
    """The same, by what advocates are ranked, and which part. cursor: sealed by us, None for the best."""

    sort: Ranking
    limit: int
    cursor: str | None


@dataclass(frozen=True, slots=True)
class GroveQuestion(RankingQuestion):
    """The same of advocates with so many friends, or who are called so; None for any."""

    least: int | None
    most: int | None
    named: str | None


CHANNEL = validate.Regexp(rf"^[^{CONTROL}]*\Z", error="It holds control characters.")


class StatsQuery(Strict):
    """Which days (of the merchant's time zone), and of what. Without `from`: from the first day that has anything."""

    makes = Question.of

    since = Day(data_key="from", load_default=None)
    until = Day(data_key="to", load_default=None)
    program_id = fields.UUID(load_default=None)
    channel = fields.String(load_default=None, validate=[CHANNEL, validate.Length(0, LONGEST_CHANNEL)])
    currency = CurrencyCode(load_default=None)


class SeriesQuery(StatsQuery):
    """The same, cut into days, weeks (from Monday) or months."""

    makes = SeriesQuestion.of

    interval = fields.Enum(Interval, by_value=True, load_default=None)


class RankingQuery(StatsQuery, SealedPageQuery):
    """The same, by what advocates are ranked. Without days, all that their friends ever brought is counted."""

    makes = RankingQuestion.of

    limit = Digits(load_default=DEFAULT_LIMIT, validate=validate.Range(1, LARGEST_LIMIT))
    sort = fields.Enum(Ranking, by_value=True, load_default=Ranking.VALUE)


class GroveQuery(RankingQuery):
    """The same of advocates with so many friends, or whose first name or id begins so."""

    makes = GroveQuestion.of

    least = Digits(load_default=None)
    most = Digits(load_default=None)
    named = fields.String(load_default=None, validate=[CHANNEL, validate.Length(1, LONGEST_NAME)])
