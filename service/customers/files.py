"""PURE: a file of customers, as a shop or its platform writes it: CSV with a head, or JSON lines.

Columns are known by our names and by those of common exports; others are passed over.
"""

import csv
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import chain
from typing import Any

from service.customers.rows import Fault, Told, judged
from service.errors import ReferralError
from service.values import RISKY

ALIASES: Mapping[str, tuple[str, ...]] = {
    "customer_id": ("customer_id", "id", "user_id"),
    "email": ("email", "user_email", "billing_email", "e_mail"),
    "first_name": ("first_name", "billing_first_name", "display_name", "name"),
    "locale": ("locale", "language"),
    "since": ("since", "first_order_at", "first_order_date"),
    "orders": ("orders", "total_orders", "order_count", "orders_count"),
}
"""field -> how columns are headed that tell it, the surest first: ours, Shopify's, WooCommerce's and its extensions'.

Case, blanks and dashes of a head do not matter. orders: how many there were before; one is enough to be no newcomer.
"""

WHOLE_NAMES = frozenset({"display_name", "name"})
"""Heads of whole names, of which the first word is taken."""

METADATA = "metadata."
LONGEST_LINE_BYTES = 1_000_000
PIECE_BYTES = 65_536
MOST_COLUMNS = 1_000
MOST_LINES = 100
"""Of one row, whose cells may go over several: where a quotation mark never closes, so many are read twice."""

SEPARATORS = ",;\t"
UNREADABLE = "\udcff"
"""What stands for bytes that are not UTF-8, and for a line that is too long."""

_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class BadFile(ReferralError):
    """The file as a whole cannot be read as customers. faults: field -> message."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.faults = {"file": message}


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that is being read. rows: as they come, faults among them. ignored: columns that mean nothing here."""

    rows: Iterator[Told | Fault]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Head:
    """What the columns of a CSV file are. fields: field -> its column. metadata: key -> its column."""

    names: Sequence[str]
    fields: Mapping[str, int]
    metadata: Mapping[str, int]
    has_whole_names: bool

    @property
    def ignored(self) -> tuple[str, ...]:
        """The columns that mean nothing here."""
        used = {*self.fields.values(), *self.metadata.values()}
        return tuple(name for number, name in enumerate(self.names) if number not in used)

    def told(self, cells: Sequence[str]) -> dict[str, Any]:
        """field -> what a row has in it; an empty cell tells nothing."""
        shown = [_formed(cell.strip()) for cell in cells]
        told: dict[str, Any] = {field: shown[number] for field, number in self.fields.items() if shown[number]}
        if self.has_whole_names and "first_name" in told:
            told["first_name"] = _first_word(told["first_name"])
        if theirs := {key: shown[number] for key, number in self.metadata.items() if shown[number]}:
            told["metadata"] = theirs
        return told


def read(form: str, lines: Iterator[bytes], *, zone: tzinfo, now: datetime) -> Reading:
    """Read a file of this form, `csv` or `jsonl`. zone: of days and times that name none. Raises BadFile."""
    texts = (line.decode("utf-8", "surrogateescape") for line in lines)
    first = next(texts, "").removeprefix("\ufeff")
    if not first.strip():
        raise BadFile("There is nothing in it, or its first line is blank.")
    whole = chain([first], texts)
    if form == "jsonl":
        return Reading(_json_rows(whole, zone, now))
    records = _records(whole, max(SEPARATORS, key=first.count))
    _, names = next(records, (1, ""))
    head = _head(names)
    return Reading(_csv_rows(records, head, zone, now), head.ignored)


def lines_of(read_some: Callable[[int], bytes]) -> Iterator[bytes]:
    """The lines of what is read piece by piece, in memory that a long one does not fill."""
    rest, is_too_long = b"", False
    while piece := read_some(PIECE_BYTES):
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield UNREADABLE.encode(errors="surrogateescape") if is_too_long else line + b"\n"
            is_too_long = False
        if len(rest) > LONGEST_LINE_BYTES:
            rest, is_too_long = b"", True
    if rest or is_too_long:
        yield UNREADABLE.encode(errors="surrogateescape") if is_too_long else rest


