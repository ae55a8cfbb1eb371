"""PURE: the table of those who bring friends: how many, and how good."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from service.dashboard import figures
from service.dashboard.figures import Cell, Column, Table
from service.dashboard.formats import Formats

SORTS = {"net_lifetime_value": "Value of their friends", "friends": "Friends", "rewards": "Rewards"}
"""By what advocates can be ranked -> how that is called."""

COLUMNS = (
    Column("customer", "Advocate", is_number=False),
    Column("friends", "Friends"),
    Column("friends_who_returned", "Ordered again"),
    Column("repeat_rate", "Share of them"),
    Column("orders", "Orders"),
    Column("revenue", "Revenue"),
    Column("refund_rate", "Given back"),
    Column("net_lifetime_value", "Value of their friends"),
    Column("rewards", "Rewards"),
)


def table(rows: Sequence[Mapping[str, Any]], formats: Formats) -> Table:
    """A page of them, as the statistics rank them. A name leads to the person."""
    return Table(
        "advocates",
        "Advocates",
        COLUMNS,
        [_row(row, formats) for row in rows],
        "Nobody has brought a friend yet. As soon as a friend orders by somebody's link or code, both are here.",
    )


def _row(row: Mapping[str, Any], formats: Formats) -> list[Cell]:
    name, currency = row["customer_id"], row["currency"]

    def money(measure: str) -> Cell:
        return figures.money(row[measure], currency, formats)

    return [
        Cell(row["first_name"] or name, name, f"/dashboard/people/{quote(name, safe='')}"),
        figures.whole(row["friends"], formats),
        figures.whole(row["friends_who_returned"], formats),
        figures.share(row["repeat_rate"], formats),
        figures.whole(row["orders"], formats),
        money("revenue"),
        figures.share(row["refund_rate"], formats),
        money("net_lifetime_value"),
        money("rewards"),
    ]
