"""What the commands share: settings and database in hand, faults in one line, rows as a table or as JSON."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import click
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from service import settings as environment
from service.database.engine import Database
from service.database.release import Outdated
from service.errors import ReferralError
from service.merchants import tables as merchants
from service.settings import BadSettings, Settings

Command = TypeVar("Command", bound=Callable[..., Any])
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
of_merchant = click.option(
    "--merchant", "merchant_id", type=click.UUID, help="Which merchant; needed only where there are several."
)


class Fault(click.ClickException):
    """Something that the user can mend: one line, exit code 1."""


def with_settings(command: Command, *, is_fenced: bool = True) -> Command:
    """Hand the command its settings and database, and turn what can go wrong with them into one line.

    is_fenced: whether a database of a later release is refused.
    """

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            settings = environment.load()
            database = Database(settings.database_url, patient=True, is_fenced=is_fenced)
            try:
                return command(settings, database, *arguments, **options)
            finally:
                database.dispose()
        except (BadSettings, ReferralError, Outdated) as error:
            raise Fault(str(error)) from error
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", error)
            if isinstance(cause, Outdated):
                raise Fault(str(cause)) from error
            reason = str(cause).strip().partition("\n")[0]
            is_older = "no such" in reason or "exist" in reason
            hint = " `orchard db upgrade` makes what this release needs." if is_older else ""
            raise Fault(f"The database does not answer as it should: {reason}.{hint}") from error

    return run  # type: ignore[return-value]


def with_database(command: Command, *, is_fenced: bool = True) -> Command:
    """As `with_settings`, for a command that only needs the database."""

    @wraps(command)
    def run(_settings: Settings, *arguments: Any, **options: Any) -> Any:
        return command(*arguments, **options)

    return with_settings(run, is_fenced=is_fenced)  # type: ignore[return-value]


def with_any_database(command: Command) -> Command:
    """As `with_database`, also for a database of a later release."""
    return with_database(command, is_fenced=False)


def only_merchant(session: Session, merchant_id: UUID | None) -> UUID:
    """The merchant that was named, or the only one. Raises Fault where that is not clear."""
    known = merchants.merchants(session)
    if merchant_id is not None and any(row.merchant_id == merchant_id for row in known):
        return merchant_id
    if merchant_id is not None:
        raise Fault(f"There is no merchant {merchant_id}. `orchard merchant list` lists them.")
    if len(known) != 1:
        raise Fault(f"There are {len(known)} merchants: name one with --merchant. `orchard merchant list` lists them.")
    return known[0].merchant_id


def wanted_merchants(session: Session, merchant_id: UUID | None) -> list[UUID]:
    """The merchant that was named, or all of them. Raises Fault for one that there is not."""
    if merchant_id:
        return [only_merchant(session, merchant_id)]
    return [row.merchant_id for row in merchants.merchants(session)]


def _table(rows: list[dict[str, Any]]) -> None:
    if not rows:
        click.echo("Nothing yet.")
        return
    names = list(rows[0])
    cells = [names, *([str("" if row[name] is None else row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def show(rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print rows, all with the same names, as a table for people or as JSON."""
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        _table(rows)
