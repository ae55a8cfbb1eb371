"""PURE: the orchard: each advocate a tree, each friend a branch, fruit where value grew.

Trees are drawn one by one as long as one can tell them apart; more of them are told by groves of one size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, pi, sin, sqrt
from typing import Any
from urllib.parse import urlencode

from service.dashboard import figures
from service.dashboard.figures import Cell, Column, Table
from service.formats import Formats
from service.languages import message

MOST_BRANCHES = 24
"""How many branches a tree is drawn with: the latest."""

MOST_TREES = 48
"""How many trees are drawn beside each other before they are told by groves."""

FIRST_OF_GROVE = 10
"""How many trees of each grove are drawn where all groves are shown."""

GROUND, MIDDLE = 116, 60
"""Of a drawing, which is 120 wide and high."""

GOLDEN = (sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class Branch:
    """One friend. value: what their orders left, in minor units. is_new: whether they came lately."""

    friend_id: str
    came_at: datetime
    value: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of a branch; radius of its fruit, 0 where it is bare."""

    x: float
    y: float
    radius: float
    is_new: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """wood: the branches as an SVG path. trunk: its height and its width. crown: the radius of the leaves."""

    wood: str
    height: int
    width: int
    crown: int
    tips: Sequence[Tip]

    @property
    def top(self) -> int:
        """Where the trunk ends."""
        return GROUND - self.height

    @property
    def highest(self) -> float:
        """How high it reaches."""
        return min([self.top - self.crown + 4, *(tip.y - tip.radius - 3 for tip in self.tips)])


@dataclass(frozen=True, slots=True)
class Tree:
    """One advocate, for people. new: how many friends came lately, of those drawn; "" for none."""

    href: str
    name: str
    friends: str
    value: str
    new: str
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class Bed:
    """Trees that are shown together. grove: as the statistics answer, None where it is all of them."""

    grove: Mapping[str, Any] | None
    trees: Sequence[Tree]

    @property
    def top(self) -> int:
        """Where the drawings of these trees begin, so that none has more air above it than the highest needs."""
        return max(0, int(min(tree.drawing.highest for tree in self.trees)))


def best_of(branches: Sequence[Branch]) -> int:
    """The value of the largest fruit of these, in minor units; above 0."""
    return max([1, *(branch.value for branch in branches)])


def drawing(branches: Sequence[Branch], best: int) -> Drawing:
    """A tree. branches: oldest first, which grow lowest. best: the value of the largest fruit, in minor units."""
    many = len(branches)
    height = 30 + min(2 * many, 40)
    reach = 22 + min(many, 22)
    tips, wood = [], []
    for index, branch in enumerate(branches):
        along = (index + 1) / many
        start = GROUND - height * (0.45 + 0.55 * along)
        side = 1 if index % 2 else -1
        angle = side * (pi / 2.2) * (1.04 - 0.96 * along) if many > 1 else pi / 9
        length = reach * (0.62 + 0.42 * ((index * GOLDEN) % 1))
        x, y = MIDDLE + length * sin(angle), start - length * cos(angle) * 0.9
        bend = MIDDLE + length * sin(angle) * 0.7
        wood.append(f"M{MIDDLE} {start:.0f}Q{bend:.0f} {start - 2:.0f} {x:.0f} {y:.0f}")
        radius = 2.5 + 4 * sqrt(branch.value / best) if branch.value > 0 else 0.0
        tips.append(Tip(round(x, 1), round(y, 1), round(radius, 1), branch.is_new))
    has_leaves = any(branch.value > 0 for branch in branches)
    crown = round(0.85 * reach) if has_leaves else 0
    return Drawing("".join(wood), height, 3 + min(many, 20) // 4, crown, tips)


def trees(
    rows: Sequence[Mapping[str, Any]],
    branches: Mapping[str, Sequence[Branch]],
    hrefs: Mapping[str, str],
    formats: Formats,
) -> list[Tree]:
    """The trees of these advocates, as the statistics rank them. hrefs: customer -> their page."""
    best = best_of([branch for row in rows for branch in branches[row["customer_id"]]])
    return [
        Tree(
            hrefs[name],
            row["first_name"] or name,
            formats.say_many("one friend", "%(number)s friends", row["friends"]),
            formats.money(row["net_lifetime_value"], row["currency"]),
            _new(sum(branch.is_new for branch in branches[name]), formats),
            drawing(branches[name], best),
        )
        for row in rows
        for name in [row["customer_id"]]
    ]


def _new(number: int, formats: Formats) -> str:
    return formats.say_many("one new", "%(number)s new", number) if number else ""


COLUMNS = {
    "friends_each": message("Friends of each"),
    "advocates": message("Advocates"),
    "friends": message("Friends"),
    "grown": message("Won a friend in %(lately)s days"),
    "bare": message("Without value"),
    "net_lifetime_value": message("Value of their friends"),
    "share": message("Share of all value"),
    "rewards": message("Rewards"),
}


def table(groves: Sequence[Mapping[str, Any]], kept: Mapping[str, str], lately: int, formats: Formats) -> Table:
    """The groves as a table. kept: what their addresses say beside their size. lately: days, of what grew."""
    worth = sum(max(grove["net_lifetime_value"], 0) for grove in groves)
    rows = []
    for grove in groves:
        value, currency = grove["net_lifetime_value"], grove["currency"]
        named = size_of(grove)
        rows.append(
            [
                Cell(size(grove, formats), named, "?" + urlencode({**kept, "friends": named})),
                figures.whole(grove["advocates"], formats),
                figures.whole(grove["friends"], formats),
                figures.whole(grove["grown"], formats),
                figures.whole(grove["bare"], formats),
                figures.money(value, currency, formats),
                figures.share(max(value, 0) / worth if worth else None, formats),
                figures.money(grove["rewards"], currency, formats),
            ]
        )
    columns = [
        Column(name, formats.say(title, lately=lately), is_number=name != "friends_each")
        for name, title in COLUMNS.items()
    ]
    return Table("groves", formats.say("All groves"), columns, rows, formats.say("Nobody has brought a friend yet."))


def size_of(grove: Mapping[str, Any]) -> str:
    """How an address names a grove: by the friends of each of its advocates."""
    least, most = grove["least"], grove["most"]
    return f"{least}-{'' if most is None else most}"


def band_of(named: str) -> dict[str, str]:
    """The same for the statistics; nothing for all trees."""
    least, _, most = named.partition("-")
    return {name: value for name, value in (("least", least), ("most", most)) if value}


def size(grove: Mapping[str, Any], formats: Formats) -> str:
    """How people name it."""
    least, most = grove["least"], grove["most"]
    if most is None:
        return formats.say("%(least)s friends or more", least=formats.whole(least))
    if most == least:
        return formats.say_many("one friend", "%(number)s friends", least)
    return formats.say("%(least)s to %(most)s friends", least=formats.whole(least), most=formats.whole(most))