def _head(names: list[str] | str) -> Head:
    if isinstance(names, str) or len(names) > MOST_COLUMNS or any(map(_NOT_UTF8.search, names)):
        raise BadFile(f"Its first line must name at most {MOST_COLUMNS} columns, in UTF-8.")
    names = [name.strip() for name in names]
    heads = [_folded(name) for name in names]
    fields = _columns(heads)
    if not {"customer_id", "email"} & fields.keys():
        raise BadFile("It needs a column customer_id or email.")
    metadata = {
        names[number][len(METADATA) :]: number for number, name in enumerate(heads) if name.startswith(METADATA)
    }
    return Head(names, fields, metadata, "first_name" in fields and heads[fields["first_name"]] in WHOLE_NAMES)


def _folded(name: str) -> str:
    """How a column is headed, without regard to case, blanks and dashes."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def _first_word(name: Any) -> Any:
    return next(iter(name.split()), name) if isinstance(name, str) else name


def _columns(heads: Sequence[str]) -> dict[str, int]:
    """field -> the column that tells it."""
    found = {field: [heads.index(name) for name in names if name in heads] for field, names in ALIASES.items()}
    return {field: numbers[0] for field, numbers in found.items() if numbers}


def _csv_rows(
    records: Iterator[tuple[int, list[str] | str]], head: Head, zone: tzinfo, now: datetime
) -> Iterator[Told | Fault]:
    for row, cells in records:
        if isinstance(cells, str):
            yield Fault(row, None, cells)
        elif len(cells) != len(head.names):  # a piece of a cell that goes over too many lines is no row
            yield Fault(row, None, f"It has {len(cells)} cells, and there are {len(head.names)} columns.")
        else:
            yield from judged(row, head.told(cells), zone=zone, now=now)


def _records(lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str] | str]]:
    """(line where it begins, its cells, or what is wrong with it) of each record that is not blank.

    A quotation mark that never closes costs its own line alone: what the reader took for the rest of the cell is
    read again.
    """
    waiting: deque[str] = deque()
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while line := waiting.popleft() if waiting else next(lines, ""):
            if len(taken) == MOST_LINES:
                waiting.appendleft(line)
                raise csv.Error("a quotation mark is not closed")
            taken.append(line)
            yield line

    line_number = 1
    reader = csv.reader(feed(), strict=True, delimiter=separator)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            waiting.extendleft(reversed(taken[1:]))
            # one that was at its end has ended for good
            reader = csv.reader(feed(), strict=True, delimiter=separator)
            yield line_number, f"It cannot be read: {error}."
            del taken[1:]
        else:
            if any(cells):
                yield line_number, cells
        line_number += len(taken)
        taken.clear()


def _formed(cell: str) -> str:
    """A cell without the apostrophe before it that keeps spreadsheets from taking it for a formula or a number."""
    rest = cell[1:]
    return rest if cell.startswith("'") and (rest.startswith(RISKY) or rest.isdecimal()) else cell


def _json_rows(lines: Iterable[str], zone: tzinfo, now: datetime) -> Iterator[Told | Fault]:
    for row, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            members = members_of(line)
        except ValueError as error:
            yield Fault(row, None, str(error))
            continue
        names = list(members)
        heads = [_folded(name) for name in names]
        fields = _columns(heads)
        told = {field: members[names[number]] for field, number in fields.items()}
        if "first_name" in fields and heads[fields["first_name"]] in WHOLE_NAMES:
            told["first_name"] = _first_word(told["first_name"])
        if "metadata" in members:
            told["metadata"] = members["metadata"]
        yield from judged(row, told, zone=zone, now=now)


def members_of(line: str) -> dict[str, Any]:
    """The object that a line of JSON is. Raises ValueError, saying what is wrong."""
    if line == UNREADABLE:
        raise ValueError("It is longer than a megabyte.")
    try:
        members = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"It is not JSON: {error}.") from None
    if not isinstance(members, dict):
        raise ValueError("It is not an object.")
    return members
