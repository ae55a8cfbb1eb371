"""Lists, newest first, that stay stable while rows are being added."""

from collections.abc import Collection
from dataclasses import Field, dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Session

from service.database.passing import Kind, passing

Row = TypeVar("Row", bound=tuple[Any, ...])


class Filter(Protocol):
    """A dataclass whose fields are named as columns: the value that each must have, None for any."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: how many rows, from just after the one already seen, of this period.

    since: inclusive; until: exclusive.
    """

    limit: int
    after: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def newest(
    query: Select[Row], row_id: InstrumentedAttribute[UUID], page: Page, *, at: InstrumentedAttribute[datetime]
) -> Select[Row]:
    """The query's rows of the page's period from the newest on: one more than the page has, which tells of more.

    row_id: a UUIDv7, so its order is the order of time. at: when each row happened.
    """
    if page.after is not None:
        query = query.where(row_id < page.after)
    if page.since is not None:
        query = query.where(at >= page.since)
    if page.until is not None:
        query = query.where(at < page.until)
    return query.order_by(row_id.desc()).limit(page.limit + 1)


def read_newest(
    session: Session,
    kind: type[Kind],
    query: Select[tuple[Kind]],
    row_id: InstrumentedAttribute[UUID],
    page: Page,
    *,
    at: InstrumentedAttribute[datetime],
    without: Collection[str] = (),
) -> list[Kind]:
    """As `newest`, the rows themselves, which only pass through. without: columns that are not read."""
    columns = [column for column in kind.__table__.columns if column.key not in without]
    return passing(session, kind, newest(query, row_id, page, at=at).with_only_columns(*columns))


def matching(query: Select[Row], table: type[DeclarativeBase], wanted: Filter) -> Select[Row]:
    """The query's rows of this table that match the filter."""
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        if value is not None:
            query = query.where(getattr(table, field.name) == value)
    return query
