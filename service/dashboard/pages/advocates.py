"""Who brings friends, and how good they are."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response, request

from service.dashboard import advocates
from service.dashboard.figures import Table
from service.dashboard.pages.asking import Asked, asked
from service.dashboard.pages.frame import blueprint, looking, shown
from service.values import LONGEST_NAME, fault_of_text
from service.web.errors import InvalidValues

AT_ONCE, AT_MOST = "50", "200"
MOST_PAGES = 50
"""How often the most that can be asked at once is asked for a file: ten thousand advocates."""


@blueprint.get("/advocates")
def list_advocates() -> Response:
    """Advocates, by the value of the friends whom they brought."""
    with looking() as call:
        wanted = asked(call)
        sort = _sort()
        answer, filters = _ranking(wanted, sort, AT_ONCE, request.args.get("cursor")), wanted.filters
        unsaid = {
            "name": _sought() or None,
            "interval": None,
            "measure": None,
            **({} if wanted.has_days else {"from": None, "through": None}),
        }
        kept = {"program_id": filters.program_id, "channel": filters.channel, "currency": filters.currency}
        return shown(
            "advocates.html",
            filters=filters,
            address=partial(filters.address, **unsaid),
            kept={name: value for name, value in kept.items() if value is not None},
            is_ever=not wanted.has_days,
            sought=_sought(),
            sort=sort,
            sorts=advocates.SORTS,
            table=advocates.table(answer["data"], wanted.formats),
            following=answer["next_cursor"],
        )


def table(wanted: Asked) -> Table:
    """The same as one table, of as many as fit a file that one looks at."""
    rows: list[Mapping[str, Any]] = []
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        answer = _ranking(wanted, _sort(), AT_MOST, cursor)
        rows += answer["data"]
        if (cursor := answer["next_cursor"]) is None:
            break
    return advocates.table(rows, wanted.formats)


def _sort() -> str:
    sort = request.args.get("sort") or next(iter(advocates.SORTS))
    if sort not in advocates.SORTS:
        raise InvalidValues({"sort": f"There are {', '.join(advocates.SORTS)}."})
    return sort


def _ranking(wanted: Asked, sort: str, limit: str, cursor: str | None) -> dict[str, Any]:
    """What the statistics rank: of all days, where the address names none."""
    given = {"cursor": cursor, "named": _sought()}
    more = {"sort": sort, "limit": limit, **{name: value for name, value in given.items() if value}}
    question = "trees" if "named" in more else "advocates"
    return wanted.numbers(question, **more) if wanted.has_days else wanted.numbers_of_ever(question, **more)


def _sought() -> str:
    """What the names of those who are shown begin with. Raises InvalidValues."""
    text = request.args.get("name", "").strip()
    if text and (fault := fault_of_text(text, most=LONGEST_NAME)) is not None:
        raise InvalidValues({"name": fault})
    return text
