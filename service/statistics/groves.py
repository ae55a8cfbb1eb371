"""How many advocates there are of each size, and what the friends of each size brought: the orchard seen from afar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, case, func, select

from service.statistics.measures import AdvocateMeasures
from service.statistics.periods import Period
from service.statistics.rankings import Asked, changes, source, standing
from service.statistics.totals import Totals

BANDS: Mapping[int, int | None] = {1: 1, 2: 2, 3: 5, 6: 10, 11: 25, 26: 100, 101: 1000, 1001: None}
"""The least friends of each size of tree -> the most; None for any."""


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
    for least, *counts in totals.session.execute(_rolled(totals, asked, in_them, list(moved))):
        found[least] = Grove(least, BANDS[least], *map(int, counts))
    grown = {one.advocate_id for one in standing(totals, in_them, growing, moved) if one.friends > 0}
    for one in standing(totals, asked, moved, moved):
        if one.friends > 0:
            found[_size(one.friends)].count(one, has_grown=one.advocate_id in grown)
    return [grove for _, grove in sorted(found.items(), reverse=True) if grove.advocates]


def _size(friends: int) -> int:
    return max(least for least in BANDS if least <= friends)


def _rolled(totals: Totals, asked: Asked, lately: Asked, besides: Sequence[str]) -> Select[Any]:
    """The groves of what is rolled up, without these advocates."""
    a, g = source(totals, asked).subquery().c, source(totals, lately).subquery().c
    grown = select(g.advocate_id).where(g.friends > 0).subquery()
    size = case(*((a.friends >= least, least) for least in sorted(BANDS, reverse=True)))
    return (
        select(
            size,
            func.count(),
            func.sum(a.friends),
            func.count(grown.c.advocate_id),
            func.sum(case((a.net_lifetime_value <= 0, 1), else_=0)),
            func.sum(a.net_lifetime_value),
            func.sum(a.rewards),
        )
        .outerjoin_from(a.advocate_id.table, grown, a.advocate_id == grown.c.advocate_id)
        .where(a.friends > 0, a.advocate_id.not_in(besides))
        .group_by(size)
    )
