"""PURE: the first page: from what the statistics answer to what is shown of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from service.dashboard import figures
from service.dashboard.figures import Cell, Column, Table
from service.dashboard.filters import INTERVALS, Filters
from service.dashboard.words import REASONS
from service.formats import NOTHING, Formats
from service.languages import message

Answer = Mapping[str, Any]
"""What one question of the statistics is answered, as the API has it."""

DIRECT = message("(no channel)")
STEPS = {
    "links": message("Links made"),
    "visits": message("Visits"),
    "unique_visitors": message("Different visitors"),
    "referred_orders": message("Orders by referrals"),
    "new_customers": message("New customers"),
    "clients": message("Came back on their own"),
}
"""The funnel: measure -> how it is called."""

NET_REVENUE = message("Net revenue")
MONEY = {"net_revenue": NET_REVENUE, "reward_cost": message("Cost of rewards")}
OF_MONEY = {
    **MONEY,
    "cost_per_new_customer": message("Cost per new customer"),
    "liability": message("Liability"),
}
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
    purse = formats.say("Credit is one purse: it is told of all programs and channels together.")
    owed = of_money("liability") if is_whole else []
    return [
        Card("new_customers", formats.say("New customers won"), "new_customers", [won]),
        Card("net_revenue", formats.say("Net revenue referred"), "net_revenue", of_money("net_revenue")),
        Card(cost, formats.say("Cost per new customer"), cost, of_money(cost)),
        Card("liability", formats.say("Outstanding liability"), "liability", owed, "" if is_whole else purse),
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
        steps.append(Step(name, formats.say(title), formats.whole(number), round(100 * number / longest), part))
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
    columns = [Column("start", formats.say(INTERVALS[filters.interval]), is_number=False)]
    columns += [Column(name, formats.say(STEPS[name])) for name in counted]
    for of in known:
        columns += [Column(f"{name}_{of}", f"{formats.say(title)}, {of}") for name, title in OF_MONEY.items()]
    before = formats.say("%(measure)s, the period before", measure=formats.say(TITLES[filters.measure]))
    columns.append(Column("before", before))
    rows = []
    for piece in pieces:
        row = [Cell(formats.day(date.fromisoformat(piece["start"])), piece["start"])]
        row += [figures.whole(piece[name], formats) for name in counted]
        row += [figures.money(of_measure(piece, name, of), of, formats) for of in known for name in OF_MONEY]
        row.append(_before(piece, days_before, filters, plotted_in, formats))
        rows.append(row)
    title, empty = formats.say("Over time"), formats.say("Nothing happened in these days.")
    return Table("series", title, columns, rows, empty)


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
    columns = [Column("channel", formats.say("Channel"), is_number=False)]
    columns += [Column(name, formats.say(STEPS[name])) for name in counted]
    columns.append(Column("conversion_rate", formats.say("Conversion rate")))
    net = formats.say(NET_REVENUE)
    columns += [Column(f"net_revenue_{currency}", f"{net}, {currency}") for currency in known]
    shown = []
    for row in rows:
        name = row["channel"]
        cells = [Cell(name or formats.say(DIRECT), name, "?" + filters.address(channel=name))]
        cells += [figures.whole(row[measure], formats) for measure in counted]
        cells.append(figures.share(row["conversion_rate"], formats))
        cells += [figures.money(of_measure(row, "net_revenue", currency), currency, formats) for currency in known]
        shown.append(cells)
    empty = formats.say("No link was made, followed or ordered by in these days.")
    return Table("channels", formats.say("Channels"), columns, shown, empty)


def reasons(rows: Sequence[Answer], programs: Mapping[str, str], filters: Filters, formats: Formats) -> Table:
    """Why orders were refused; each reason leads to its orders. programs: id -> name."""
    columns = [
        Column("reason", formats.say("Why"), is_number=False),
        Column("program", formats.say("Program"), is_number=False),
        Column("orders", formats.say("Orders")),
    ]
    shown = []
    for row in rows:
        program_id, why = row["program_id"], REASONS[row["reason"]]
        leads = filters.address(reason=row["reason"], program_id=program_id, interval=None, measure=None)
        program = programs.get(program_id) or formats.say("No program was found")
        shown.append(
            [
                Cell(formats.say(why), row["reason"], f"/dashboard/orders?{leads}"),
                figures.text(program),
                figures.whole(row["orders"], formats),
            ]
        )
    empty = formats.say("No referral was refused in these days.")
    return Table("reasons", formats.say("Refused referrals"), columns, shown, empty)
