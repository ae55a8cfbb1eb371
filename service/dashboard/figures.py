"""PURE: a table of numbers, of which a page, its plot and its export are made alike."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service import currencies
from service.formats import Formats
from service.values import unformed


@dataclass(frozen=True, slots=True)
class Column:
    """One column. is_number: whether its cells are figures, which stand right-aligned."""

    name: str
    title: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """text: for people. value: for programs; None where there is nothing. href: where it leads.

    level: how warm it is on a heat map; None where there is none.
    """

    text: str
    value: str | int | float | Decimal | None
    href: str | None = None
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """name: of its export. empty: what is said where it has no rows."""

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    empty: str = ""

    def csv(self) -> str:
        """The values, for a spreadsheet; a text that it would take for a formula has an apostrophe before it."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(column.name for column in self.columns)
        for row in self.rows:
            writer.writerow(_in_csv(cell.value) for cell in row)
        return text.getvalue()


def _in_csv(value: str | float | Decimal | None) -> str:
    if value is None:
        return ""
    return unformed(value) if isinstance(value, str) else str(value)


def text(value: str, href: str | None = None) -> Cell:
    """A cell of words."""
    return Cell(value, value, href)


def whole(number: int, formats: Formats) -> Cell:
    """A cell of how many."""
    return Cell(formats.whole(number), number)


def share(rate: float | None, formats: Formats) -> Cell:
    """A cell of a rate."""
    return Cell(formats.share(rate), rate)


def money(amount: int | None, currency: str, formats: Formats) -> Cell:
    """A cell of an amount in minor units; the value is a decimal of the currency."""
    if amount is None:
        return Cell(formats.money(None, currency), None)
    return Cell(formats.money(amount, currency), currencies.exact(amount, currency))


def of_currency(measures: Mapping[str, Any], currency: str) -> Mapping[str, Any]:
    """What is said of one currency, as the statistics answer; nothing where nothing is."""
    return next((row for row in measures["money"] if row["currency"] == currency), {})


def currencies_of(*answers: Mapping[str, Any]) -> list[str]:
    """The currencies of which these answers say something."""
    return sorted({row["currency"] for answer in answers for row in answer["money"]})
