"""PURE: the table of those who bring friends: how many, and how good."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from service.dashboard import figures
from service.dashboard.figures import Cell, Column, Table
from service.formats import Formats
from service.languages import message

SORTS = {
    "net_lifetime_value": message("Value of their friends"),
    "friends": message("Friends"),
    "rewards": message("Rewards"),
}
"""By what advocates can be ranked -> how that is called."""

COLUMNS = {
    "customer": message("Advocate"),
    "friends": message("Friends"),
    "friends_who_returned": message("Ordered again"),
    "repeat_rate": message("Share of them"),
    "orders": message("Orders"),
    "revenue": message("Revenue"),
    "refund_rate": message("Given back"),
    "net_lifetime_value": message("Value of their friends"),
    "rewards": message("Rewards"),
}


def table(rows: Sequence[Mapping[str, Any]], formats: Formats) -> Table:
    """A page of them, as the statistics rank them. A name leads to the person."""
    return Table(
        "advocates",
        formats.say("Advocates"),
        [Column(name, formats.say(title), is_number=name != "customer") for name, title in COLUMNS.items()],
        [_row(row, formats) for row in rows],
        formats.say(
            "Nobody has brought a friend yet. As soon as a friend orders by somebody's link or code, both are here."
        ),
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
