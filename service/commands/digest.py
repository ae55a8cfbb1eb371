"""`orchard digest`: one week, to be sent or pasted."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import click
from babel import Locale

from service.app import create_app
from service.commands.session import Fault, of_merchant, only_merchant, with_settings
from service.dashboard.digest import last_whole_week, week_of
from service.dashboard.pages.digest import tell
from service.database.engine import Database
from service.formats import Formats
from service.languages import KNOWN, SOURCE
from service.merchants import tables as merchants
from service.settings import Settings
from service.web.call import Call
from service.web.wiring import wiring

FOLDER = click.Path(file_okay=False, exists=True, path_type=Path)


@click.command()
@of_merchant
@click.option("--week", "name", help="Such as 2026-W46; the week that ended last, if not given.")
@click.option("--language", type=click.Choice(KNOWN), default=SOURCE, show_default=True)
@click.option("--output", type=FOLDER, default=".", help="The folder to write to; this one, if not given.")
@with_settings
def digest(
    settings: Settings, database: Database, name: str | None, language: str, output: Path, merchant_id: UUID | None
) -> None:
    """Write what a week brought: an HTML file that needs nothing beside it, and the same as plain text."""
    now = datetime.now(UTC)
    with (
        database.reading() as session,
        create_app(settings).test_request_context("/dashboard", headers={"Accept-Language": language}),
    ):
        merchant = merchants.get(session, only_merchant(session, merchant_id))
        today = now.astimezone(ZoneInfo(merchant.time_zone)).date()
        week = last_whole_week(today) if name is None else week_of(name)
        if week is None:
            raise Fault(f"{name} is no week that can be told, such as 2026-W46.")
        if week.last >= today:
            raise Fault(f"{name} is not over: it ends with {week.last}.")
        told = tell(Call(session, merchant.merchant_id, now, wiring()), week, Formats(Locale(language)))
    for suffix, text in (("html", told.html), ("txt", told.text)):
        file = output / f"digest-{week.name}-{merchant.merchant_id}.{suffix}"
        try:
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise Fault(f"{file} cannot be written: {error.strerror}.") from error
        click.echo(file)
