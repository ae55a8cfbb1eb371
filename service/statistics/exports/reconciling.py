"""An exported CSV against the books: that it is whole and unchanged, and that its sums are those of the books."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from service.errors import ReferralError
from service.events.tables import Event
from service.ledger.books import parse_account
from service.merchants import tables as merchants
from service.rewards import references
from service.statistics.exports import exporting
from service.statistics.exports.columns import DATASETS, Column, chosen
from service.statistics.exports.exporting import Export
from service.statistics.exports.text import END
from service.statistics.exports.values import csv_text, readers

KEYS = {"rewards": ("reward_id",), "redemptions": ("redemption_id",), "ledger": ("transaction_id", "line")}
"""What can be reconciled, and what names a row of it."""

NEEDED = {
    "rewards": ("conversion_id", "net_amount"),
    "redemptions": ("amount", "captured_amount", "returned_amount"),
    "ledger": ("reference", "debit", "credit", "amount"),
}
"""Columns without which nothing can be compared."""

SUBJECTS = {"rewards": "conversion_id", "redemptions": "redemption_id"}
"""Which column says what the events of a row are about. Of a posting, its reference does."""

SEEN = re.compile(r"[0-9]{1,18} ?([0-9a-f]{32} ?)*")
Cells = dict[str, str]


class NotAnExport(ReferralError):
    """The file is none that can be reconciled: cut off, of another kind, or no CSV."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says: its columns, its rows by their keys, and what its last line says of it."""

    columns: tuple[Column, ...]
    rows: Mapping[tuple[str, ...], Cells]
    facts: Mapping[str, str]

    @property
    def dataset(self) -> str:
        """What the file is of."""
        return self.facts["dataset"]

    @property
    def as_of(self) -> datetime:
        """When the file was made."""
        return datetime.fromisoformat(self.facts["as_of"])


@dataclass(slots=True)
class Finding:
    """What differs. problems: in words, each with its row. later: rows that changed since the file was made."""

    rows: int
    problems: list[str] = field(default_factory=list)
    later: int = 0


def read(path: str) -> Told:
    """What a file says. Raises NotAnExport."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise NotAnExport(f"{path} is no CSV of ours: {error}.") from error
    if len(lines) < 2 or not lines[-1] or not lines[-1][0].startswith(END):
        raise NotAnExport(f"{path} does not end in a line that begins with `{END}`: it was cut off, or is no export.")
    names, *rows = lines[:-1]
    facts = _facts(lines[-1][0].removeprefix(END))
    if facts.get("dataset") not in KEYS:
        raise NotAnExport(f"Only {', '.join(KEYS)} stand in the books; this is of {facts.get('dataset', 'nothing')}.")
    if {"merchant_id", "as_of", "rows", "time_zone"} - set(facts) or not SEEN.fullmatch(facts.get("seen", "")):
        raise NotAnExport(f"The last line of {path} does not say what it is of.")
    return Told(_columns(facts["dataset"], names), _by_key(facts["dataset"], names, rows), facts)


def _facts(text: str) -> dict[str, str]:
    """What the last line says, all of it as text."""
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise NotAnExport(f"The last line of the file was changed: {error}.") from error
    return {name: str(value) for name, value in facts.items()} if isinstance(facts, dict) else {}


def _columns(dataset: str, names: Sequence[str]) -> tuple[Column, ...]:
    needed = {*KEYS[dataset], "currency", *NEEDED[dataset]}
    if missing := needed - set(names):
        raise NotAnExport(f"The file lacks columns without which no row can be found: {', '.join(sorted(missing))}.")
    if strange := set(names) - {column.name for column in DATASETS[dataset]}:
        raise NotAnExport(f"{', '.join(sorted(strange))}: no column of {dataset} has that name.")
    return chosen(dataset, names)


def _by_key(dataset: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[tuple[str, ...], Cells]:
    found: dict[tuple[str, ...], Cells] = {}
    for number, row in enumerate(rows, 2):
        if len(row) != len(names):
            raise NotAnExport(f"Row {number} has {len(row)} cells where there are {len(names)} columns.")
        cells = dict(zip(names, row, strict=True))
        key = tuple(cells[name] for name in KEYS[dataset])
        if key in found:
            raise NotAnExport(f"Row {number} is there twice: {' '.join(key)}.")
        found[key] = cells
    return found


def reconcile(session: Session, told: Told) -> Finding:
    """What differs between a file and the books, within one snapshot. Raises NotAnExport for another merchant's."""
    export = _asked_again(session, told)
    finding = Finding(len(told.rows))
    _own_sums(told, export, finding)
    changed = _changed_later(session, told)
    left = dict(told.rows)
    for cells in _cells(session, export):
        key = tuple(cells[name] for name in KEYS[told.dataset])
        in_file = left.pop(key, None)
        if in_file == cells:
            continue
        is_posting = in_file is not None and told.dataset == "ledger"  # which never changes
        if _subject(told.dataset, cells) in changed and not is_posting:
            finding.later += 1
        elif in_file is None:
            finding.problems.append(f"{' '.join(key)} was left out.")
        else:
            differing = [name for name, value in cells.items() if in_file[name] != value]
            said = ", ".join(f"{name} is {in_file[name] or 'empty'} for {cells[name] or 'empty'}" for name in differing)
            finding.problems.append(f"{' '.join(key)} was changed: {said}.")
    finding.problems += [f"{' '.join(key)} was added: there is no such row." for key in left]
    return finding


