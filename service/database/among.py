"""Rows of which a column has one of many values."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, any_, bindparam
from sqlalchemy.orm import Session


def among(session: Session, column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """The column is one of these, of which there may be thousands.

    PostgreSQL gets them as one array: a parameter a value is a third of what a statement of 500 costs.
    """
    is_one: ColumnElement[bool] = column.in_(list(values))
    if session.get_bind().dialect.name == "postgresql":
        is_one = column == any_(bindparam(None, list(values), ARRAY(column.type)))
    return is_one
