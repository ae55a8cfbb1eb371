"""The first page."""

from flask import Response

from service.dashboard import filters as filtering
from service.dashboard import overview
from service.dashboard.figures import Table
from service.dashboard.pages.asking import Asked, asked
from service.dashboard.pages.frame import blueprint, looking, shown

MOST_DAYS = 3_000
"""How many days may be compared with as many before them, one by one."""


def series(page: Asked) -> Table:
    """The numbers over time, beside the period before."""
    interval = page.filters.interval
    pieces = page.numbers("timeseries", interval=interval)["data"]
    before = page.filters.before
    is_comparable = before is not None and (before.last - before.first).days < MOST_DAYS
    days = page.numbers_of(before.question, "timeseries", interval="day")["data"] if before and is_comparable else []
    return overview.series(pieces, days, page.filters, page.currency, page.formats)


def channels(page: Asked) -> Table:
    """What each channel brought."""
    return overview.channels(page.numbers("channels")["data"], page.filters, page.formats)


def reasons(page: Asked) -> Table:
    """Why orders were refused."""
    rows = page.numbers("reasons")["data"]
    names = page.names_of({row["program_id"] for row in rows if row["program_id"] is not None})
    return overview.reasons(rows, names, page.filters, page.formats)


@blueprint.get("")
@blueprint.get("/")
def index() -> Response:
    """What the program brought, what it cost, and why orders were refused."""
    with looking() as call:
        wanted = asked(call)
        summary = wanted.numbers("summary")
        over_time = series(wanted)
        return shown(
            "overview.html",
            filters=wanted.filters,
            presets=filtering.presets(wanted.today),
            programs=wanted.programs(),
            measures={name: overview.TITLES[name] for name in filtering.MEASURES},
            intervals=filtering.INTERVALS,
            cards=overview.cards(summary, wanted.filters, wanted.currency, wanted.formats),
            is_empty=not any(summary[name] for name in overview.STEPS),
            funnel=overview.funnel(summary, wanted.formats),
            plotted=overview.plotted(over_time, wanted.filters.measure),
            series=over_time,
            channels=channels(wanted),
            reasons=reasons(wanted),
        )
