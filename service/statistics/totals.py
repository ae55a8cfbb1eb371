"""The totals as they are now: what is rolled up, and on top of it what is not yet."""

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, Date, Uuid, bindparam, func, or_, select, text
from sqlalchemy.orm import Session

from service.links import crowds
from service.statistics import rolling
from service.statistics.periods import DAY, Period
from service.statistics.rolling import Pending
from service.statistics.tables import TOTALS, Daily, PresenceTotal
from service.statistics.tallies import KEYS, MEASURES, NO_PROGRAM, Grain, Key, Role, Rollup, Scope

Sums = dict[Key, dict[str, int]]
"""What the columns are that sums are by -> measure -> sum."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Of what the numbers are asked; None for any. currency cuts what is about money alone."""

    program_id: UUID | None = None
    channel: str | None = None
    currency: str | None = None

    @property
    def place(self) -> dict[str, Any]:
        """Where the totals of it are."""
        scope = Scope((self.program_id is not None) * Scope.PROGRAM + (self.channel is not None) * Scope.CHANNEL)
        return {"scope": scope, "program_id": self.program_id or NO_PROGRAM, "channel": self.channel or ""}

    @property
    def is_everything(self) -> bool:
        """Whether nothing but a currency is cut away."""
        return self.program_id is None and self.channel is None

    def takes(self, currency: str) -> bool:
        """Whether what is of this currency ("" for what is not about money) is asked for."""
        return self.currency in (None, currency) or not currency


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of one merchant at one moment. Make it, and use it, within one snapshot of the database."""

    session: Session
    merchant_id: UUID
    zone: ZoneInfo
    pending: Pending

    @classmethod
    def of(cls, session: Session, merchant_id: UUID) -> "Totals":
        """The merchant's totals now. Raises StatisticsBehind."""
        zone = rolling.zone_of(session, merchant_id)
        return cls(session, merchant_id, zone, rolling.pending(session, merchant_id, zone))

    def left_out(self, cut: Cut, period: Period) -> int:
        """How many follows of a period's hours were no visits, since too many came from one network."""
        begin, end = (datetime.combine(day, time(), self.zone) for day in (period.first, period.end))
        return crowds.left_out(
            self.session, self.merchant_id, program_id=cut.program_id, channel=cut.channel, begin=begin, end=end
        )

    def sums(
        self,
        rollup: Rollup,
        where: Mapping[str, Any],
        *,
        by: Sequence[str],
        within: Mapping[str, Period] | None = None,
    ) -> Sums:
        """The sums of all measures of a table, by these of its keys. within: key -> the days that it may be."""
        c, periods = TOTALS[rollup].c, within or {}
        names = MEASURES[rollup]
        is_one_row = {*by, *where} >= {*KEYS[rollup]}  # which costs half of what a sum of one row costs
        measures = [c[name] if is_one_row else func.sum(c[name]) for name in names]
        query = select(*(c[name] for name in by), *measures)
        query = query.where(c.merchant_id == self.merchant_id, *(c[name] == value for name, value in where.items()))
        for name, period in periods.items():
            query = query.where(c[name] >= period.first, c[name] < period.end)
        found: Sums = {}
        for row in self.session.execute(query if is_one_row else query.group_by(*(c[name] for name in by))):
            cells = tuple(row)
            key, counts = cells[: len(by)], cells[len(by) :]
            if counts[0] is not None:
                found[key] = dict(zip(names, counts if is_one_row else map(int, counts), strict=True))
        for place, added in self._pending_of(rollup):
            said: dict[str, Any] = dict(zip(KEYS[rollup], place, strict=True))
            if any(said[name] != value for name, value in where.items()):
                continue
            if any(said[name] not in period for name, period in periods.items()):
                continue
            sums = found.setdefault(tuple(said[name] for name in by), dict.fromkeys(names, 0))
            for name, count in zip(names, added, strict=True):
                sums[name] += count
        return found

    def _pending_of(self, rollup: Rollup) -> list[tuple[Key, list[int]]]:
        return [
            (key, counts)
            for tallies in (self.pending.tallies, self.pending.visits)
            for (which, key), counts in tallies.items()
            if which is rollup
        ]

    def people(self, role: Role, place: Mapping[str, Any], periods: Sequence[Period]) -> list[int]:
        """How many different people were there in each of these periods, which follow each other.

        Those who were there on a day of it, and before that on no day of it: so each is counted on their first.
        """
        rolled = self._people_rolled(role, place, periods) if periods else {}
        counts, firsts = [rolled.get(period.first, 0) for period in periods], [period.first for period in periods]
        for key, (people,) in self._pending_of(Rollup.PRESENCE):
            said: dict[str, Any] = dict(zip(KEYS[Rollup.PRESENCE], key, strict=True))
            if said["grain"] != Grain.DAY or said["role"] != role or any(said[k] != v for k, v in place.items()):
                continue
            index = bisect_right(firsts, said["day"]) - 1
            if index >= 0 and said["day"] in periods[index] and said["previous"] < periods[index].first:
                counts[index] += people
        return counts

    def _people_rolled(self, role: Role, place: Mapping[str, Any], periods: Sequence[Period]) -> dict[date, int]:
        """first day of a period -> how many."""
        if all(period.end - period.first == DAY for period in periods):
            return self._people_by_day(role, place, Period(periods[0].first, periods[-1].end))
        days = [(period.first, period.end, period.first.replace(day=1)) for period in periods]
        asked = {
            "merchant": self.merchant_id,
            "role": role,
            "periods": json.dumps([[day.isoformat() for day in of_one] for of_one in days]),
            **place,
        }
        found = self.session.execute(_PEOPLE[self.session.get_bind().dialect.name], asked)
        return {row.first: int(row.people) for row in found}

    def _people_by_day(self, role: Role, place: Mapping[str, Any], period: Period) -> dict[date, int]:
        """day -> how many: whoever was there was not there before on the same day."""
        p = PresenceTotal
        here = [p.merchant_id == self.merchant_id, p.role == role, *(getattr(p, k) == v for k, v in place.items())]
        query = select(p.day, func.sum(p.people)).where(*here, p.grain == Grain.MONTH).group_by(p.day)
        found = self.session.execute(query.where(p.day >= period.first, p.day < period.end))
        return {day: int(people) for day, people in found}

    def days(self) -> list[date]:
        """The first and the last day that have anything, and days between; none where nothing is.

        Where what waits takes something away, all days are asked: it may be all that the first or the last one had.
        """
        waiting = self._pending_of(Rollup.DAILY)
        if any(count < 0 for _, counts in waiting for count in counts):
            return [
                day
                for (day,), sums in self.sums(Rollup.DAILY, Cut().place, by=("day",)).items()
                if isinstance(day, date) and any(sums.values())
            ]
        d = Daily
        something = or_(*(getattr(d, name) != 0 for name in MEASURES[Rollup.DAILY]))
        query = select(func.min(d.day), func.max(d.day)).where(d.merchant_id == self.merchant_id, something)
        ends = self.session.execute(query.where(*(getattr(d, k) == v for k, v in Cut().place.items()))).one()
        days = [key[KEYS[Rollup.DAILY].index("day")] for key, _ in waiting]
        return [day for day in (*ends, *days) if isinstance(day, date)]


