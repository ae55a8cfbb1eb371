"""What is asked of an export, over HTTP or on the command line: checked in this one place."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from uuid import UUID

from sqlalchemy.orm import Session

from service.errors import BadValues
from service.programs import programs
from service.statistics.exports import exporting
from service.statistics.exports.columns import DATASETS, OF_PROGRAMS, Column, chosen
from service.statistics.exports.exporting import Export
from service.values import LONGEST_NAME


@dataclass(frozen=True, slots=True)
class Asked:
    """Which days, of which program, and which columns, with commas between them; None for all. Raises BadValues."""

    since: date | None
    until: date | None
    program_id: UUID | None
    columns: str | None

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.until < self.since:
            raise BadValues({"to": "It is before `from`."})

    def columns_of(self, dataset: str) -> tuple[Column, ...]:
        """The columns that are meant. Raises BadValues for what is none, or twice."""
        names = None if self.columns is None else self.columns.split(",")
        known = [column.name for column in DATASETS[dataset]]
        for name in names or []:
            if name not in known:
                raise BadValues({"columns": f"{name[:LONGEST_NAME]} is no column of {dataset}: {', '.join(known)}."})
        if names is not None and len(set(names)) < len(names):
            raise BadValues({"columns": "A column stands twice."})
        return chosen(dataset, names)

    def prepared(self, session: Session, merchant_id: UUID, dataset: str, zone: tzinfo, *, now: datetime) -> Export:
        """The export that is asked for. zone: of the days. Raises Unknown for another merchant's program, BadValues."""
        if self.program_id is not None and dataset not in OF_PROGRAMS:
            raise BadValues({"program_id": f"{dataset} belong to no program: leave it out."})
        if self.program_id is not None:
            programs.get(session, merchant_id, self.program_id)
        columns, days = self.columns_of(dataset), (self.since, self.until)
        return exporting.prepare(session, merchant_id, dataset, columns, days, zone, self.program_id, now=now)
