"""How many advocates there are of each size, and what the friends of each size brought: the orchard seen from afar."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Case, ColumnElement, Select, case, func, literal, select

from service.database.among import among
from service.statistics.measures import AdvocateMeasures
from service.statistics.periods import Period
from service.statistics.rankings import Asked, changes, source, standing
from service.statistics.totals import Totals

BANDS: Mapping[int, int | None] = {1: 1, 2: 2, 3: 5, 6: 10, 11: 25, 26: 100, 101: 1000, 1001: None}
"""The least friends of each size of tree -> the most; None for any."""

BATCH = 10_000
"""How many names a statement has at most."""


@dataclass(slots=True)
class Grove:
    """Advocates of one size. grown: those who won a friend lately. bare: those whose friends left nothing.

    net_lifetime_value, rewards: in minor units.
    """

    least: int
    most: int | None
    advocates: int = 0
    friends: int = 0
    grown: int = 0
    bare: int = 0
    net_lifetime_value: int = 0
    rewards: int = 0

    def count(self, one: AdvocateMeasures, *, has_grown: bool) -> None:
        """Take one advocate in."""
        self.advocates += 1
        self.friends += one.friends
        self.grown += has_grown
        self.bare += one.net_lifetime_value <= 0
        self.net_lifetime_value += one.net_lifetime_value
        self.rewards += one.rewards


def groves(totals: Totals, asked: Asked, lately: Period) -> list[Grove]:
    """Every size that somebody has, the largest first. lately: the days in which a tree is said to have grown."""
    found = {least: Grove(least, most) for least, most in BANDS.items()}
    in_them = replace(asked, period=lately)
    moved, growing = changes(totals, asked), changes(totals, in_them)
    for least, *counts in totals.session.execute(_by_size(totals, asked, list(moved))):
        found[least] = Grove(least, BANDS[least], *map(int, counts))
    for least, many in _grown(totals, asked, in_them, set(moved)):
        found[least].grown += many
    grown = {one.advocate_id for one in standing(totals, in_them, growing, moved) if one.friends > 0}
    for one in standing(totals, asked, moved, moved):
        if one.friends > 0:
            found[_size(one.friends)].count(one, has_grown=one.advocate_id in grown)
    return [grove for _, grove in sorted(found.items(), reverse=True) if grove.advocates]


def _size(friends: int) -> int:
    return max(least for least in BANDS if least <= friends)


def _size_of(friends: ColumnElement[int]) -> Case[int]:
    return case(*((friends >= least, least) for least in sorted(BANDS, reverse=True)))


def _by_size(totals: Totals, asked: Asked, besides: Sequence[str]) -> Select[Any]:
    """(least, advocates, friends, none of them known to have grown, bare, value, rewards) of what is rolled up."""
    a = source(totals, asked).subquery().c
    size = _size_of(a.friends)
    bare = case((a.net_lifetime_value <= 0, 1), else_=0)
    sums = [func.sum(of) for of in (bare, a.net_lifetime_value, a.rewards)]
    query = select(size, func.count(), func.sum(a.friends), literal(0), *sums)
    return query.where(a.friends > 0, a.advocate_id.not_in(besides)).group_by(size)


def _grown(totals: Totals, asked: Asked, lately: Asked, besides: set[str]) -> Iterator[tuple[int, int]]:
    """(least, how many) who won a friend lately, of what is rolled up, some for each batch of them.

    Asked apart: a join of all advocates with those of some days is planned badly where nothing is known of either.
    """
    g, a = source(totals, lately).subquery().c, source(totals, asked).subquery().c
    names = totals.session.scalars(select(g.advocate_id).where(g.friends > 0)).all()
    size = _size_of(a.friends)
    for first in range(0, len(names), BATCH):
        batch = [name for name in names[first : first + BATCH] if name not in besides]
        query = select(size, func.count()).where(a.friends > 0, among(totals.session, a.advocate_id, batch))
        yield from totals.session.execute(query.group_by(size)).tuples()
