"""Entries and totals as they are stored: read, replaced, added to."""

from collections.abc import Collection, Sequence
from dataclasses import fields
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from service.database.among import among
from service.database.writing import insert_many
from service.statistics.entries import Cohort, Counts, Entry, Presence, Whose
from service.statistics.tables import TOTALS, EntryRow
from service.statistics.tallies import KEYS, MEASURES, Rollup, Tallies

COUNTS = tuple(field.name for field in fields(Counts))
_WHOSE = tuple(field.name for field in fields(Whose))
_ENTRIES = EntryRow.metadata.tables[EntryRow.__tablename__]
_BEFORE = tuple(field.name for field in fields(Presence))


def entries_of(session: Session, merchant_id: UUID, subject_ids: Collection[UUID]) -> list[Entry]:
    """What is kept of these orders, redemptions, adjustments and links."""
    e = EntryRow.__table__.c
    query = select(EntryRow.__table__).where(e.merchant_id == merchant_id, among(session, e.subject_id, subject_ids))
    return [entry_of(row) for row in session.execute(query)]


def entry_of(row: Any) -> Entry:
    """An entry from its row."""
    before = {} if row.presence is None else row.presence
    days = {name: None if day is None else date.fromisoformat(day) for name, day in before.get("before", {}).items()}
    presence = Presence(**days) if days else None
    return Entry(
        whose=Whose(**{name: getattr(row, name) for name in _WHOSE}),
        day=row.day,
        counts=Counts(**{name: getattr(row, name) for name in COUNTS}),
        reasons=tuple(row.reasons),
        buyer=presence if before.get("role") == "buyer" else None,
        advocate=presence if before.get("role") == "advocate" else None,
        cohort=None if row.cohort is None else Cohort(row.cohort, bool(row.is_referred)),
    )


def replace(session: Session, merchant_id: UUID, before: Sequence[Entry], after: Sequence[Entry]) -> None:
    """Keep these entries in place of those."""
    if before:
        subjects = [entry.whose.subject_id for entry in before]
        gone = delete(EntryRow).where(
            EntryRow.merchant_id == merchant_id, among(session, EntryRow.subject_id, subjects)
        )
        session.execute(gone, execution_options={"synchronize_session": False})
    insert_many(session, _ENTRIES, [_row(merchant_id, entry) for entry in after])


def _row(merchant_id: UUID, entry: Entry) -> dict[str, Any]:
    cohort = entry.cohort
    return {
        "merchant_id": merchant_id,
        **{name: getattr(entry.whose, name) for name in _WHOSE},
        "day": entry.day,
        **{name: getattr(entry.counts, name) for name in COUNTS},
        "reasons": list(entry.reasons),
        "presence": _presence(entry),
        "cohort": cohort.month if cohort else None,
        "is_referred": cohort.is_referred if cohort else None,
    }


def _presence(entry: Entry) -> dict[str, Any] | None:
    for role, presence in (("buyer", entry.buyer), ("advocate", entry.advocate)):
        if presence is not None:
            days = {name: getattr(presence, name) for name in _BEFORE}
            return {"role": role, "before": {name: day and day.isoformat() for name, day in days.items()}}
    return None


@cache
def _addition(rollup: Rollup) -> str:
    """What becomes of a row that is there already."""
    keys = ", ".join(["merchant_id", *KEYS[rollup]])
    added = ", ".join(f"{name} = {rollup}.{name} + excluded.{name}" for name in MEASURES[rollup])
    return f"ON CONFLICT ({keys}) DO UPDATE SET {added}"


def add(session: Session, merchant_id: UUID, tallies: Tallies) -> None:
    """Add to the totals."""
    rows: dict[Rollup, list[dict[str, Any]]] = {}
    for (rollup, key), values in tallies.items():
        named = zip((*KEYS[rollup], *MEASURES[rollup]), (*key, *values), strict=True)
        rows.setdefault(rollup, []).append({"merchant_id": merchant_id, **dict(named)})
    for rollup, changed in rows.items():
        insert_many(session, TOTALS[rollup], changed, _addition(rollup))


def drop_nobodys(session: Session, merchant_id: UUID, tallies: Tallies) -> None:
    """Let go of the totals of advocates of whom nothing is left: who was erased is called otherwise since."""
    fallen = [key for (rollup, key), values in tallies.items() if rollup is Rollup.ADVOCATES and min(values) < 0]
    if not fallen:
        return
    a, keys = TOTALS[Rollup.ADVOCATES], KEYS[Rollup.ADVOCATES]
    is_one = (a.c[name] == bindparam(f"the_{name}") for name in keys)
    is_empty = (a.c[name] == 0 for name in MEASURES[Rollup.ADVOCATES])
    gone = delete(a).where(a.c.merchant_id == merchant_id, *is_one, *is_empty)
    session.execute(gone, [{f"the_{name}": value for name, value in zip(keys, key, strict=True)} for key in fallen])