_ASKED = {
    "postgresql": "SELECT (value->>0)::date AS first, (value->>1)::date AS ending, (value->>2)::date AS month"
    " FROM json_array_elements(CAST(:periods AS json))",
    "sqlite": "SELECT json_extract(value, '$[0]') AS first, json_extract(value, '$[1]') AS ending,"
    " json_extract(value, '$[2]') AS month FROM json_each(:periods)",
}
_PRESENT = """
    SELECT asked.first, sum(p.people) AS people
      FROM asked JOIN stats_presence AS p
        ON p.merchant_id = :merchant AND p.role = :role AND p.scope = :scope AND p.program_id = :program_id
       AND p.channel = :channel AND p.grain = {grain} AND p.day >= asked.first AND p.day < asked.ending AND {before}
     GROUP BY asked.first
"""
_BEFORE = {Grain.MONTH: "p.previous < asked.month", Grain.DAY: "p.previous >= asked.month AND p.previous < asked.first"}
"""Before the month in which a period begins, months are told apart, and days within it: so few rows are read."""

_PEOPLE = {
    dialect: text(
        f"WITH asked AS ({asked}) SELECT first, sum(people) AS people FROM ("
        + " UNION ALL ".join(_PRESENT.format(grain=int(grain), before=before) for grain, before in _BEFORE.items())
        + ") AS present GROUP BY first"
    )
    .bindparams(bindparam("merchant", type_=Uuid), bindparam("program_id", type_=Uuid))
    .columns(first=Date, people=BigInteger)
    for dialect, asked in _ASKED.items()
}
