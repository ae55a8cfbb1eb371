"""PURE: the first page: from what the statistics answer to what is shown of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import zip_longest
from typing import Any

from service.conversions.eligibility import REASONS
from service.dashboard import figures
from service.dashboard.figures import Cell, Column, Table
from service.dashboard.filters import Filters
from service.dashboard.formats import NOTHING, Formats

Answer = Mapping[str, Any]
"""What one question of the statistics is answered, as the API has it."""

WITHOUT_PROGRAM = "No program was found"
DIRECT = "(no channel)"
STEPS = {
    "links": "Links made",
    "visits": "Visits",
    "unique_visitors": "Different visitors",
    "referred_orders": "Orders by referrals",
    "new_customers": "New customers",
    "clients": "Came back on their own",
}
"""The funnel: measure -> how it is called."""

MONEY = {"net_revenue": "Net revenue", "reward_cost": "Cost of rewards"}
OF_MONEY = {**MONEY, "cost_per_new_customer": "Cost per new customer", "liability": "Liability"}
SAYS_NOTHING = {**dict.fromkeys(OF_MONEY, 0), "cost_per_new_customer": None}
"""What a period has of each of these where it says nothing of a currency."""

TITLES = {**STEPS, **MONEY}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, with that of the period before, and by how much it grew."""

    now: str
    before: str
    change: str


@dataclass(frozen=True, slots=True)
class Card:
    """A number that decides something. column: of the series, for the small plot. figures: one for each currency."""

    name: str
    title: str
    column: str
    figures: Sequence[Figure]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel. width: its share of the longest one, in percent. share: of the step before it."""

    name: str
    title: str
    text: str
    width: int
    share: str


def cards(summary: Answer, formats: Formats) -> list[Card]:
    """The four numbers that decide something."""
    before = summary["previous"] or {"new_customers": 0, "money": []}
    won = Figure(
        formats.whole(summary["new_customers"]),
        formats.whole(before["new_customers"]),
        formats.change(summary["new_customers"], before["new_customers"]),
    )
    known = figures.currencies_of(summary, before)

    def of_money(measure: str) -> list[Figure]:
        return [_figure(summary, before, measure, currency, formats) for currency in known]

    cost = "cost_per_new_customer"
    is_whole = all(row["liability"] is not None for row in summary["money"])
    note = "" if is_whole else "Credit is one purse: it is told of all programs and channels together."
    return [
        Card("new_customers", "New customers won", "new_customers", [won]),
        Card("net_revenue", "Net revenue referred", "net_revenue", of_money("net_revenue")),
        Card(cost, "Cost per new customer", cost, of_money(cost)),
        Card("liability", "Outstanding liability", "liability", of_money("liability") if is_whole else [], note),
    ]


def _figure(summary: Answer, before: Answer, measure: str, currency: str, formats: Formats) -> Figure:
    now, then = (figures.of_currency(answer, currency).get(measure) for answer in (summary, before))
    change = NOTHING if now is None or then is None else formats.change(now, then)
    return Figure(formats.money(now, currency), formats.money(then, currency), change)


def funnel(summary: Answer, formats: Formats) -> list[Step]:
    """From a link that is made to a friend who comes back."""
    longest = max(summary[name] for name in STEPS) or 1
    steps, previous = [], None
    for name, title in STEPS.items():
        number = summary[name]
        is_part = previous is not None and 0 < previous >= number
        part = formats.share(number / previous) if is_part else NOTHING
        steps.append(Step(name, title, formats.whole(number), round(100 * number / longest), part))
        previous = number
    return steps


def series(pieces: Sequence[Answer], earlier: Sequence[Answer], filters: Filters, formats: Formats) -> Table:
    """Every period of the series, and what is plotted beside the same of the period before."""
    known = figures.currencies_of(*pieces)
    counted = ("visits", "referred_orders", "new_customers", "clients")
    columns = [Column("start", filters.interval.capitalize(), is_number=False)]
    columns += [Column(name, STEPS[name]) for name in counted]
    for currency in known:
        columns += [Column(f"{name}_{currency}", f"{title}, {currency}") for name, title in OF_MONEY.items()]
    columns.append(Column("before", f"{TITLES[filters.measure]}, the period before"))
    rows = []
    for piece, then in zip_longest(pieces, earlier[: len(pieces)]):
        row = [Cell(formats.day(date.fromisoformat(piece["start"])), piece["start"])]
        row += [figures.whole(piece[name], formats) for name in counted]
        for currency in known:
            of = figures.of_currency(piece, currency)
            row += [figures.money(of.get(name, SAYS_NOTHING[name]), currency, formats) for name in OF_MONEY]
        row.append(_measure(then, filters.measure, known, formats))
        rows.append(row)
    return Table("series", "Over time", columns, rows, "Nothing happened in these days.")


def plotted(series: Table, measure: str) -> str:
    """Which column of the series has this measure: the first one, where each currency has one."""
    names = [column.name for column in series.columns]
    return next((name for name in names if name == measure or name.startswith(f"{measure}_")), names[1])


def _measure(piece: Answer | None, measure: str, known: Sequence[str], formats: Formats) -> Cell:
    if piece is None:
        return Cell(NOTHING, None)
    if measure not in MONEY:
        return figures.whole(piece[measure], formats)
    currency = known[0] if known else "EUR"
    return figures.money(figures.of_currency(piece, currency).get(measure, 0), currency, formats)


def channels(rows: Sequence[Answer], filters: Filters, formats: Formats) -> Table:
    """What each channel brought; a name leads to the same page of that channel."""
    known = figures.currencies_of(*rows)
    counted = ("visits", "referred_orders", "new_customers", "clients")
    columns = [Column("channel", "Channel", is_number=False), *(Column(name, STEPS[name]) for name in counted)]
    columns.append(Column("conversion_rate", "Conversion rate"))
    columns += [Column(f"net_revenue_{currency}", f"Net revenue, {currency}") for currency in known]
    shown = []
    for row in rows:
        name = row["channel"]
        cells = [Cell(name or DIRECT, name, "?" + filters.address(channel=name))]
        cells += [figures.whole(row[measure], formats) for measure in counted]
        cells.append(figures.share(row["conversion_rate"], formats))
        cells += [
            figures.money(figures.of_currency(row, currency).get("net_revenue", 0), currency, formats)
            for currency in known
        ]
        shown.append(cells)
    return Table("channels", "Channels", columns, shown, "No link was made, followed or ordered by in these days.")


def reasons(rows: Sequence[Answer], programs: Mapping[str, str], filters: Filters, formats: Formats) -> Table:
    """Why orders were refused; each reason leads to its orders. programs: id -> name."""
    columns = [
        Column("reason", "Why", is_number=False),
        Column("program", "Program", is_number=False),
        Column("orders", "Orders"),
    ]
    shown = []
    for row in rows:
        program_id = row["program_id"]
        leads = filters.address(reason=row["reason"], program_id=program_id, interval=None, measure=None)
        program = programs.get(program_id, WITHOUT_PROGRAM)
        shown.append(
            [
                Cell(REASONS[row["reason"]].staff_text, row["reason"], f"/dashboard/orders?{leads}"),
                figures.text(program),
                figures.whole(row["orders"], formats),
            ]
        )
    return Table("reasons", "Refused referrals", columns, shown, "No referral was refused in these days.")
