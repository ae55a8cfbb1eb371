"""`orchard replay`: a file of orders through the same use case as the API."""

import sys
from uuid import UUID
from zoneinfo import ZoneInfo

import click

from service.commands.session import Fault, of_merchant, only_merchant, with_settings
from service.conversions import replay as replaying
from service.database.engine import Database
from service.merchants import tables as merchants
from service.settings import Settings
from service.tokens import TokenSigner


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@of_merchant
@click.option("--program", "program_id", type=click.UUID, help="For rows with friend_of.")
@click.option("--currency", help="For files without a currency column; the merchant's if not given.")
@with_settings
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
        merchant = merchants.get(session, merchant_id)
    signer = TokenSigner(settings.secret_keys)
    source = replaying.Source(merchant_id, program_id, currency or merchant.currency, ZoneInfo(merchant.time_zone))
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
