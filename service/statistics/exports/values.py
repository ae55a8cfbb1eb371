"""PURE: one value of an export, as each kind of file has it."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from service.statistics.exports.columns import Column, Kind
from service.values import unformed

SEPARATOR = ";"
Reader = Callable[[Sequence[Any]], Any]
"""From the raw values of a row to the value of one column."""


def time_text(moment: datetime) -> str:
    """In UTC, as the API writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def decimal_of(amount: int, decimals: int) -> Decimal:
    """Minor units as an exact decimal."""
    return Decimal(amount).scaleb(-decimals)


def readers(columns: Sequence[Column], raw_names: Sequence[str], decimals: Callable[[str], int]) -> list[Reader]:
    """How each column is read from a row's raw values, as Python has them: ids as text, times in UTC."""
    place = {name: index for index, name in enumerate(raw_names)}
    return [_reader(column, place, decimals) for column in columns]


def _reader(column: Column, place: Mapping[str, int], decimals: Callable[[str], int]) -> Reader:
    index = place[column.source or column.name]
    if column.kind is Kind.DECIMAL:
        currency = place["currency"]
        return lambda row: decimal_of(row[index], decimals(row[currency]))
    read = _READ.get(column.kind)
    if read is None:
        return lambda row: row[index]
    return lambda row: None if row[index] is None else read(row[index])


def _id(value: UUID | str) -> str:
    return str(value)


def _time(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _words(value: Sequence[str]) -> str:
    return SEPARATOR.join(value)


def _document(value: Mapping[str, str]) -> str:
    """Shorter names first, as PostgreSQL writes a jsonb."""
    names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
    return json.dumps({name: value[name] for name in names}, ensure_ascii=False)


_READ: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.ID: _id,
    Kind.TIME: _time,
    Kind.WORDS: _words,
    Kind.DOCUMENT: _document,
}


def csv_text(kind: Kind, value: Any) -> str:
    """A value as a cell of a CSV; nothing is an empty cell."""
    if value is None:
        return ""
    if kind is Kind.TIME:
        return time_text(value)
    if kind is Kind.TEXT:
        return unformed(value)
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def json_value(column: Column, value: Any) -> Any:
    """A value as JSON has it: a decimal as text, words and documents as they are."""
    if value is None:
        return None
    if column.kind is Kind.TIME:
        return time_text(value)
    if column.kind is Kind.DECIMAL:
        return format(value, "f")
    if column.kind is Kind.WORDS:
        return value.split(SEPARATOR) if value else []
    return json.loads(value) if column.kind is Kind.DOCUMENT else value
