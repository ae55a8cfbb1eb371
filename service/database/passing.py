"""Rows of a mapped class that only pass through: read to be shown, or made to be written once.

SQLAlchemy's unit of work makes each row an instance that it watches, which costs several times what the row itself
does. Who changes nothing asks for instances that nobody watches.
See docs/decisions/0024-where-a-checkouts-time-goes.md.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import DeclarativeBase, Session, class_mapper

Kind = TypeVar("Kind", bound=DeclarativeBase)


def passing(
    session: Session, kind: type[Kind], query: Select[Any], given: Mapping[str, Any] | None = None
) -> list[Kind]:
    """The rows of this class that the query finds, by columns of its table. What it does not select, they do not have.

    They can be read and not be set: no session knows of them, so that what was set would be lost.
    """
    class_mapper(kind)  # until its mapping is complete, an instance has no attributes to be read
    names = query.selected_columns.keys()
    found = []
    for row in session.execute(query, given or {}):
        one = kind.__new__(kind)
        one.__dict__.update(zip(names, row, strict=True))
        found.append(one)
    return found


def passed(kind: type[Kind], **columns: Any) -> Kind:
    """A new row of these columns, which are all that its table has, for `writing.add_at_once`."""
    class_mapper(kind)
    one = kind.__new__(kind)
    one.__dict__.update(columns)
    return one
