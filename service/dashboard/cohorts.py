"""PURE: customers by the month in which they were won: do those who were referred come back, and spend more?"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from service.dashboard import figures
from service.dashboard.figures import Cell, Column, Table
from service.formats import Formats
from service.languages import message

Answer = Mapping[str, Any]
SIDES = {"referred": message("Brought by friends"), "others": message("All others")}
HOTTEST = 5
"""How many shades a heat map has."""


def compared(rows: Sequence[Answer], clients: Mapping[str, int], formats: Formats) -> Table:
    """Each month's customers, referred and not, side by side. clients: month -> who became one in it."""
    columns = [Column("month", formats.say("Won in"), is_number=False)]
    for side, title in SIDES.items():
        of_side = formats.say(title)
        again = formats.say("%(side)s: ordered again", side=of_side)
        columns += [Column(f"customers_{side}", of_side), Column(f"repeat_rate_{side}", again)]
    columns.append(Column("clients", formats.say("Became clients in it")))
    shown = []
    for row in rows:
        cells = [Cell(_month(row["month"], formats), row["month"])]
        for side in SIDES:
            cells += [figures.whole(row[side]["customers"], formats), figures.share(row[side]["repeat_rate"], formats)]
        cells.append(figures.whole(clients.get(row["month"], 0), formats))
        shown.append(cells)
    empty = formats.say("No customer was won in these months yet.")
    return Table("cohorts", formats.say("Do they come back?"), columns, shown, empty)


def spent(rows: Sequence[Answer], side: str, currency: str, formats: Formats) -> Table:
    """What each customer spent, on average, in the month in which they were won and in each month after it.

    The more that is beside all others, of either side, the warmer the cell.
    """
    ages = {of: [_by_age(row, of, currency) for row in rows] for of in SIDES}
    everything = [(age, amount) for of in ages.values() for one in of for age, amount in one.items()]
    months = range(max((age for age, _ in everything), default=0) + 1)
    scale = sorted(amount for _, amount in everything if amount > 0)
    columns = [Column("month", formats.say("Won in"), is_number=False), Column("customers", formats.say("Customers"))]
    columns += [Column(f"month_{number}", f"+{number}" if number else formats.say("then")) for number in months]
    shown = []
    for row, of_one in zip(rows, ages[side], strict=True):
        cells = [Cell(_month(row["month"], formats), row["month"]), figures.whole(row[side]["customers"], formats)]
        cells += [_heat(of_one.get(number), scale, currency, formats) for number in months]
        shown.append(cells)
    of_side = formats.say(SIDES[side])
    title = formats.say("%(side)s: what each of them spent, in %(currency)s", side=of_side, currency=currency)
    return Table(f"spent_{side}_{currency}", title, columns, shown, formats.say("Nobody yet."))


def currencies_of(rows: Sequence[Answer]) -> list[str]:
    """The currencies in which anybody spent anything."""
    return sorted({spent["currency"] for row in rows for side in SIDES for spent in row[side]["revenue_per_customer"]})


def _by_age(row: Answer, side: str, currency: str) -> dict[int, int]:
    """How many months after the customers were won -> minor units each of them spent."""
    won = date.fromisoformat(f"{row['month']}-01")
    found = {}
    for spent in row[side]["revenue_per_customer"]:
        if spent["currency"] == currency:
            month = date.fromisoformat(f"{spent['month']}-01")
            found[12 * (month.year - won.year) + month.month - won.month] = spent["amount"]
    return found


def _heat(amount: int | None, scale: Sequence[int], currency: str, formats: Formats) -> Cell:
    """scale: all amounts that there are, in order."""
    if amount is None:
        return Cell("", None)
    cell = figures.money(amount, currency, formats)
    level = -(-HOTTEST * bisect_right(scale, amount) // len(scale)) if amount > 0 else 0
    return Cell(cell.text, cell.value, level=level)


def _month(month: str, formats: Formats) -> str:
    return formats.month(date.fromisoformat(f"{month}-01"))
