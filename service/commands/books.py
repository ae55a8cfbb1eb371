"""`orchard ledger`."""

import json
import sys
from typing import Any
from uuid import UUID

import click

from service import ledger as books
from service.commands.session import as_json, of_merchant, with_database
from service.referrals import audit
from service.settings import Settings
from service.storage import merchants
from service.storage.database import Database


@click.group()
def ledger() -> None:
    """The books."""


@ledger.command("verify")
@of_merchant
@as_json
@with_database
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
