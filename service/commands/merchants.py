"""`orchard merchant` and `orchard key`."""

import json
import sys
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import click
from sqlalchemy.orm import Session

from service.commands.session import as_json, of_merchant, only_merchant, show, with_database
from service.database.engine import Database
from service.merchants import keys, retention
from service.merchants import tables as merchants
from service.merchants.tables import Scope
from service.statistics import rebuilding


@click.group()
def merchant() -> None:
    """Merchants."""


@merchant.command("create")
@click.argument("name")
@click.option("--currency", required=True, help="ISO 4217, such as EUR.")
@click.option(
    "--time-zone", default="UTC", show_default=True, help="Of IANA, such as Europe/Berlin: its days are theirs."
)
@click.option("--slug", help="What the shop is called in addresses; one like its name unless said.")
@as_json
@with_database
def merchant_create(
    database: Database, name: str, currency: str, time_zone: str, slug: str | None, as_json: bool
) -> None:
    """Create a merchant, and print one key for each scope. The keys are shown this once."""

    def create(session: Session) -> tuple[UUID, str, dict[Scope, str]]:
        now = datetime.now(UTC)
        made, its_keys = keys.create_merchant(session, name, currency, now=now, time_zone=time_zone, slug=slug)
        return made.merchant_id, made.slug, its_keys

    merchant_id, its_slug, created = database.write(create)
    if as_json:
        click.echo(json.dumps({"merchant_id": str(merchant_id), "slug": its_slug, "keys": created}, indent=2))
        return
    click.echo(f"merchant_id  {merchant_id}")
    click.echo(f"slug         {its_slug}")
    for scope, key in created.items():
        click.echo(f"{scope:11}  {key}")
    click.echo("Keep the keys safe: they are not shown again.")


@merchant.command("list")
@as_json
@with_database
def merchant_list(database: Database, as_json: bool) -> None:
    """List the merchants."""
    with database.reading() as session:
        rows = [
            {
                "merchant_id": str(row.merchant_id),
                "name": row.name,
                "slug": row.slug,
                "currency": row.currency,
                "time_zone": row.time_zone,
            }
            for row in merchants.merchants(session)
        ]
    show(rows, as_json)


@merchant.command("change")
@click.option("--name", help="What people are told that the shop is called.")
@click.option("--time-zone", help="Of IANA, such as Europe/Berlin: its days are theirs, in all numbers, past ones too.")
@click.option("--slug", help="What the shop is called in addresses; those with the old one go on leading.")
@click.option("--keep-visits", type=int, help="For how many days visits are kept.")
@click.option("--keep-events", type=int, help="For how many days events are kept.")
@click.option("--keep-answers", type=int, help="For how many days answers under an Idempotency-Key are repeated.")
@click.option(
    "--remember-erased/--forget-erased",
    "remembers_erased",
    default=None,
    help="Whether who was erased and comes back is no new customer, known by a digest alone.",
)
@of_merchant
@with_database
def merchant_change(
    database: Database,
    name: str | None,
    time_zone: str | None,
    slug: str | None,
    keep_visits: int | None,
    keep_events: int | None,
    keep_answers: int | None,
    remembers_erased: bool | None,
    merchant_id: UUID | None,
) -> None:
    """Change a merchant's name, slug or time zone, and how long what is kept. All numbers are made anew for another
    zone, before anybody sees it.
    """
    with database.reading() as session:
        one = only_merchant(session, merchant_id)
        length = rebuilding.size(session, one)
    change = partial(keys.change_merchant, merchant_id=one, name=name, slug=slug, remembers_erased=remembers_erased)
    database.write(change)
    days = {"visits": keep_visits, "events": keep_events, "answers": keep_answers}
    if any(many is not None for many in days.values()):
        database.write(partial(retention.choose, merchant_id=one, days=days))
    if time_zone is not None:
        with click.progressbar(length=length, label="Counting anew", file=sys.stderr) as bar:
            count = partial(rebuilding.change_time_zone, merchant_id=one, time_zone=time_zone, progress=bar.update)
            database.write(count)
    click.echo("Changed.")


@click.group()
def key() -> None:
    """API keys."""


@key.command("create")
@click.option("--scope", type=click.Choice(keys.SCOPES), required=True)
@of_merchant
@as_json
@with_database
def key_create(database: Database, scope: Scope, merchant_id: UUID | None, as_json: bool) -> None:
    """Create a key and print it, this once. To rotate a key, create a new one and revoke the old one."""

    def create(session: Session) -> tuple[UUID, str]:
        row, created = keys.create(session, only_merchant(session, merchant_id), scope, now=datetime.now(UTC))
        return row.key_id, created

    key_id, created = database.write(create)
    if as_json:
        click.echo(json.dumps({"key_id": str(key_id), "scope": scope, "key": created}, indent=2))
    else:
        click.echo(created)


@key.command("list")
@of_merchant
@as_json
@with_database
def key_list(database: Database, merchant_id: UUID | None, as_json: bool) -> None:
    """List the keys of a merchant. The keys themselves are not kept, only enough to tell them apart."""
    with database.reading() as session:
        rows = [
            {
                "key_id": str(row.key_id),
                "scope": row.scope,
                "hint": row.hint,
                "created_at": row.created_at.isoformat(),
                "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
            }
            for row in merchants.keys(session, only_merchant(session, merchant_id))
        ]
    show(rows, as_json)


@key.command("revoke")
@click.argument("key_id", type=click.UUID)
@of_merchant
@with_database
def key_revoke(database: Database, key_id: UUID, merchant_id: UUID | None) -> None:
    """Revoke a key, from this moment on."""
    now = datetime.now(UTC)
    database.write(lambda session: keys.revoke(session, only_merchant(session, merchant_id), key_id, now=now))
    click.echo("Revoked.")
