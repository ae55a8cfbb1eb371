"""Lists: `limit` and `cursor` in, `data` and `next_cursor` out."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from marshmallow import Schema, fields, validate

from service.web.errors import InvalidValues
from service.web.fields import Digits, Strict
from service.web.rendering import Answer

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
Row = TypeVar("Row")


class PageQuery(Strict):
    """Which part of a list."""

    limit = Digits(load_default=DEFAULT_LIMIT, validate=validate.Range(1, LARGEST_LIMIT))
    cursor = fields.String(load_default=None, validate=validate.Regexp(r"^[A-Za-z0-9_-]{22}\Z"))


def page_of(schema: type[Schema], name: str) -> type[Schema]:
    """The schema of a page of these."""
    inner = {"data": fields.List(fields.Nested(schema), required=True)}
    inner["next_cursor"] = fields.String(required=True, allow_none=True)  # type: ignore[assignment]
    return type(name, (Strict,), inner)


def after(query: dict[str, Any]) -> UUID | None:
    """The last row that the reader has seen; any 22 characters are one."""
    cursor = query.pop("cursor")
    if cursor is None:
        return None
    return UUID(bytes=urlsafe_b64decode(cursor + "=="))


def page(
    rows: Sequence[Row], limit: int, render: Callable[[Row], dict[str, Any]], row_id: Callable[[Row], UUID]
) -> Answer:
    """The page of these rows, of which one more than `limit` was asked for to know whether there are more."""
    shown = rows[:limit]
    more = urlsafe_b64encode(row_id(shown[-1]).bytes).rstrip(b"=").decode() if len(rows) > limit else None
    return Answer({"data": [render(row) for row in shown], "next_cursor": more})


def bad_cursor() -> InvalidValues:
    """The error for a cursor that we did not make."""
    return InvalidValues({"cursor": "It is not a cursor of this list."})
