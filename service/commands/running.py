"""The commands that run the service or feed it."""

import os
import sys
import time
from datetime import UTC, datetime
from uuid import UUID

import click

from service import settings as environment
from service import telemetry
from service import worker as upkeep
from service.commands.session import Fault, of_merchant, only_merchant, with_database
from service.conversions import replay as replaying
from service.database.engine import Database
from service.demo.preparation import prepare
from service.links.upkeep import prepare_partitions
from service.merchants import tables as merchants
from service.migrations import schema
from service.settings import BadSettings, Settings
from service.tokens import TokenSigner


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@with_database
def db_upgrade(settings: Settings, database: Database) -> None:
    """Migrate the database named by ORCHARD_DATABASE_URL."""
    schema.upgrade(database)
    prepare_partitions(database, now=datetime.now(UTC))
    click.echo(f"The database is at version {schema.HEAD}.")


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; one more than there are cores if not given.")
def serve(bind: str, workers: int | None) -> None:
    """Serve the API and the pages with gunicorn."""
    try:
        environment.load()
    except BadSettings as error:
        raise Fault(str(error)) from error
    command = [sys.executable, "-m", "gunicorn", "--config", "python:service.gunicorn_conf", "--bind", bind]
    if workers:
        command += ["--workers", str(workers)]
    os.execv(sys.executable, [*command, "service.wsgi:app"])


@click.command()
@click.option("--once", is_flag=True, help="Do what is due and stop, for cron.")
@click.option("--every", type=click.IntRange(1, 3600), default=10, show_default=True, help="Seconds between rounds.")
@with_database
def worker(settings: Settings, database: Database, once: bool, every: int) -> None:
    """Book what time does, and seal the books: rewards ripen and lapse, forgotten reservations are given back."""
    telemetry.configure(settings.log_format)
    while True:
        done = upkeep.round_of_upkeep(database, now=datetime.now(UTC))
        if done or once:
            click.echo(f"{done} customers brought up to date.")
        if once:
            return
        time.sleep(every)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@of_merchant
@click.option("--program", "program_id", type=click.UUID, help="For rows with friend_of.")
@click.option("--currency", help="For files without a currency column; the merchant's if not given.")
@with_database
def replay(
    settings: Settings,
    database: Database,
    file: str,
    merchant_id: UUID | None,
    program_id: UUID | None,
    currency: str | None,
) -> None:
    """Feed a file of orders through the same use case as the API. See docs/replay.md for its columns.

    Running it again changes nothing. Exits 1 if rows were refused, naming each by its line.
    """
    with database.reading() as session:
        merchant_id = only_merchant(session, merchant_id)
        currency = currency or merchants.get(session, merchant_id).currency
    signer = TokenSigner(settings.secret_keys)
    source = replaying.Source(merchant_id, program_id, currency)
    try:
        rows = replaying.count(file)
        with click.progressbar(length=rows, label="Replaying", file=sys.stderr) as bar:
            tally = replaying.replay(database, signer, file, source, advance=bar.update)
    except replaying.BadFile as error:
        raise Fault(str(error)) from error
    for line, fault in tally.faults[:20]:
        click.echo(f"line {line}: {fault}", err=True)
    if len(tally.faults) > 20:
        click.echo(f"... and {len(tally.faults) - 20} more", err=True)
    counted = ", ".join(f"{number} {status}" for status, number in sorted(tally.statuses.items()))
    click.echo(f"{tally.new} orders recorded, {tally.known} known already ({counted or 'none'}).")
    if tally.faults:
        sys.exit(1)


@click.command()
@with_database
def demo(settings: Settings, database: Database) -> None:
    """Prepare a demo merchant and program, and print what to click and what to paste."""
    if settings.is_production:
        raise Fault("The demo is not for production.")
    schema.upgrade(database)
    click.echo(prepare(database, settings, now=datetime.now(UTC)))


@click.command()
def openapi() -> None:
    """Print the OpenAPI document of this release."""
    from service.app import create_app

    settings = Settings("sqlite://", ("-" * 32,), "http://localhost:8000", "production", "json", 0)
    app = create_app(settings)
    click.echo(app.extensions["orchard-openapi"](), nl=False)
