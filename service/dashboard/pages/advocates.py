"""Who brings friends, and how good they are."""

from functools import partial
from typing import Any

from flask import Response, request

from service.dashboard import advocates
from service.dashboard.pages.asking import Asked, asked
from service.dashboard.pages.frame import blueprint, looking, shown
from service.web.errors import InvalidValues

AT_ONCE = "50"


@blueprint.get("/advocates")
def list_advocates() -> Response:
    """Advocates, by the value of the friends whom they brought."""
    with looking() as call:
        wanted = asked(call)
        sort = request.args.get("sort") or next(iter(advocates.SORTS))
        if sort not in advocates.SORTS:
            raise InvalidValues({"sort": f"There are {', '.join(advocates.SORTS)}."})
        answer, filters = ranking(wanted, sort), wanted.filters
        unsaid = {"interval": None, "measure": None, **({} if wanted.has_days else {"from": None, "through": None})}
        kept = {"program_id": filters.program_id, "channel": filters.channel, "currency": filters.currency}
        return shown(
            "advocates.html",
            filters=filters,
            address=partial(filters.address, **unsaid),
            kept={name: value for name, value in kept.items() if value is not None},
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
