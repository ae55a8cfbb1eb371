"""One export: which rows and columns, how they are read, and what is told of them at the end."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from service.customers import tables as customers
from service.events import events
from service.ledger import proof
from service.merchants import tables as merchants
from service.merchants.currencies import decimals
from service.statistics import rankings
from service.statistics.exports.columns import Column, Kind
from service.statistics.exports.sources import SOURCES, Wanted
from service.statistics.exports.values import time_text
from service.statistics.periods import Period
from service.statistics.rankings import Asked, Ranking
from service.statistics.totals import Cut, Totals

READ_AT_ONCE = 2_000
Row = tuple[Any, ...]
Days = tuple[date | None, date | None]


@dataclass(frozen=True, slots=True)
class Ending:
    """What stands at the end of a whole export, and is missing in one that was cut off.

    totals: (currency, column) -> sum, in minor units, of every column of money that was exported.
    books: (currency, account) -> what the trial balance says for the same days, debits less credits: of all accounts
    where postings are exported, and of what rewards cost where all rewards are.
    seen: which events had happened, as `events.state` says it.
    """

    rows: int
    totals: dict[tuple[str, str], int]
    books: dict[tuple[str, str], int] = field(default_factory=dict)
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be exported. days: those of `wanted`, as they were asked. decimals: currency -> how many it has."""

    dataset: str
    columns: tuple[Column, ...]
    wanted: Wanted
    days: Days
    time_zone: str
    decimals: Callable[[str], int]

    @property
    def raw_names(self) -> list[str]:
        """What is read: the columns that are no decimals, and the currency that those need."""
        names = [column.source or column.name for column in self.columns]
        money = ["currency"] if any(column.kind in (Kind.MINOR, Kind.DECIMAL) for column in self.columns) else []
        return list(dict.fromkeys([*names, *money]))

    @property
    def query(self) -> Select[Any]:
        """The rows with their raw values, in order."""
        source = SOURCES[self.dataset](self.wanted).subquery()
        return select(*(source.c[name] for name in self.raw_names))

    @property
    def period(self) -> Period | None:
        """The days, where some were asked for."""
        first, end = self.days
        return None if first is None and end is None else Period(first or date.min, end or date.max)

    @property
    def money(self) -> list[str]:
        """The columns of money whose sums stand at the end."""
        sources = [column.source or column.name for column in self.columns if column.kind in (Kind.MINOR, Kind.DECIMAL)]
        return list(dict.fromkeys(sources))

    def facts(self, ending: Ending) -> dict[str, str | int]:
        """What the end of the file says of it: what it is of, how many rows, and the sums."""
        first, end = self.days
        said: dict[str, str | int | None] = {
            "dataset": self.dataset,
            "merchant_id": str(self.wanted.merchant_id),
            "from": None if first is None else first.isoformat(),
            "to": None if end is None else end.isoformat(),
            "program_id": None if self.wanted.program_id is None else str(self.wanted.program_id),
            "time_zone": self.time_zone,
            "as_of": time_text(self.wanted.now),
            "seen": ending.seen,
            "rows": ending.rows,
        }
        sums = {f"{currency}.{column}": total for (currency, column), total in sorted(ending.totals.items())}
        booked = {f"{currency}.books.{name}": total for (currency, name), total in sorted(ending.books.items())}
        return {**{name: value for name, value in said.items() if value is not None}, **sums, **booked}


def rows(session: Session, export: Export) -> Iterator[Row]:
    """The rows, each with its raw values by `raw_names`, in order; few at a time."""
    if export.dataset == "advocates":
        yield from _advocates(session, export)
        return
    for row in session.execute(export.query.execution_options(yield_per=READ_AT_ONCE)):
        yield tuple(row)


def ending(session: Session, export: Export) -> Ending:
    """What stands at the end, within the same snapshot as the rows."""
    seen = events.state(session, export.wanted.merchant_id)
    return replace(_counted(session, export), books=_booked(session, export), seen=seen)


