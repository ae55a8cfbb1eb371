"""The `orchard` command line."""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import click
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service import ledger as books
from service import replay as replaying
from service import settings as environment
from service import work
from service.demo import prepare
from service.referrals import audit, keys
from service.referrals.errors import ReferralError
from service.referrals.signing import TokenSigner
from service.settings import BadSettings, Settings
from service.storage import merchants, schema
from service.storage.database import Database

Command = TypeVar("Command", bound=Callable[..., Any])
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
of_merchant = click.option(
    "--merchant", "merchant_id", type=click.UUID, help="Which merchant; needed only where there are several."
)


class Fault(click.ClickException):
    """Something that the user can mend: one line, exit code 1."""


@click.group()
@click.version_option(package_name="orchard-referrals", message="orchard %(version)s")
def main() -> None:
    """Orchard: signed referral links, conversions between friends, rewards in double-entry books."""


def _with_database(command: Command) -> Command:
    """Hand the command its settings and database, and turn what can go wrong with them into one line."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            settings = environment.load()
            return command(settings, Database(settings.database_url, patient=True), *arguments, **options)
        except (BadSettings, ReferralError) as error:
            raise Fault(str(error)) from error
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).strip().partition("\n")[0]
            hint = " `orchard db upgrade` makes its tables." if "no such table" in reason or "exist" in reason else ""
            raise Fault(f"The database does not answer as it should: {reason}.{hint}") from error

    return run  # type: ignore[return-value]


def _only_merchant(session: Session, merchant_id: UUID | None) -> UUID:
    if merchant_id is not None:
        return merchant_id
    known = merchants.merchants(session)
    if len(known) != 1:
        raise Fault(f"There are {len(known)} merchants: name one with --merchant. `orchard merchant list` lists them.")
    return known[0].merchant_id


def _table(rows: list[dict[str, Any]]) -> None:
    if not rows:
        click.echo("Nothing yet.")
        return
    names = list(rows[0])
    cells = [names, *([str("" if row[name] is None else row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _show(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        _table(rows)


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
@_with_database
def db_upgrade(settings: Settings, database: Database) -> None:
    """Migrate the database named by ORCHARD_DATABASE_URL."""
    schema.upgrade(database)
    click.echo(f"The database is at version {schema.HEAD}.")


@main.group()
def merchant() -> None:
    """Merchants."""


@merchant.command("create")
@click.argument("name")
@click.option("--currency", required=True, help="ISO 4217, such as EUR.")
@as_json
@_with_database
def merchant_create(settings: Settings, database: Database, name: str, currency: str, as_json: bool) -> None:
    """Create a merchant, and print one key for each scope. The keys are shown this once."""
    merchant_id, created = database.write(lambda session: _create_merchant(session, name, currency))
    if as_json:
        click.echo(json.dumps({"merchant_id": str(merchant_id), "keys": created}, indent=2))
        return
    click.echo(f"merchant_id  {merchant_id}")
    for scope, key in created.items():
        click.echo(f"{scope:11}  {key}")
    click.echo("Keep the keys safe: they are not shown again.")


@merchant.command("list")
@as_json
@_with_database
def merchant_list(settings: Settings, database: Database, as_json: bool) -> None:
    """List the merchants."""
    with database.reading() as session:
        rows = [
            {"merchant_id": str(row.merchant_id), "name": row.name, "currency": row.currency}
            for row in merchants.merchants(session)
        ]
    _show(rows, as_json)


def _create_merchant(session: Session, name: str, currency: str) -> tuple[UUID, dict[str, str]]:
    created, its_keys = keys.create_merchant(session, name, currency, now=datetime.now(UTC))
    return created.merchant_id, its_keys


@main.group()
def key() -> None:
    """API keys."""


@key.command("create")
@click.option("--scope", type=click.Choice(keys.SCOPES), required=True)
@of_merchant
@as_json
@_with_database
def key_create(settings: Settings, database: Database, scope: str, merchant_id: UUID | None, as_json: bool) -> None:
    """Create a key and print it, this once. To rotate a key, create a new one and revoke the old one."""

    def create(session: Session) -> tuple[UUID, str]:
        row, created = keys.create(session, _only_merchant(session, merchant_id), scope, now=datetime.now(UTC))
        return row.key_id, created

    key_id, created = database.write(create)
    if as_json:
        click.echo(json.dumps({"key_id": str(key_id), "scope": scope, "key": created}, indent=2))
    else:
        click.echo(created)


@key.command("list")
@of_merchant
@as_json
@_with_database
def key_list(settings: Settings, database: Database, merchant_id: UUID | None, as_json: bool) -> None:
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
            for row in merchants.keys(session, _only_merchant(session, merchant_id))
        ]
    _show(rows, as_json)


@key.command("revoke")
@click.argument("key_id", type=click.UUID)
@of_merchant
@_with_database
def key_revoke(settings: Settings, database: Database, key_id: UUID, merchant_id: UUID | None) -> None:
    """Revoke a key, from this moment on."""
    now = datetime.now(UTC)
    database.write(lambda session: keys.revoke(session, _only_merchant(session, merchant_id), key_id, now=now))
    click.echo("Revoked.")


@main.group()
def ledger() -> None:
    """The books."""


@ledger.command("verify")
@of_merchant
@as_json
@_with_database
def ledger_verify(settings: Settings, database: Database, merchant_id: UUID | None, as_json: bool) -> None:
    """Prove that the books hold: every transaction, every balance, and both sides of the business.

    Exits 1 and names what is wrong.
    """
    reports: list[dict[str, Any]] = []
    with database.reading() as session:
        wanted = [merchant_id] if merchant_id else [row.merchant_id for row in merchants.merchants(session)]
        for one in wanted:
            found = [*books.problems(session, one), *audit.problems(session, one)]
            size = books.count(session, one)
            reports.append(
                {
                    "merchant_id": str(one),
                    "ok": not found,
                    "transactions": size.transactions,
                    "postings": size.postings,
                    "problems": found,
                }
            )
    if as_json:
        click.echo(json.dumps(reports, indent=2))
    for report in reports if not as_json else []:
        click.echo(
            f"{report['merchant_id']}: {report['transactions']} transactions, {report['postings']} postings, "
            + ("sound" if report["ok"] else "NOT SOUND")
        )
        for problem in report["problems"]:
            click.echo(f"  {problem}")
    if not all(report["ok"] for report in reports):
        sys.exit(1)


@main.command()
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


@main.command()
@click.option("--once", is_flag=True, help="Do what is due and stop, for cron.")
@click.option("--every", type=click.IntRange(1, 3600), default=10, show_default=True, help="Seconds between rounds.")
@_with_database
def worker(settings: Settings, database: Database, once: bool, every: int) -> None:
    """Book what time does: rewards ripen and lapse, forgotten reservations are given back."""
    while True:
        done = work.round_of_upkeep(database, now=datetime.now(UTC))
        if done or once:
            click.echo(f"{done} customers brought up to date.")
        if once:
            return
        time.sleep(every)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@of_merchant
@click.option("--program", "program_id", type=click.UUID, help="For rows with friend_of.")
@click.option("--currency", help="For files without a currency column; the merchant's if not given.")
@_with_database
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
        merchant_id = _only_merchant(session, merchant_id)
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


@main.command()
@_with_database
def demo(settings: Settings, database: Database) -> None:
    """Prepare a demo merchant and program, and print what to click and what to paste."""
    if settings.is_production:
        raise Fault("The demo is not for production.")
    schema.upgrade(database)
    click.echo(prepare(database, settings, now=datetime.now(UTC)))


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of this release."""
    from service.app import create_app

    settings = Settings("sqlite://", ("-" * 32,), "http://localhost:8000", "production", "json", 0)
    app = create_app(settings)
    click.echo(app.extensions["orchard-openapi"](), nl=False)


if __name__ == "__main__":
    main()
