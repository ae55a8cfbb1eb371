"""One week as a letter: an HTML file that needs nothing beside it, and the same as plain text."""

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template

from service.dashboard import digest, overview
from service.dashboard.digest import Bar, Week
from service.dashboard.filters import Filters
from service.dashboard.pages.asking import Asked
from service.dashboard.pages.overview import channels, reasons
from service.formats import Formats
from service.merchants import tables as merchants
from service.web.call import Call

MOST_ADVOCATES = "10"


@dataclass(frozen=True, slots=True)
class Digest:
    """A week told to people."""

    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A measure of some weeks. rows: [(the week's first day, what it brought)], of which the bars are made."""

    title: str
    bars: list[Bar]
    rows: list[tuple[str, str]]


def tell(call: Call, week: Week, formats: Formats) -> Digest:
    """What the week brought, in the reader's language. Within a request of the app, whose templates it takes."""
    merchant = merchants.get(call.session, call.merchant_id)
    zone = ZoneInfo(merchant.time_zone)
    filters = Filters(week.first, week.last, interval="week")
    asked = Asked(call, filters, call.now.astimezone(zone).date(), formats, zone, merchant.currency)
    summary = asked.numbers("summary")
    shown: dict[str, Any] = {
        "merchant": merchant,
        "week": week,
        "formats": formats,
        "cards": overview.cards(summary, filters, merchant.currency, formats),
        "funnel": overview.funnel(summary, formats),
        "plots": _plots(replace(asked, filters=replace(filters, first=week.drawn_from))),
        "height": digest.HEIGHT,
        "width": digest.WIDTH,
        "advocates": asked.numbers("advocates", limit=MOST_ADVOCATES)["data"],
        "channels": channels(asked),
        "reasons": reasons(asked),
        "friends": partial(formats.say_many, "one friend", "%(number)s friends"),
        "address": f"{call.wiring.settings.base_url}/dashboard?{filters.address()}",
    }
    return Digest(render_template("dashboard/digest.html", **shown), render_template("dashboard/digest.txt", **shown))


def _plots(asked: Asked) -> list[Plot]:
    """New customers, and net revenue in the merchant's currency, week by week."""
    formats, currency = asked.formats, asked.currency
    pieces = asked.numbers("timeseries", interval="week")["data"]
    won = [piece["new_customers"] for piece in pieces]
    net = [overview.of_measure(piece, "net_revenue", currency) or 0 for piece in pieces]
    days = [formats.day(date.fromisoformat(piece["start"])) for piece in pieces]
    return [
        Plot(formats.say("New customers won"), digest.bars(won), list(zip(days, map(formats.whole, won), strict=True))),
        Plot(
            formats.say("Net revenue referred"),
            digest.bars(net),
            [(day, formats.money(amount, currency)) for day, amount in zip(days, net, strict=True)],
        ),
    ]
