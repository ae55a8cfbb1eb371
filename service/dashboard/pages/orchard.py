"""The orchard: who brought whom, as a picture and as a table."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from service.dashboard import orchard
from service.dashboard.branches import branches
from service.dashboard.figures import Table
from service.dashboard.filters import DAY
from service.dashboard.orchard import FIRST_OF_GROVE, MOST_TREES, Bed, Tree
from service.dashboard.pages.asking import Asked, asked
from service.dashboard.pages.frame import blueprint, looking, shown
from service.web.errors import InvalidValues
from service.web.paths import name_in_path

LATELY = 30
"""Days in which a tree that won a friend is said to have grown."""

GROVE = re.compile(r"[0-9]{1,9}-[0-9]{0,9}")


@blueprint.get("/orchard")
def show_orchard() -> Response:
    """Every tree, or the first of each grove; or one grove, page by page."""
    with looking() as call:
        wanted = asked(call)
        named = request.args.get("friends", "")
        if named and GROVE.fullmatch(named) is None:
            raise InvalidValues({"friends": "That is no grove, such as 3-5."})
        groves = _groves(wanted)
        beds, following = _beds(wanted, groves, named)
        many = {name: sum(grove[name] for grove in groves) for name in ("advocates", "friends", "grown", "bare")}
        return shown(
            "orchard.html",
            beds=beds,
            following=following and "?" + urlencode({**_kept(wanted), "friends": named, "cursor": following}),
            whole="?" + urlencode(_kept(wanted)) if named else None,
            many=many,
            table=orchard.table(groves, _kept(wanted), wanted.formats),
            export=f"/dashboard/tables/orchard.csv?{urlencode(_kept(wanted))}",
            grown=urlencode(
                {**_kept(wanted), "from": wanted.today - (LATELY - 1) * DAY, "through": wanted.today, "sort": "friends"}
            ),
            named=lambda grove: orchard.size(grove, wanted.formats),
            address=lambda grove: urlencode({**_kept(wanted), "friends": orchard.size_of(grove)}),
            lately=LATELY,
            most=orchard.MOST_BRANCHES,
        )


def table(wanted: Asked) -> Table:
    """The groves."""
    return orchard.table(_groves(wanted), _kept(wanted), wanted.formats)


def since_when(now: datetime) -> datetime:
    """Since when a branch is new."""
    return now - timedelta(days=LATELY)


def _kept(wanted: Asked) -> dict[str, str]:
    """Of what the orchard is."""
    filters = wanted.filters
    kept = {"program_id": filters.program_id, "channel": filters.channel, "currency": filters.currency}
    return {name: value for name, value in kept.items() if value is not None}


def _groves(wanted: Asked) -> list[Mapping[str, Any]]:
    since, until = wanted.today - (LATELY - 1) * DAY, wanted.today + DAY
    days = {"from": since.isoformat(), "to": until.isoformat()}
    found: list[Mapping[str, Any]] = wanted.numbers_of_ever("groves", **days)["data"]
    return found


def _beds(wanted: Asked, groves: Sequence[Mapping[str, Any]], named: str) -> tuple[list[Bed], str | None]:
    """The beds, and where the next trees are, where one grove is shown."""
    if named:
        answer = _answer(wanted, orchard.band_of(named), MOST_TREES)
        grove = next((one for one in groves if orchard.size_of(one) == named), None)
        return _filled([(grove, _trees(wanted, answer["data"]))]), answer["next_cursor"]
    if sum(grove["advocates"] for grove in groves) <= MOST_TREES:
        rows = _answer(wanted, {"least": "1"}, MOST_TREES)["data"]
        return _filled([(None, _trees(wanted, rows))]), None
    first = [_answer(wanted, orchard.band_of(orchard.size_of(grove)), FIRST_OF_GROVE)["data"] for grove in groves]
    drawn = iter(_trees(wanted, [row for rows in first for row in rows]))
    return _filled((grove, [next(drawn) for _ in rows]) for grove, rows in zip(groves, first, strict=True)), None


def _filled(beds: Iterable[tuple[Mapping[str, Any] | None, list[Tree]]]) -> list[Bed]:
    return [Bed(grove, trees) for grove, trees in beds if trees]


def _answer(wanted: Asked, band: Mapping[str, str], limit: int) -> dict[str, Any]:
    more = {**band, "limit": str(limit)}
    if cursor := request.args.get("cursor"):
        more["cursor"] = cursor
    return wanted.numbers_of_ever("trees", **more)


def _trees(wanted: Asked, rows: Sequence[Mapping[str, Any]]) -> list[Tree]:
    call, names = wanted.call, [row["customer_id"] for row in rows]
    since = since_when(call.now)
    currency = rows[0]["currency"] if rows else wanted.currency
    known = branches(call.session, call.merchant_id, names, currency, since=since, most=orchard.MOST_BRANCHES)
    hrefs = {name: f"/dashboard/people/{name_in_path(name)}" for name in names}
    return orchard.trees(rows, known, hrefs, wanted.formats)
