"""`orchard export` and `orchard ledger reconcile`: rows as files, and files against the books."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from sqlalchemy.orm import Session

from service.commands.session import Fault, of_merchant, only_merchant, with_database
from service.database.engine import Database
from service.merchants import tables as merchants
from service.statistics.exports import exporting, parquet, reconciling, workbooks
from service.statistics.exports.columns import DATASETS
from service.statistics.exports.exporting import Export
from service.statistics.exports.requests import Asked
from service.statistics.exports.text import csv_pieces, json_pieces

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("dataset", type=click.Choice(list(DATASETS)))
@click.option("--format", "form", type=click.Choice(["csv", "jsonl", "xlsx", "parquet"]), required=True)
@click.option("--output", type=click.Path(dir_okay=False), help="Where to; the standard output if not given.")
@click.option("--from", "since", type=DAY, help="A day of the merchant's.")
@click.option("--to", "until", type=DAY, help="A day of the merchant's, exclusive.")
@click.option("--program", "program_id", type=click.UUID, help="One program alone.")
@click.option("--columns", help="Which ones, with commas between them; all if not given.")
@click.option("--bom", is_flag=True, help="Begin a CSV with a byte order mark, for Excel.")
@of_merchant
@with_database
def export(
    database: Database,
    dataset: str,
    form: str,
    output: str | None,
    since: datetime | None,
    until: datetime | None,
    program_id: UUID | None,
    columns: str | None,
    bom: bool,
    merchant_id: UUID | None,
) -> None:
    """Write rows of a DATASET to a file. A run that is stopped leaves nothing behind. See docs/exports.md."""
    asked = Asked(_day(since), _day(until), program_id, columns)
    with database.reading() as session:
        merchant = only_merchant(session, merchant_id)
        zone = ZoneInfo(merchants.get(session, merchant).time_zone)
        prepared = asked.prepared(session, merchant, dataset, zone, now=datetime.now(UTC))
        rows = exporting.ending(session, prepared).rows
        with (
            _file(output) as file,
            click.progressbar(length=rows, label=f"Exporting {dataset}", file=sys.stderr) as bar,
        ):
            _write(session, prepared, form, file, bom=bom, advance=bar.update)


@click.command("reconcile")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@with_database
def reconcile(database: Database, file: str) -> None:
    """Prove that an exported CSV of rewards, redemptions or ledger is what the books say.

    Exits 1 and names each row that was changed, added or left out.
    """
    told = reconciling.read(file)
    with database.reading() as session:
        finding = reconciling.reconcile(session, told)
    later = f" {finding.later} changed since, or came later." if finding.later else ""
    if not finding.problems:
        click.echo(f"{finding.rows} rows of {told.dataset} are as the books have them.{later}")
        return
    for problem in finding.problems:
        click.echo(problem)
    sys.exit(1)


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _write(
    session: Session, prepared: Export, form: str, file: IO[bytes], *, bom: bool, advance: Callable[[int], object]
) -> None:
    if form in ("xlsx", "parquet"):
        (workbooks.write if form == "xlsx" else parquet.write)(session, prepared, file, advance=advance)
        return
    pieces = csv_pieces(session, prepared, bom=bom) if form == "csv" else json_pieces(session, prepared)
    for piece in pieces:
        file.write(piece)
        advance(piece.count(b"\n"))


@contextlib.contextmanager
def _file(output: str | None) -> Iterator[IO[bytes]]:
    """The file, which has its name once it is whole; or the standard output."""
    if output is None:
        with tempfile.TemporaryFile() as whole:
            yield whole
            for piece in workbooks.pieces(whole, size=1_000_000):
                sys.stdout.buffer.write(piece)
        return
    target = Path(output)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        file = draft.open("xb")
    except OSError as error:
        raise Fault(f"{output} cannot be written: {error.strerror}.") from error
    try:
        with file:
            yield file
        draft.replace(target)
    except BaseException:
        draft.unlink()
        raise
