"""What every mapped class stands on: its root, its kinds of columns, and inserts for the hot path."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    FromClause,
    MetaData,
    String,
    TextClause,
    Uuid,
    bindparam,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: `timestamptz` on PostgreSQL, ISO text in UTC on SQLite, always aware in Python."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store in UTC."""
        return value if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read as UTC, also where the database forgot the zone."""
        if value is None or value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Root of the mapped classes. Every key starts with the merchant."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        UUID: Uuid(),
        datetime: Instant(),
        int: BigInteger(),
        str: String(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
    }


@cache
def insertion(table: FromClause, ending: str = "", *, rows: int = 1) -> TextClause:
    """An insert of whole rows, with an ON CONFLICT ending that both databases write alike.

    As text, since SQLAlchemy compiles its own ON CONFLICT constructs anew at each execution; with all rows in one
    statement, since each statement costs its way to the server. Its values come from `numbered`.
    """
    names = [column.key for column in table.columns]
    values = ", ".join("(" + ", ".join(f":{name}_{row}" for name in names) + ")" for row in range(rows))
    types = [bindparam(f"{column.key}_{row}", type_=column.type) for column in table.columns for row in range(rows)]
    return text(f"INSERT INTO {table.description} ({', '.join(names)}) VALUES {values} {ending}").bindparams(*types)


def numbered(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of these rows, whole ones, as `insertion` names them."""
    return {f"{name}_{number}": value for number, row in enumerate(rows) for name, value in row.items()}


def add_at_once(session: Session, rows: Sequence[Base]) -> None:
    """Insert these new rows of one class in one statement, past the unit of work: for the path of every checkout."""
    names = [column.key for column in rows[0].__table__.columns]
    values = numbered([{name: getattr(row, name) for name in names} for row in rows])
    session.execute(insertion(rows[0].__table__, rows=len(rows)), values)