def _subject(dataset: str, cells: Cells) -> str:
    """What the events of a row are about."""
    if dataset == "ledger":
        return str(references.subject_of(cells["reference"]).subject_id)
    return cells[SUBJECTS[dataset]]


def _asked_again(session: Session, told: Told) -> Export:
    facts = told.facts
    try:
        merchant_id = UUID(facts["merchant_id"])
        program_id = UUID(facts["program_id"]) if "program_id" in facts else None
        days = tuple(date.fromisoformat(facts[name]) if name in facts else None for name in ("from", "to"))
        now, zone = told.as_of, ZoneInfo(facts["time_zone"])
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise NotAnExport(f"The last line of the file was changed: {error}.") from error
    if merchant_id not in {merchant.merchant_id for merchant in merchants.merchants(session)}:
        raise NotAnExport(f"The file is of merchant {merchant_id}, who is not in this database.")
    return exporting.prepare(
        session, merchant_id, told.dataset, told.columns, (days[0], days[1]), zone, program_id, now=now
    )


def _own_sums(told: Told, export: Export, finding: Finding) -> None:
    """Whether the rows add up to what the last line says."""
    if str(len(told.rows)) != told.facts["rows"]:
        finding.problems.append(f"The file says that it has {told.facts['rows']} rows, and has {len(told.rows)}.")
    sums: dict[str, int] = {}
    for cells in told.rows.values():
        for name in export.money:
            key = f"{cells['currency']}.{name}"
            sums[key] = sums.get(key, 0) + _whole(cells[name])
    for (currency, name), total in _own_books(told).items():
        sums[f"{currency}.books.{name}"] = total
    for key in sorted({*sums, *(name for name in told.facts if "." in name)}):
        if str(sums.get(key, 0)) != told.facts.get(key, "0"):
            finding.problems.append(
                f"{key} adds up to {sums.get(key, 0)}, and the last line says {told.facts.get(key)}."
            )


def _own_books(told: Told) -> dict[tuple[str, str], int]:
    """(currency, account) -> debits less credits, as the file's own rows have it."""
    found: dict[tuple[str, str], int] = {}
    is_of_all = not {"from", "to", "program_id"} & set(told.facts)
    for cells in told.rows.values():
        currency = cells["currency"]
        if told.dataset == "ledger":
            for sign, side in ((1, "debit"), (-1, "credit")):
                key = currency, _kind(cells[side])
                found[key] = found.get(key, 0) + sign * _whole(cells["amount"])
        elif told.dataset == "rewards" and is_of_all:
            key = currency, exporting.REWARD_COST
            found[key] = found.get(key, 0) + _whole(cells["net_amount"])
    return found


def _kind(account: str) -> str:
    """The kind of an account; what is none stays as it is, and differs from what it should be."""
    try:
        return str(parse_account(account).kind)
    except ValueError:
        return account


def _whole(cell: str) -> int:
    """The amount in a cell; 0 for what is none, which differs from what it should be."""
    return int(cell) if cell.removeprefix("-").isdecimal() and cell.isascii() else 0


def _changed_later(session: Session, told: Told) -> set[str]:
    """What something happened to that was not there yet when the file was made, whenever it had begun."""
    position, _, waiting = told.facts["seen"].partition(" ")
    merchant_id, seen = UUID(told.facts["merchant_id"]), set(waiting.split())
    behind = or_(Event.position > int(position), Event.position.is_(None))
    query = select(Event.event_id, Event.subject_id).where(Event.merchant_id == merchant_id, behind)
    return {str(subject) for event_id, subject in session.execute(query) if event_id.hex not in seen}


def _cells(session: Session, export: Export) -> Iterator[Cells]:
    """The rows as they are now, as a CSV has them."""
    read_all: Sequence[Any] = readers(export.columns, export.raw_names, export.decimals)
    for row in exporting.rows(session, export):
        yield {
            column.name: csv_text(column.kind, read_one(row))
            for column, read_one in zip(export.columns, read_all, strict=True)
        }
