"""Who brings friends, and what becomes of those who came."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response, request

from service.dashboard import advocates, cohorts
from service.dashboard.figures import Table
from service.dashboard.pages.asking import Asked, asked
from service.dashboard.pages.frame import blueprint, looking, shown
from service.web.errors import InvalidValues

AT_ONCE = "50"
MONTHS = 12


@blueprint.get("/advocates")
def list_advocates() -> Response:
    """Advocates, by the value of the friends whom they brought."""
    with looking() as call:
        wanted = asked(call)
        sort = request.args.get("sort") or next(iter(advocates.SORTS))
        if sort not in advocates.SORTS:
            raise InvalidValues({"sort": f"There are {', '.join(advocates.SORTS)}."})
        answer = ranking(wanted, sort)
        return shown(
            "advocates.html",
            filters=wanted.filters,
            is_ever=not wanted.has_days,
            sort=sort,
            sorts=advocates.SORTS,
            table=advocates.table(answer["data"], wanted.formats),
            following=answer["next_cursor"],
        )


def ranking(wanted: Asked, sort: str) -> dict[str, Any]:
    """What the statistics rank: of all days, where the address names none."""
    more = {"sort": sort, "limit": AT_ONCE}
    if cursor := request.args.get("cursor"):
        more["cursor"] = cursor
    return wanted.numbers("advocates", **more) if wanted.has_days else wanted.numbers_of_ever("advocates", **more)


@blueprint.get("/cohorts")
def show_cohorts() -> Response:
    """Customers by the month in which they were won, referred beside not referred."""
    with looking() as call:
        wanted = asked(call)
        rows = _cohorts(wanted)
        known = cohorts.currencies_of(rows)
        heat = [cohorts.spent(rows, side, currency, wanted.formats) for currency in known for side in cohorts.SIDES]
        return shown("cohorts.html", compared=compared(wanted, rows), heat=heat)


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
