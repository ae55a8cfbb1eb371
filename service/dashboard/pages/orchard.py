"""The orchard: who brought whom, as a picture and as a table."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Response, request

from service.dashboard import orchard
from service.dashboard.branches import Wanted, branches
from service.dashboard.figures import Table
from service.dashboard.filters import DAY
from service.dashboard.orchard import FIRST_OF_GROVE, MOST_TREES, Bed, Tree
from service.dashboard.pages.asking import Asked, asked
from service.dashboard.pages.frame import blueprint, looking, shown
from service.languages import message
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
            raise InvalidValues({"friends": message("That is no grove, such as 3-5.")})
        groves = _groves(wanted)
        beds, following = _beds(wanted, groves, named)
        many = {name: sum(grove[name] for grove in groves) for name in ("advocates", "friends", "grown", "bare")}
        return shown(
            "orchard.html",
            beds=beds,
            following=following and "?" + urlencode({**_kept(wanted), "friends": named, "cursor": following}),
            whole="?" + urlencode(_kept(wanted)) if named else None,
            many=many,
            table=orchard.table(groves, _kept(wanted), LATELY, wanted.formats),
            export=f"/dashboard/tables/orchard.csv?{urlencode(_kept(wanted))}",
            grown=urlencode({**_kept(wanted), "from": _first_day(wanted), "through": wanted.today, "sort": "friends"}),
            named=lambda grove: orchard.size(grove, wanted.formats),
            address=lambda grove: urlencode({**_kept(wanted), "friends": orchard.size_of(grove)}),
            lately=LATELY,
            most=orchard.MOST_BRANCHES,
        )


def table(wanted: Asked) -> Table:
    """The groves."""
    return orchard.table(_groves(wanted), _kept(wanted), LATELY, wanted.formats)


def of_page(page: Asked, *, most: int) -> Wanted:
    """The branches of what the page is about."""
    filters, since = page.filters, datetime.combine(_first_day(page), time(), page.zone)
    currency = filters.currency or page.currency
    program_id = UUID(filters.program_id) if filters.program_id else None
    return Wanted(currency, since, most, program_id, filters.channel)


def _first_day(page: Asked) -> date:
    """Of those in which a tree is said to have grown."""
    return page.today - (LATELY - 1) * DAY


def _kept(wanted: Asked) -> dict[str, str]:
    """Of what the orchard is."""
    filters = wanted.filters
    kept = {"program_id": filters.program_id, "channel": filters.channel, "currency": filters.currency}
    return {name: value for name, value in kept.items() if value is not None}


def _groves(wanted: Asked) -> list[Mapping[str, Any]]:
    days = {"from": _first_day(wanted).isoformat(), "to": (wanted.today + DAY).isoformat()}
    found: list[Mapping[str, Any]] = wanted.numbers_of_ever("groves", **days)["data"]
    return found


def _beds(wanted: Asked, groves: Sequence[Mapping[str, Any]], named: str) -> tuple[list[Bed], str | None]:
    """The beds, and where the next trees are, where one grove is shown."""
    if named:
        grove = next((one for one in groves if orchard.size_of(one) == named), None)
        if grove is None:
            return [], None
        answer = _answer(wanted, orchard.band_of(named), MOST_TREES, request.args.get("cursor"))
        return _filled([(grove, _trees(wanted, answer["data"]))]), answer["next_cursor"]
    if sum(grove["advocates"] for grove in groves) <= MOST_TREES:
        rows = _answer(wanted, {"least": "1"}, MOST_TREES)["data"]
        return _filled([(None, _trees(wanted, rows))]), None
    first = [_first_of(wanted, grove) for grove in groves]
    drawn = iter(_trees(wanted, [row for rows in first for row in rows]))
    return _filled((grove, [next(drawn) for _ in rows]) for grove, rows in zip(groves, first, strict=True)), None


def _first_of(wanted: Asked, grove: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The best trees of a grove. All of a small one are found by their friends: their values may be anywhere."""
    band = orchard.band_of(orchard.size_of(grove))
    if grove["advocates"] > FIRST_OF_GROVE:
        return list(_answer(wanted, band, FIRST_OF_GROVE)["data"])
    rows: list[Mapping[str, Any]] = _answer(wanted, {**band, "sort": "friends"}, FIRST_OF_GROVE)["data"]
    return sorted(rows, key=lambda row: (row["net_lifetime_value"], row["customer_id"]), reverse=True)


def _filled(beds: Iterable[tuple[Mapping[str, Any] | None, list[Tree]]]) -> list[Bed]:
    return [Bed(grove, trees) for grove, trees in beds if trees]


def _answer(wanted: Asked, band: Mapping[str, str], limit: int, cursor: str | None = None) -> dict[str, Any]:
    more = {**band, "limit": str(limit), **({"cursor": cursor} if cursor else {})}
    return wanted.numbers_of_ever("trees", **more)


def _trees(wanted: Asked, rows: Sequence[Mapping[str, Any]]) -> list[Tree]:
    call, names = wanted.call, [row["customer_id"] for row in rows]
    known = branches(call.session, call.merchant_id, names, of_page(wanted, most=orchard.MOST_BRANCHES))
    hrefs = {name: f"/dashboard/people/{name_in_path(name)}" for name in names}
    return orchard.trees(rows, known, hrefs, wanted.formats)
