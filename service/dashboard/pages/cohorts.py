"""What becomes of those who came: customers by the month in which they were won."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response

from service.dashboard import cohorts
from service.dashboard.figures import Table
from service.dashboard.pages.asking import Asked, asked
from service.dashboard.pages.frame import blueprint, looking, shown

MONTHS = 12


@blueprint.get("/cohorts")
def show_cohorts() -> Response:
    """Customers by the month in which they were won, referred beside not referred."""
    with looking() as call:
        wanted = asked(call)
        first, *heat = tables(wanted)
        return shown("cohorts.html", compared=first, heat=heat)


def tables(wanted: Asked) -> list[Table]:
    """All of the page: how many came back, and what they spent, of each side in each currency."""
    rows = _cohorts(wanted)
    known = cohorts.currencies_of(rows)
    heat = [cohorts.spent(rows, side, currency, wanted.formats) for currency in known for side in cohorts.SIDES]
    return [compared(wanted, rows), *heat]


def _cohorts(wanted: Asked) -> list[Mapping[str, Any]]:
    """The last twelve months' customers, the latest first."""
    rows: list[Mapping[str, Any]] = wanted.numbers_of_ever("cohorts", **_last_year(wanted.today))["data"]
    return rows[::-1]


def compared(wanted: Asked, rows: list[Mapping[str, Any]]) -> Table:
    """Each month's customers side by side, with those who became clients in it."""
    pieces = wanted.numbers_of_ever("timeseries", interval="month", **_last_year(wanted.today))["data"]
    clients = {piece["start"][:7]: piece["clients"] for piece in pieces}
    return cohorts.compared(rows, clients, wanted.formats)


def _last_year(today: date) -> dict[str, str]:
    month = 12 * today.year + today.month - MONTHS
    return {"from": date(month // 12, month % 12 + 1, 1).isoformat()}
