"""Exports as Parquet, for those who compute: with types, and what the file is of in its metadata (`orchard`).

It needs pyarrow, which comes with the extra `parquet`.
"""

import json
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice
from typing import IO, Any

from sqlalchemy.orm import Session

from service.errors import ReferralError
from service.statistics.exports import exporting
from service.statistics.exports.columns import Kind
from service.statistics.exports.exporting import Export
from service.statistics.exports.values import readers

ROWS_IN_A_GROUP = 20_000


class ParquetMissing(ReferralError):
    """This installation cannot write Parquet."""

    def __init__(self) -> None:
        super().__init__(
            "This installation writes no Parquet. Install the extra: pip install 'orchard-referrals[parquet]'"
        )


def refuse_missing() -> None:
    """Raise ParquetMissing where pyarrow is not installed."""
    if find_spec("pyarrow") is None:
        raise ParquetMissing


def write(
    session: Session, export: Export, file: IO[bytes], *, advance: Callable[[int], object] = lambda _: None
) -> None:
    """Write the file, a group of rows at a time. advance: told how many rows are done. Raises ParquetMissing."""
    refuse_missing()
    import pyarrow
    from pyarrow import parquet

    ending = exporting.ending(session, export)
    decimals = max((export.decimals(currency) for currency, _ in ending.totals), default=2)
    fields = [pyarrow.field(column.name, _type(pyarrow, column.kind, decimals)) for column in export.columns]
    schema = pyarrow.schema(fields, metadata={"orchard": json.dumps(export.facts(ending))})
    read = readers(export.columns, export.raw_names, export.decimals)
    found = exporting.rows(session, export)
    with parquet.ParquetWriter(file, schema) as writer:
        while rows := list(islice(found, ROWS_IN_A_GROUP)):
            arrays = [
                pyarrow.array([reader(row) for row in rows], type=field.type)
                for reader, field in zip(read, fields, strict=True)
            ]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
            advance(len(rows))


def _type(pyarrow: Any, kind: Kind, decimals: int) -> Any:
    """decimals: those of the currency that has most of them, of those that occur."""
    if kind in (Kind.MINOR, Kind.WHOLE):
        return pyarrow.int64()
    if kind is Kind.TIME:
        return pyarrow.timestamp("us", tz="UTC")
    if kind is Kind.DECIMAL:
        return pyarrow.decimal128(38, decimals)
    return pyarrow.string()
