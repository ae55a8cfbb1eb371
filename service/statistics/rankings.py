"""Advocates, ranked by what their friends brought: for ever, or in a period."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_

from service.customers.tables import Customer
from service.statistics.entries import Entry
from service.statistics.measures import AdvocateMeasures
from service.statistics.periods import Period
from service.statistics.tables import AdvocateTotal, EntryRow
from service.statistics.tallies import MEASURES, Rollup, Tallies, tally
from service.statistics.totals import Cut, Totals

NAMES = MEASURES[Rollup.ADVOCATES]


class Ranking(StrEnum):
    """By what advocates are ranked."""

    VALUE = "net_lifetime_value"
    FRIENDS = "friends"
    REWARDS = "rewards"


@dataclass(frozen=True, slots=True)
class Place:
    """How far a ranking was read: the last one's measure and name."""

    measure: int
    advocate_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of which ranking. period: None for ever, which costs the same however many advocates there are.

    least, most: how many friends; None for any. named: what their first name or their id begins with.
    """

    cut: Cut
    currency: str
    by: Ranking
    period: Period | None
    limit: int
    after: Place | None
    least: int | None = None
    most: int | None = None
    named: str | None = None

    def takes(self, friends: int) -> bool:
        """Whether somebody with as many friends is asked for."""
        return (self.least is None or friends >= self.least) and (self.most is None or friends <= self.most)


def ranked(totals: Totals, asked: Asked) -> list[AdvocateMeasures]:
    """The next advocates, the best first, at most `limit`."""
    moved = changes(totals, asked)
    if asked.named is not None:
        moved = {name: moved[name] for name in _named(totals, asked.named, list(moved))}
    rolled = _rows(totals, _next(totals, asked, list(moved)))
    found = [one for one in (*standing(totals, asked, moved, moved), *rolled) if _is_wanted(one, asked)]
    return sorted(found, key=lambda one: _order(one, asked.by), reverse=True)[: asked.limit]


def standing(
    totals: Totals, asked: Asked, moved: Mapping[str, list[int]], names: Collection[str]
) -> list[AdvocateMeasures]:
    """These advocates as they are now. moved: what `changes` says."""
    known = {one.advocate_id: one for one in _rows(totals, _of(totals, asked, list(names)))}
    nothing = [0] * len(NAMES)
    return [_plus(known.get(name), name, moved.get(name, nothing)) for name in names]


def place_of(one: AdvocateMeasures, by: Ranking) -> Place:
    """Where somebody stands in a ranking."""
    return Place(*_order(one, by))


def _order(one: AdvocateMeasures, by: Ranking) -> tuple[int, str]:
    return getattr(one, by), one.advocate_id


def _is_wanted(one: AdvocateMeasures, asked: Asked) -> bool:
    after = asked.after
    is_behind = after is None or _order(one, asked.by) < (after.measure, after.advocate_id)
    return one.is_something and asked.takes(one.friends) and is_behind


def changes(totals: Totals, asked: Asked) -> dict[str, list[int]]:
    """advocate -> what is to be added to each of their measures, of those who have something that is not rolled up."""
    tallies: Tallies = {}
    change = totals.pending.change
    tally(_in(change.before, asked), tallies, sign=-1)
    tally(_in(change.after, asked), tallies)
    place = (*asked.cut.place.values(), asked.currency)
    return {
        str(key[-1]): counts
        for (rollup, key), counts in tallies.items()
        if rollup is Rollup.ADVOCATES and key[:-1] == place
    }


def _in(entries: Sequence[Entry], asked: Asked) -> list[Entry]:
    return [entry for entry in entries if asked.period is None or entry.day in asked.period]


def _plus(known: AdvocateMeasures | None, name: str, counts: Sequence[int]) -> AdvocateMeasures:
    before = [0] * len(NAMES) if known is None else [getattr(known, measure) for measure in NAMES]
    return AdvocateMeasures(name, *(a + b for a, b in zip(before, counts, strict=True)))


def _rows(totals: Totals, query: Select[Any]) -> list[AdvocateMeasures]:
    return [AdvocateMeasures(row[0], *map(int, row[1:])) for row in totals.session.execute(query)]


def _of(totals: Totals, asked: Asked, names: Sequence[str]) -> Select[Any]:
    """These advocates, as they are rolled up."""
    s = source(totals, asked).subquery().c
    return select(s.advocate_id, *(s[name] for name in NAMES)).where(s.advocate_id.in_(names))


def _next(totals: Totals, asked: Asked, besides: Sequence[str]) -> Select[Any]:
    """The next advocates, as they are rolled up, without these."""
    s = source(totals, asked).subquery().c
    query = select(s.advocate_id, *(s[name] for name in NAMES))
    query = query.where(or_(s.friends != 0, s.orders != 0, s.revenue != 0, s.refunded != 0, s.rewards != 0))
    if asked.least is not None:
        query = query.where(s.friends >= asked.least)
    if asked.most is not None:
        query = query.where(s.friends <= asked.most)
    if asked.named is not None:
        query = query.join(Customer, Customer.customer_id == s.advocate_id).where(_is_named(totals, asked.named))
    if besides:
        query = query.where(s.advocate_id.not_in(besides))
    if asked.after is not None:
        query = query.where(tuple_(s[asked.by], s.advocate_id) < (asked.after.measure, asked.after.advocate_id))
    return query.order_by(s[asked.by].desc(), s.advocate_id.desc()).limit(asked.limit)


def _named(totals: Totals, text: str, names: Sequence[str]) -> Sequence[str]:
    """Those of these advocates who are called so."""
    query = select(Customer.customer_id).where(_is_named(totals, text), Customer.customer_id.in_(names))
    return totals.session.scalars(query).all()


def _is_named(totals: Totals, text: str) -> ColumnElement[bool]:
    begins = [
        said
        for name in (Customer.first_name, Customer.customer_id)
        for said in (name.startswith(text, autoescape=True), func.lower(name).startswith(text.lower(), autoescape=True))
    ]
    return and_(Customer.merchant_id == totals.merchant_id, or_(*begins))


def source(totals: Totals, asked: Asked) -> Select[Any]:
    """Every advocate with every measure: as it is kept, or for a period summed up from what is kept of each order."""
    cut, place = asked.cut, asked.cut.place
    if asked.period is None:
        a = AdvocateTotal
        here = and_(a.merchant_id == totals.merchant_id, *(getattr(a, name) == value for name, value in place.items()))
        return select(a.advocate_id, *(getattr(a, name) for name in NAMES)).where(here, a.currency == asked.currency)
    e = EntryRow
    query = select(
        e.advocate_id,
        func.sum(e.new_customers).label("friends"),
        func.sum(e.returned).label("returned"),
        func.sum(e.referred_orders).label("orders"),
        func.sum(e.revenue).label("revenue"),
        func.sum(e.refunded).label("refunded"),
        func.sum(e.rewards).label("rewards"),
        func.sum(e.revenue - e.refunded).label("net_lifetime_value"),
    ).where(
        e.merchant_id == totals.merchant_id,
        e.day >= asked.period.first,
        e.day < asked.period.end,
        e.advocate_id.is_not(None),
        e.currency == asked.currency,
    )
    if cut.program_id is not None:
        query = query.where(e.program_id == cut.program_id)
    if cut.channel is not None:
        query = query.where(e.channel == cut.channel)
    return query.group_by(e.advocate_id)
