"""Every table of numbers as a file."""

from collections.abc import Callable, Mapping

from flask import Response
from werkzeug.exceptions import NotFound

from service.dashboard.figures import Table
from service.dashboard.pages import advocates, cohorts, orchard, overview
from service.dashboard.pages.asking import Asked, asked
from service.dashboard.pages.frame import FRAME_HEADERS, blueprint, looking

TABLES: Mapping[str, Callable[[Asked], Table]] = {
    "series": overview.series,
    "channels": overview.channels,
    "reasons": overview.reasons,
    "advocates": advocates.table,
    "orchard": orchard.table,
}

OF_DAYS = {"series", "channels", "reasons"}
"""Those that are of some days, also where the address names none."""


@blueprint.get("/tables/<name>.csv")
def take_table(name: str) -> Response:
    """One table of a page, of what its address asks for."""
    with looking() as call:
        wanted = asked(call)
        found = TABLES[name](wanted) if name in TABLES else _of_cohorts(wanted, name)
    days = f"-{wanted.filters.first}-{wanted.filters.last}" if name in OF_DAYS or wanted.has_days else ""
    file = f"{name}{days}.csv"
    headers = {**FRAME_HEADERS, "Content-Disposition": f"attachment; filename={file}"}
    return Response("\ufeff" + found.csv(), 200, headers, content_type="text/csv; charset=utf-8")


def _of_cohorts(wanted: Asked, name: str) -> Table:
    """One of those whose names are of sides and currencies. Raises NotFound."""
    known = {table.name: table for table in cohorts.tables(wanted)}
    if name not in known:
        raise NotFound(f"There are the tables {', '.join([*TABLES, *known])}.")
    return known[name]