COST = ("expense:rewards", "income:lapsed")
REWARD_COST = "reward_cost"


def _booked(session: Session, export: Export) -> dict[tuple[str, str], int]:
    wanted, booked = export.wanted, dict[tuple[str, str], int]()
    if export.dataset == "ledger":
        for sign, before in ((1, wanted.until), (-1, wanted.since)):
            if sign < 0 and before is None:
                continue
            as_of = None if before is None else before - timedelta(microseconds=1)
            for line in proof.trial_balance(session, wanted.merchant_id, as_of=as_of):
                key = line.currency, line.account
                booked[key] = booked.get(key, 0) + sign * (line.debit - line.credit)
    elif export.dataset == "rewards" and export.period is None and wanted.program_id is None:
        for line in proof.trial_balance(session, wanted.merchant_id):
            if line.account in COST:
                key = line.currency, REWARD_COST
                booked[key] = booked.get(key, 0) + line.debit - line.credit
    return booked


def _counted(session: Session, export: Export) -> Ending:
    if export.dataset == "advocates":
        return _summed_up(export, _advocates(session, export))
    source = SOURCES[export.dataset](export.wanted).order_by(None).subquery().c
    if not export.money:
        return Ending(session.scalar(select(func.count()).select_from(export.query.order_by(None).subquery())) or 0, {})
    sums = [func.sum(source[name]) for name in export.money]
    counted, totals = 0, dict[tuple[str, str], int]()
    for currency, number, *found in session.execute(
        select(source.currency, func.count(), *sums).group_by(source.currency)
    ):
        counted += number
        totals |= {(currency, name): int(total) for name, total in zip(export.money, found, strict=True)}
    return Ending(counted, totals)


def _summed_up(export: Export, found: Iterator[Row]) -> Ending:
    counted, totals = 0, dict[tuple[str, str], int]()
    names = export.raw_names
    for row in found:
        counted += 1
        for name in export.money:
            key = row[names.index("currency")], name
            totals[key] = totals.get(key, 0) + row[names.index(name)]
    return Ending(counted, totals)


def _advocates(session: Session, export: Export) -> Iterator[Row]:
    """Advocates by the value of their friends, currency by currency."""
    wanted = export.wanted
    totals, cut = Totals.of(session, wanted.merchant_id), Cut(program_id=wanted.program_id)
    for currency in sorted(merchants.currencies(session, wanted.merchant_id)):
        after = None
        while True:
            asked = Asked(cut, currency, Ranking.VALUE, export.period, READ_AT_ONCE, after)
            some = rankings.ranked(totals, asked)
            if not some:
                break
            known = customers.known(session, wanted.merchant_id, [one.advocate_id for one in some])
            for one in some:
                told = {
                    "customer_id": one.advocate_id,
                    "first_name": known[one.advocate_id].first_name,
                    "currency": currency,
                    "friends": one.friends,
                    "friends_who_returned": one.returned,
                    "orders": one.orders,
                    "revenue": one.revenue,
                    "refunded": one.refunded,
                    "net_lifetime_value": one.net_lifetime_value,
                    "rewards": one.rewards,
                }
                yield tuple(told[name] for name in export.raw_names)
            after = rankings.place_of(some[-1], Ranking.VALUE)


def prepare(
    session: Session,
    merchant_id: UUID,
    dataset: str,
    columns: Sequence[Column],
    days: Days,
    zone: tzinfo,
    program_id: UUID | None,
    *,
    now: datetime,
) -> Export:
    """The export of these rows and columns. days: from the first, inclusive, to the end, exclusive; of this zone."""
    since, until = (None if day is None else datetime(day.year, day.month, day.day, tzinfo=zone) for day in days)
    wanted = Wanted(merchant_id, since, until, program_id, now)
    return Export(dataset, tuple(columns), wanted, days, str(zone), decimals(session, merchant_id))
