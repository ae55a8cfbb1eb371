"""`orchard demo`: something to try the service with."""

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime

import click

from service.commands.service import serve_with_gunicorn
from service.commands.session import Fault, with_settings
from service.database.engine import Database
from service.demo.preparation import prepare
from service.migrations import schema
from service.settings import Settings
from service.worker import round_of_upkeep


@click.command()
@click.option("--serve", "port", type=click.IntRange(1, 65535), metavar="PORT", help="Serve it, on this port.")
@with_settings
def demo(settings: Settings, database: Database, port: int | None) -> None:
    """Prepare a demo merchant and program, and print what to click and what to paste."""
    if settings.is_production:
        raise Fault("The demo is not for production.")
    if port is not None:
        _refuse_taken(port)
        settings = replace(settings, base_url=f"http://localhost:{port}")
    schema.upgrade(database)
    click.echo(prepare(database, settings, catch_up=round_of_upkeep, now=datetime.now(UTC)))
    if port is not None:
        database.dispose()
        os.environ["ORCHARD_BASE_URL"] = settings.base_url
        serve_with_gunicorn(settings, bind=f"127.0.0.1:{port}")


def _refuse_taken(port: int) -> None:
    """Raise Fault where another program listens, before anything says that the demo is ready."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            raise Fault(f"Port {port} is taken. Another one: make run PORT={port + 1}") from error
