"""`orchard customers` and `orchard migrate`: who was a customer before Orchard, and what they bring along."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from service.commands.session import Fault, of_merchant, only_merchant, with_database
from service.customers import importing, rows
from service.customers.files import lines_of, read
from service.database.engine import Database
from service.merchants import tables as merchants
from service.people import belongings, migrating

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
        _say_faults(tally.faults, tally.refused)
        click.echo(f"{tally.created} created, {tally.changed} changed, {tally.unchanged} known already.")
    if tally.refused:
        sys.exit(1)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@of_merchant
@click.option("--program", "program_id", type=click.UUID, required=True, help="Whose the codes and referrals will be.")
@with_database
def migrate(database: Database, file: Path, merchant_id: UUID | None, program_id: UUID) -> None:
    """Move in from another system: customers with their codes, who brought them, and balances. See docs/migrating.md.

    Running it again changes nothing. Exits 1 if lines were refused, naming the first.
    """
    with database.reading() as session:
        merchant_id = only_merchant(session, merchant_id)
        zone, now = ZoneInfo(merchants.get(session, merchant_id).time_zone), datetime.now(UTC)
    with (
        file.open("rb") as source,
        click.progressbar(length=file.stat().st_size, label="Moving in", file=sys.stderr) as bar,
    ):
        lines = belongings.read(lines_of(source.read), zone=zone, now=now)
        tally = migrating.migrate(
            database, merchant_id, program_id, lines, now=now, advance=lambda: bar.update(source.tell() - bar.pos)
        )
    _say_faults(tally.faults, len(tally.faults))
    click.echo(f"{tally.moved} customers moved in, {tally.known} known already.")
    if tally.faults:
        sys.exit(1)


def _say_faults(faults: Sequence[rows.Fault], refused: int) -> None:
    for fault in faults[:SHOWN]:
        click.echo(f"line {fault.row}: {f'{fault.field}: ' if fault.field else ''}{fault.message}", err=True)
    if refused > SHOWN:
        click.echo(f"{refused} were refused in all.", err=True)
