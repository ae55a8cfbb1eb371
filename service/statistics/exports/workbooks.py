"""Exports as a workbook for spreadsheets (XLSX), written to a file of their own, a row at a time."""

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from sqlalchemy.orm import Session
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from service.statistics.exports import exporting
from service.statistics.exports.exporting import Export, Row
from service.statistics.exports.values import readers

MOST_ROWS = 1_048_575
"""Of a sheet, without its line of names. Source: Excel's specifications and limits."""

LARGEST_NUMBER = 10**15
"""Excel keeps fifteen digits; what is longer is written as text, so that no digit is lost."""

LONGEST_TEXT = 32_767


def write(
    session: Session, export: Export, file: IO[bytes], *, advance: Callable[[int], object] = lambda _: None
) -> None:
    """Write the workbook: sheets of rows, and one that says what it is of. advance: told how many rows are done."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, {**options, "remove_timezone": True}) as workbook:
        sheets = _Sheets(workbook, export)
        for row in exporting.rows(session, export):
            sheets.add(row)
            advance(1)
        about = workbook.add_worksheet("About")
        facts = export.facts(exporting.ending(session, export))
        for number, (name, value) in enumerate(facts.items()):
            about.write_string(number, 0, name)
            about.write(number, 1, value)


class _Sheets:
    """The sheets of rows, of which there is a next one where one is full."""

    def __init__(self, workbook: Workbook, export: Export) -> None:
        self._workbook, self._export = workbook, export
        self._read = readers(export.columns, export.raw_names, export.decimals)
        self._time = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._decimals: dict[int, Format] = {}
        self._sheet = self._next()
        self._row = 0

    def _next(self) -> Worksheet:
        sheet = self._workbook.add_worksheet()
        for number, column in enumerate(self._export.columns):
            sheet.write_string(0, number, column.name)
        return sheet

    def add(self, row: Row) -> None:
        """Write one row."""
        if self._row == MOST_ROWS:
            self._sheet, self._row = self._next(), 0
        self._row += 1
        for number, read in enumerate(self._read):
            value = read(row)
            if value is not None:
                self._write(number, value)

    def _write(self, number: int, value: Any) -> None:
        if isinstance(value, datetime):
            self._sheet.write_datetime(self._row, number, value, self._time)
        elif isinstance(value, int) and abs(value) < LARGEST_NUMBER:
            self._sheet.write_number(self._row, number, value)
        elif isinstance(value, Decimal) and abs(value) < LARGEST_NUMBER:
            self._sheet.write_number(self._row, number, value, self._shown(value))
        else:
            self._sheet.write_string(self._row, number, str(value)[:LONGEST_TEXT])

    def _shown(self, value: Decimal) -> Format:
        places = -int(value.as_tuple().exponent)
        if places not in self._decimals:
            shown = {"num_format": f"0.{'0' * places}" if places else "0"}
            self._decimals[places] = self._workbook.add_format(shown)
        return self._decimals[places]


def pieces(file: IO[bytes], *, size: int) -> Iterator[bytes]:
    """What was written, in pieces."""
    file.seek(0)
    while piece := file.read(size):
        yield piece
