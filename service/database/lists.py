"""Lists, newest first, that stay stable while rows are being added."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute

Row = TypeVar("Row", bound=tuple[Any, ...])


def newest(query: Select[Row], row_id: InstrumentedAttribute[UUID], *, limit: int, after: UUID | None) -> Select[Row]:
    """The query's rows from the newest on, at most `limit`, from just after the one already seen.

    row_id: a UUIDv7, so its order is the order of time.
    """
    if after is not None:
        query = query.where(row_id < after)
    return query.order_by(row_id.desc()).limit(limit)
