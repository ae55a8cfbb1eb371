"""`orchard customers`: who was a customer before Orchard."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from service.commands.session import Fault, of_merchant, only_merchant, with_database
from service.customers import importing
from service.customers.files import lines_of, read
from service.database.engine import Database
from service.merchants import tables as merchants

FORMS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
SHOWN = 20


@click.group()
def customers() -> None:
    """Customers: import those of before."""


@customers.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), help="By the file's ending, if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a sentence.")
@of_merchant
@with_database
def import_customers(database: Database, file: Path, form: str | None, as_json: bool, merchant_id: UUID | None) -> None:
    """Make known who was a customer before. Running it again changes nothing. See docs/people.md for the columns.

    Exits 1 if rows were refused, naming the first by their lines.
    """
    form = form or FORMS.get(file.suffix.lower())
    if form is None:
        raise Fault(f"Name the format of {file.name} with --format.")
    with database.reading() as session:
        merchant_id = only_merchant(session, merchant_id)
        zone, now = ZoneInfo(merchants.get(session, merchant_id).time_zone), datetime.now(UTC)
    with (
        file.open("rb") as source,
        click.progressbar(length=file.stat().st_size, label="Importing", file=sys.stderr) as bar,
    ):
        reading = read(form, lines_of(source.read), zone=zone, now=now)
        tally = importing.take_over(
            database, merchant_id, reading.rows, now=now, advance=lambda: bar.update(source.tell() - bar.pos)
        )
    if as_json:
        click.echo(json.dumps({**tally.document, "ignored_columns": reading.ignored}, ensure_ascii=False))
    else:
        for fault in tally.faults[:SHOWN]:
            click.echo(f"line {fault.row}: {f'{fault.field}: ' if fault.field else ''}{fault.message}", err=True)
        if tally.refused > SHOWN:
            click.echo(f"{tally.refused} rows were refused in all.", err=True)
        click.echo(f"{tally.created} created, {tally.changed} changed, {tally.unchanged} known already.")
    if tally.refused:
        sys.exit(1)
