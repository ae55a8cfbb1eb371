"""PURE: the first page: from what the statistics answer to what is shown of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
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
    """One number, with that of the period before, and by how much it grew ("" where that cannot be said)."""

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
    """One step of the funnel. width: its share of the longest one, in percent. share: of the step before it, or ""."""

    name: str
    title: str
    text: str
    width: int
    share: str


def cards(summary: Answer, filters: Filters, currency: str, formats: Formats) -> list[Card]:
    """The four numbers that decide something. currency: in which nothing is told, where there is nothing."""
    before = summary["previous"] or {"new_customers": 0, "money": []}
    won = Figure(
        formats.whole(summary["new_customers"]),
        formats.whole(before["new_customers"]),
        formats.change(summary["new_customers"], before["new_customers"]),
    )
    known = figures.currencies_of(summary, before) or [currency]

    def of_money(measure: str) -> list[Figure]:
        return [_figure(summary, before, measure, of, formats) for of in known]

    cost = "cost_per_new_customer"
    is_whole = filters.program_id is None and filters.channel is None
    note = "" if is_whole else "Credit is one purse: it is told of all programs and channels together."
    return [
        Card("new_customers", "New customers won", "new_customers", [won]),
        Card("net_revenue", "Net revenue referred", "net_revenue", of_money("net_revenue")),
        Card(cost, "Cost per new customer", cost, of_money(cost)),
        Card("liability", "Outstanding liability", "liability", of_money("liability") if is_whole else [], note),
    ]


def _figure(summary: Answer, before: Answer, measure: str, currency: str, formats: Formats) -> Figure:
    now, then = (of_measure(answer, measure, currency) for answer in (summary, before))
    change = "" if now is None or then is None else formats.change(now, then)
    return Figure(formats.money(now, currency), formats.money(then, currency), change)


def of_measure(answer: Answer, measure: str, currency: str) -> int | None:
    """What is said of a measure of money, or what it is where nothing is said of this currency."""
    said: int | None = figures.of_currency(answer, currency).get(measure, SAYS_NOTHING[measure])
    return said


def funnel(summary: Answer, formats: Formats) -> list[Step]:
    """From a link that is made to a friend who comes back."""
    longest = max(summary[name] for name in STEPS) or 1
    steps, previous = [], None
    for name, title in STEPS.items():
        number = summary[name]
        is_part = previous is not None and 0 < previous >= number
        part = formats.share(number / previous) if is_part else ""
        steps.append(Step(name, title, formats.whole(number), round(100 * number / longest), part))
        previous = number
    return steps


def series(
    pieces: Sequence[Answer], days_before: Sequence[Answer], filters: Filters, currency: str, formats: Formats
) -> Table:
    """Every period of the series, and what is plotted beside the same of the period before.

    days_before: each day of the period before, so that what is beside a week or a month is as many days.
    currency: of what is plotted, where nothing else says it.
    """
    plotted_in = filters.currency or next(iter(figures.currencies_of(*pieces, *days_before)), currency)
    known = sorted({*figures.currencies_of(*pieces), plotted_in})
    counted = ("visits", "referred_orders", "new_customers", "clients")
    columns = [Column("start", filters.interval.capitalize(), is_number=False)]
    columns += [Column(name, STEPS[name]) for name in counted]
    for of in known:
        columns += [Column(f"{name}_{of}", f"{title}, {of}") for name, title in OF_MONEY.items()]
    columns.append(Column("before", f"{TITLES[filters.measure]}, the period before"))
    rows = []
    for piece in pieces:
        row = [Cell(formats.day(date.fromisoformat(piece["start"])), piece["start"])]
        row += [figures.whole(piece[name], formats) for name in counted]
        row += [figures.money(of_measure(piece, name, of), of, formats) for of in known for name in OF_MONEY]
        row.append(_before(piece, days_before, filters, plotted_in, formats))
        rows.append(row)
    return Table("series", "Over time", columns, rows, "Nothing happened in these days.")


def plotted(series: Table, measure: str) -> str:
    """Which column of the series has this measure: the first one, where each currency has one."""
    return next(column.name for column in series.columns if column.name in (measure, *_of_money(measure, series)))


def _of_money(measure: str, series: Table) -> list[str]:
    return [column.name for column in series.columns if column.name.startswith(f"{measure}_") and measure in OF_MONEY]


def _before(piece: Answer, days_before: Sequence[Answer], filters: Filters, currency: str, formats: Formats) -> Cell:
    """What the days beside this piece brought in all, of the measure that is plotted."""
    start, end = ((date.fromisoformat(piece[name]) - filters.first).days for name in ("start", "end"))
    days = days_before[start:end]
    if len(days) < end - start:
        return Cell(NOTHING, None)
    if filters.measure in MONEY:
        return figures.money(sum(of_measure(day, filters.measure, currency) or 0 for day in days), currency, formats)
    return figures.whole(sum(day[filters.measure] for day in days), formats)


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
        cells += [figures.money(of_measure(row, "net_revenue", currency), currency, formats) for currency in known]
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
