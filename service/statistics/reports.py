"""What is asked of the numbers: in all, by period, by channel, by reason, by cohort."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from service.statistics.measures import CohortMeasures, Measures, Money
from service.statistics.periods import DAY, Interval, Period
from service.statistics.tallies import NO_PROGRAM, Role, Rollup, Scope
from service.statistics.totals import Cut, Sums, Totals


@dataclass(frozen=True, slots=True)
class Summary:
    """What a period brought. before: the same of as many days before it; None where that is before 1970."""

    period: Period
    measures: Measures
    before: "Summary | None"


@dataclass(frozen=True, slots=True)
class DeclinedFor:
    """How many orders a program declined for a reason. program_id: None where no program was found."""

    program_id: UUID | None
    reason: str
    orders: int


@dataclass(frozen=True, slots=True)
class Cohorts:
    """The customers who were won in a month (its first day): by a referral, and otherwise."""

    month: date
    referred: CohortMeasures
    others: CohortMeasures


def period_of(totals: Totals, first: date | None, end: date | None, *, now: datetime) -> Period:
    """The period that is asked for: without a beginning from the first day that has anything, and to today's end."""
    if first is not None and end is not None:
        return Period(first, end)
    days = [*totals.days(), now.astimezone(totals.zone).date()]
    if end is not None:
        return Period(min(min(days), end), end)
    start = min(days) if first is None else first
    return Period(start, max(start, max(days) + DAY))


def summary(totals: Totals, cut: Cut, period: Period) -> Summary:
    """What a period brought, with the period before it."""
    before = period.before
    earlier = None if before is None else Summary(before, _measures(totals, cut, before), None)
    return Summary(period, _measures(totals, cut, period), earlier)


def series(totals: Totals, cut: Cut, period: Period, interval: Interval) -> list[Summary]:
    """The same for each day, week or month of a period, each of which is there."""
    pieces = list(period.cut(interval))
    measured = [Measures() for _ in pieces]
    place_of = {day: index for index, piece in enumerate(pieces) for day in _days(piece)}
    found = totals.sums(Rollup.DAILY, cut.place, by=("day", "currency"), within={"day": period})
    for (day, currency), row in found.items():
        if cut.takes(str(currency)):
            measured[place_of[_date(day)]].count(str(currency), row)
    for name, role, place in _people_of(cut):
        for measures, people in zip(measured, totals.people(role, place, pieces), strict=True):
            setattr(measures, name, people)
    if cut.is_everything:
        _owe_by_piece(totals, cut, pieces, measured, found)
    return [Summary(piece, measures, None) for piece, measures in zip(pieces, measured, strict=True)]


def channels(totals: Totals, cut: Cut, period: Period) -> dict[str, Measures]:
    """channel ("" for links without one) -> what it brought."""
    scope = Scope.BOTH if cut.program_id else Scope.CHANNEL
    place = {"scope": scope, "program_id": cut.program_id or NO_PROGRAM}
    if cut.channel is not None:
        place["channel"] = cut.channel
    found: dict[str, Measures] = {}
    for (channel, currency), row in totals.sums(
        Rollup.DAILY, place, by=("channel", "currency"), within={"day": period}
    ).items():
        if cut.takes(str(currency)):
            found.setdefault(str(channel), Measures()).count(str(currency), row)
    [buyers] = totals.people(Role.BUYER, Cut().place, [period])
    for channel, measures in found.items():
        [measures.advocates] = totals.people(Role.ADVOCATE, replace(cut, channel=channel).place, [period])
        measures.buyers = buyers
    return dict(sorted(found.items()))


