"""Lists: `limit` and `cursor` in, `data` and `next_cursor` out."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from flask import g
from marshmallow import Schema, fields, post_load, validate

from service.database.lists import Page
from service.web.errors import InvalidValues
from service.web.fields import Bound, Digits, Strict
from service.web.rendering import Answer
from service.web.wiring import wiring

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
Row = TypeVar("Row")
Wanted = TypeVar("Wanted")


class PageQuery(Strict):
    """Which part of a list."""

    limit = Digits(load_default=DEFAULT_LIMIT, validate=validate.Range(1, LARGEST_LIMIT))
    cursor = fields.String(load_default=None, validate=validate.Regexp(r"^[A-Za-z0-9_-]{22}\Z"))

    @post_load
    def make(self, members: dict[str, Any], **_: Any) -> "Page | Listing[Any]":
        """The page, with the filter where there is one. Any 22 characters are a position."""
        cursor = members.pop("cursor")
        after = None if cursor is None else UUID(bytes=urlsafe_b64decode(cursor + "=="))
        since, until = (_moment(members.pop(name, None)) for name in ("since", "until"))
        if since is not None and until is not None and until < since:
            raise InvalidValues({"to": "It is before `from`."})
        which = Page(members.pop("limit"), after, since, until)
        return which if self.makes is None else Listing(which, self.makes(**members))


class PeriodQuery(PageQuery):
    """Which part of a list, of which period."""

    since = Bound(data_key="from", load_default=None)
    until = Bound(data_key="to", load_default=None)


def _moment(bound: date | None) -> datetime | None:
    """The time that was said, or the beginning of the merchant's day."""
    if bound is None or isinstance(bound, datetime):
        return bound
    zone = wiring().time_zone(g.caller.merchant_id)
    return datetime(bound.year, bound.month, bound.day, tzinfo=zone).astimezone(UTC)


class SealedPageQuery(Strict):
    """Which part of a list whose cursor carries more than a row, and is sealed."""

    limit = Digits(load_default=DEFAULT_LIMIT, validate=validate.Range(1, LARGEST_LIMIT))
    cursor = fields.String(load_default=None, validate=validate.Regexp(r"^[A-Za-z0-9_.-]{1,2000}\Z"))


@dataclass(frozen=True, slots=True)
class Listing(Generic[Wanted]):
    """Which part of a list, and of which rows."""

    page: Page
    wanted: Wanted


def page_of(schema: type[Schema], name: str) -> type[Schema]:
    """The schema of a page of these."""
    inner = {"data": fields.List(fields.Nested(schema), required=True)}
    inner["next_cursor"] = fields.String(required=True, allow_none=True)  # type: ignore[assignment]
    return type(name, (Strict,), inner)


def page(
    rows: Sequence[Row], which: Page, render: Callable[[Row], dict[str, Any]], row_id: Callable[[Row], UUID]
) -> Answer:
    """The page of these rows, which are one more than it has where there are more."""
    shown = rows[: which.limit]
    more = urlsafe_b64encode(row_id(shown[-1]).bytes).rstrip(b"=").decode() if len(rows) > which.limit else None
    return Answer({"data": [render(row) for row in shown], "next_cursor": more})


def bad_cursor() -> InvalidValues:
    """The error for a cursor that we did not make."""
    return InvalidValues({"cursor": "It is not a cursor of this list."})
