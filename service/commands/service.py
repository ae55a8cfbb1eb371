"""The commands that run the service: its database, its processes, its contract."""

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import structlog
from gunicorn.app import wsgiapp

from service import settings as environment
from service import telemetry
from service import worker as upkeep
from service.commands.session import Fault, with_any_database, with_database, with_settings
from service.database.engine import Database
from service.database.release import HEAD, NotEnded
from service.links.upkeep import prepare_partitions
from service.migrations import schema
from service.migrations.distribution import NoCitus
from service.migrations.schema import LostRows, TableHeld
from service.settings import BadSettings, Settings


@click.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@with_any_database
def db_upgrade(database: Database) -> None:
    """Migrate the database named by ORCHARD_DATABASE_URL."""
    try:
        schema.upgrade(database, tell=partial(click.echo, err=True))
    except (LostRows, NotEnded, TableHeld) as error:
        raise Fault(str(error)) from error
    prepare_partitions(database, now=datetime.now(UTC))
    state = schema.state(database)
    click.echo(f"The database is at version {state.version if state else HEAD}.")


@db.command("current")
@with_any_database
def db_current(database: Database) -> None:
    """Say at which version the database is, and whether this release works with it; exits 1 if it does not."""
    state = schema.read_state(database)
    if state.fault:
        raise Fault(state.fault)
    click.echo(f"The database is at version {state.version}, and this release ({HEAD}) works with it.")


@db.command("distribute")
@with_database
def db_distribute(database: Database) -> None:
    """Spread the tables over the machines of a Citus by their merchants; what is spread already stays as it is."""
    if fault := schema.read_state(database).fault:
        raise Fault(fault)
    try:
        spread = schema.distribute(database)
    except (NoCitus, NotEnded, TableHeld) as error:
        raise Fault(str(error)) from error
    click.echo(f"{len(spread)} tables were spread." if spread else "All tables are spread already.")


def _bind(_context: click.Context, _parameter: click.Parameter, bind: str) -> str:
    """Refuse what nobody can listen on before anything is said to be served."""
    host, _, port = bind.rpartition(":")
    is_port = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
    if not bind.startswith("unix:") and not (host and is_port):
        raise click.BadParameter("It must be HOST:PORT, or unix:PATH.")
    return bind


@click.command()
@click.option("--bind", default="127.0.0.1:8000", show_default=True, metavar="HOST:PORT", callback=_bind)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; one more than there are processors if not given."
)
def serve(bind: str, workers: int | None) -> None:
    """Serve the API and the pages with gunicorn."""
    try:
        settings = environment.load()
    except BadSettings as error:
        raise Fault(str(error)) from error
    serve_with_gunicorn(settings, bind=bind, workers=workers)


def serve_with_gunicorn(settings: Settings, *, bind: str, workers: int | None = None) -> None:
    """Say in one line what is served, and become gunicorn."""
    telemetry.configure(settings.log_format)
    database = Database(settings.database_url, is_fenced=False)
    state = schema.state(database)
    if state is not None and state.is_later:
        raise Fault(f"The database is not for this release. {state.fault}")
    structlog.get_logger("orchard.serve").info(
        "serving",
        mode=settings.environment,
        database=database.name,
        database_version=state.version if state else None,
        base_url=settings.base_url,
        bind=bind,
    )
    database.dispose()
    sys.stderr.flush()
    script = str(Path(sys.executable).with_name("gunicorn"))
    command = [script, "--config", "python:service.gunicorn_conf", "--bind", bind]
    if workers:
        command += ["--workers", str(workers)]
    sys.argv = [*command, "service.wsgi:app"]  # what gunicorn reads, also when it starts itself anew
    wsgiapp.run(prog="gunicorn")


@click.command()
@click.option("--once", is_flag=True, help="Do what is due and stop, for cron.")
@click.option("--every", type=click.IntRange(1, 3600), default=10, show_default=True, help="Seconds between rounds.")
@with_settings
def worker(settings: Settings, database: Database, once: bool, every: int) -> None:
    """Book what time does, and seal the books: rewards ripen and lapse, forgotten reservations are given back."""
    telemetry.configure(settings.log_format)
    if once:
        click.echo(f"{upkeep.whole_round(database)} customers brought up to date.")
    else:
        upkeep.rounds(database, every_seconds=every)


@click.command()
def openapi() -> None:
    """Print the OpenAPI document of this release."""
    from service.app import create_app

    settings = Settings("sqlite://", ("-" * 32,), "http://localhost:8000", "production", "json", 0)
    app = create_app(settings)
    click.echo(app.extensions["orchard-openapi"](), nl=False)