def reasons(totals: Totals, cut: Cut, period: Period) -> list[DeclinedFor]:
    """Why orders were declined, most frequent first. An order that two rules declined is counted for both."""
    place: dict[str, Any] = {"scope": Scope.EVERYTHING if cut.channel is None else Scope.CHANNEL}
    place["channel"] = cut.channel or ""
    if cut.program_id is not None:
        place["program_id"] = cut.program_id
    counted: dict[tuple[UUID, str], int] = {}
    for (program_id, reason, currency), row in totals.sums(
        Rollup.REASONS, place, by=("program_id", "reason", "currency"), within={"day": period}
    ).items():
        if cut.takes(str(currency)) and isinstance(program_id, UUID):
            counted[program_id, str(reason)] = counted.get((program_id, str(reason)), 0) + row["orders"]
    rows = [
        DeclinedFor(None if program_id == NO_PROGRAM else program_id, reason, orders)
        for (program_id, reason), orders in counted.items()
        if orders
    ]
    return sorted(rows, key=lambda row: (-row.orders, row.reason, str(row.program_id)))


def cohorts(totals: Totals, cut: Cut, period: Period) -> list[Cohorts]:
    """The cohorts whose month begins in the period or has its first day in it, oldest first.

    Who came without a referral belongs to no program and no channel, and is told beside each.
    """
    months = Period(period.first.replace(day=1), period.end)
    by = ("cohort", "currency", "month")
    found: dict[date, Cohorts] = {}
    for is_referred, place in ((True, cut.place), (False, Cut().place)):
        where = {**place, "is_referred": is_referred}
        for (cohort, currency, month), row in totals.sums(
            Rollup.COHORTS, where, by=by, within={"cohort": months}
        ).items():
            if not any(row.values()) or not cut.takes(str(currency)):
                continue
            told = found.setdefault(_date(cohort), Cohorts(_date(cohort), CohortMeasures(), CohortMeasures()))
            of = told.referred if is_referred else told.others
            of.customers += row["customers"]
            of.repeaters += row["repeaters"]
            key = str(currency), f"{_date(month):%Y-%m}"
            of.spent[key] = of.spent.get(key, 0) + row["spent"]
    return [told for _, told in sorted(found.items())]


def _measures(totals: Totals, cut: Cut, period: Period) -> Measures:
    measures = Measures()
    found = totals.sums(Rollup.DAILY, cut.place, by=("currency",), within={"day": period})
    for (currency,), row in found.items():
        if cut.takes(str(currency)):
            measures.count(str(currency), row)
    for name, role, place in _people_of(cut):
        [people] = totals.people(role, place, [period])
        setattr(measures, name, people)
    if cut.is_everything:
        _owe(measures, cut, _owed_at(totals, period.end))
    return measures


def _people_of(cut: Cut) -> Sequence[tuple[str, Role, Mapping[str, Any]]]:
    return (("advocates", Role.ADVOCATE, cut.place), ("buyers", Role.BUYER, Cut().place))


def _owed_at(totals: Totals, end: date) -> dict[str, int]:
    """currency -> what was owed to customers when this day began, in minor units."""
    ever = {"day": Period(date.min, end)}
    found = totals.sums(Rollup.DAILY, Cut().place, by=("currency",), within=ever)
    return {str(currency): row["liability"] for (currency,), row in found.items() if currency}


def _owe(measures: Measures, cut: Cut, owed: Mapping[str, int]) -> None:
    """Credit is one purse: which program it came from cannot be told of it, so it is told of everything alone."""
    for currency, amount in owed.items():
        if cut.takes(currency) and (amount or currency in measures.money):
            measures.money.setdefault(currency, Money()).liability = amount
    for money in measures.money.values():
        money.liability = money.liability or 0


def _owe_by_piece(
    totals: Totals, cut: Cut, pieces: Sequence[Period], measured: Sequence[Measures], moved: Sums
) -> None:
    """moved: (day, currency) -> what that day says."""
    if not pieces:
        return
    owed = _owed_at(totals, pieces[0].first)
    changes: dict[date, dict[str, int]] = {}
    for (day, currency), row in moved.items():
        if currency:
            changes.setdefault(_date(day), {})[str(currency)] = row["liability"]
    for piece, measures in zip(pieces, measured, strict=True):
        for day in _days(piece):
            for currency, amount in changes.get(day, {}).items():
                owed[currency] = owed.get(currency, 0) + amount
        _owe(measures, cut, owed)


def _days(period: Period) -> list[date]:
    return [period.first + number * DAY for number in range((period.end - period.first).days)]


def _date(value: object) -> date:
    assert isinstance(value, date)
    return value
