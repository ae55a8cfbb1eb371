"""Exports as text, in a stream: CSV (RFC 4180) for spreadsheets, and a JSON document a line for programs.

On PostgreSQL the database itself writes the lines of a CSV: row by row, Python would be several times slower.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import ColumnElement, Numeric, String, case, cast, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from service import currencies
from service.merchants import tables as merchants
from service.statistics.exports import exporting
from service.statistics.exports.columns import Column, Kind
from service.statistics.exports.exporting import Export
from service.statistics.exports.values import SEPARATOR, csv_text, json_value, readers
from service.values import RISKY

PIECE_BYTES = 64_000
END = "# end "
Cell = ColumnElement[Any]
_MOST = 2
"""How many decimals most currencies have."""

_RISKY = [ord(character) for character in RISKY]
_TIME = 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'


def csv_pieces(session: Session, export: Export, *, bom: bool) -> Iterator[bytes]:
    """The file in pieces: a line of names, a line a row, and one whose first cell begins with `# end`.

    That cell says what the file is of, as JSON; the others of its line are empty, so all lines have as many cells.
    """
    names = ("\ufeff" if bom else "").encode() + _line([column.name for column in export.columns])
    is_copied = session.get_bind().dialect.name == "postgresql" and export.dataset != "advocates"
    rows = _copied if is_copied else _written
    yield from _gathered(chain([names], rows(session, export)))
    facts = export.facts(exporting.ending(session, export))
    yield _line([END + json.dumps(facts), *[""] * (len(export.columns) - 1)])


def json_pieces(session: Session, export: Export) -> Iterator[bytes]:
    """The file in pieces: a document a row, and one with `end` that says what it was."""
    read = readers(export.columns, export.raw_names, export.decimals)

    def lines() -> Iterator[bytes]:
        for row in exporting.rows(session, export):
            values = {
                column.name: json_value(column, reader(row))
                for column, reader in zip(export.columns, read, strict=True)
            }
            yield _document(values)

    yield from _gathered(lines())
    yield _document({"end": export.facts(exporting.ending(session, export))})


def _document(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _gathered(lines: Iterable[bytes | bytearray | memoryview]) -> Iterator[bytes]:
    """The same, in pieces that are worth sending."""
    piece = bytearray()
    for line in lines:
        piece += line
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _written(session: Session, export: Export) -> Iterator[bytes]:
    read = readers(export.columns, export.raw_names, export.decimals)
    kinds = [column.kind for column in export.columns]
    for row in exporting.rows(session, export):
        yield _line([csv_text(kind, reader(row)) for kind, reader in zip(kinds, read, strict=True)])


def _copied(session: Session, export: Export) -> Iterator[bytes | bytearray | memoryview]:
    """The lines as PostgreSQL writes them, with the same cells as `_written` makes."""
    raw = export.query.subquery().c
    decimal = partial(_decimal, export=export, usual=merchants.currencies(session, export.wanted.merchant_id))
    query = select(*(_cell(column, raw, decimal) for column in export.columns))
    compiled = query.compile(dialect=session.get_bind().dialect, compile_kwargs={"render_postcompile": True})
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(sql.SQL(str(compiled)))
    connection: Any = session.connection().connection.driver_connection
    with psycopg.Cursor(connection).copy(statement, compiled.params) as copy:
        yield from copy


def _cell(column: Column, raw: Any, decimal: Callable[[Cell, Cell], Cell]) -> Cell:
    value = raw[column.source or column.name]
    if column.kind is Kind.TIME:
        return func.to_char(value, _TIME)  # in UTC, as every session is
    if column.kind is Kind.TEXT:
        return case((func.ascii(value).in_(_RISKY), literal("'") + value), else_=value)
    if column.kind is Kind.DECIMAL:
        return decimal(value, raw["currency"])
    if column.kind is Kind.WORDS:
        return func.translate(func.replace(cast(value, String), ",", SEPARATOR), '[]" ', "")  # none of ours has those
    return cast(cast(value, JSONB), String) if column.kind is Kind.DOCUMENT else value


def _decimal(value: Cell, currency: Cell, *, export: Export, usual: Iterable[str]) -> Cell:
    """The amount with as many decimals as its currency has: those of the merchant's books are looked at first."""
    others = {*currencies.known(), *currencies.WITHDRAWN} - set(usual)
    cases = [
        (currency.in_(sorted(codes)), _exactly(value, number))
        for some in (usual, others)
        for number, codes in _by_decimals(some, export).items()
        if some is usual or number != _MOST
    ]
    return case(*cases, else_=_exactly(value, _MOST))


def _by_decimals(codes: Iterable[str], export: Export) -> dict[int, list[str]]:
    of_decimals: dict[int, list[str]] = {}
    for code in codes:
        of_decimals.setdefault(export.decimals(code), []).append(code)
    return of_decimals


def _exactly(value: Cell, decimals: int) -> Cell:
    return value * literal(Decimal(1).scaleb(-decimals), Numeric)
