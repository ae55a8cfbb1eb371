"""`orchard ledger trial-balance`, `statement` and `liability`: reports for people, or as JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click

from service.books import accounts
from service.commands.session import Fault, as_json, of_merchant, only_merchant, show, with_database
from service.currencies import fault_of_code
from service.database.engine import Database
from service.ledger import books, proof
from service.ledger.proof import Basis
from service.merchants.currencies import decimals

as_of_option = click.option(
    "--as-of",
    metavar="TIME",
    help="A past time, such as 2026-11-30 (the end of that day, UTC) or 2026-11-30T12:00:00Z.",
)
by_option = click.option(
    "--by",
    "basis",
    type=click.Choice(["effective", "recorded"]),
    default="effective",
    show_default=True,
    help="Which of a transaction's two times counts: when it took effect, or when it was written.",
)


@click.command("trial-balance")
@as_of_option
@by_option
@of_merchant
@as_json
@with_database
def trial_balance(
    database: Database,
    as_of: str | None,
    basis: Basis,
    merchant_id: UUID | None,
    as_json: bool,
) -> None:
    """Print every kind of account with its balance, now or as of a past time."""
    with database.reading() as session:
        merchant = only_merchant(session, merchant_id)
        exponent = decimals(session, merchant)
        lines = proof.trial_balance(session, merchant, as_of=_past(as_of), basis=basis)
    rows = [asdict(line) for line in lines]
    show(rows if as_json else [_decimal(row, exponent, "debit", "credit") for row in rows], as_json)


@click.command()
@click.argument("account")
@click.option("--currency", required=True)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many, newest first.")
@of_merchant
@as_json
@with_database
def statement(
    database: Database,
    account: str,
    currency: str,
    limit: int,
    merchant_id: UUID | None,
    as_json: bool,
) -> None:
    """Print the postings on one ACCOUNT, such as expense:rewards, with its running balance."""
    if fault := fault_of_code(currency):
        raise Fault(f"{currency}: {fault}")
    with database.reading() as session:
        merchant = only_merchant(session, merchant_id)
        exponent = decimals(session, merchant)
        named = accounts.named(session, merchant, account)
        entries = books.entries_of_account(session, merchant, named, currency, limit=limit)
    rows = [
        {
            "recorded_at": entry.recorded_at.isoformat(timespec="seconds"),
            "effective_at": entry.effective_at.isoformat(timespec="seconds"),
            "event": entry.event,
            "currency": currency,
            "debit": entry.posting.amount if entry.posting.debit == named else 0,
            "credit": entry.posting.amount if entry.posting.credit == named else 0,
            "balance_after": entry.balance_after,
            "reference": entry.reference,
        }
        for entry in entries
    ]
    show(rows if as_json else [_decimal(row, exponent, "debit", "credit", "balance_after") for row in rows], as_json)


@click.command()
@as_of_option
@by_option
@of_merchant
@as_json
@with_database
def liability(
    database: Database,
    as_of: str | None,
    basis: Basis,
    merchant_id: UUID | None,
    as_json: bool,
) -> None:
    """Print what is owed to customers: how it moved by month, and how old it is."""
    when = _past(as_of) or datetime.now(UTC)
    with database.reading() as session:
        merchant = only_merchant(session, merchant_id)
        exponent = decimals(session, merchant)
        months = [asdict(row) for row in proof.liability_by_month(session, merchant, as_of=when, basis=basis)]
        ages = [asdict(row) for row in proof.liability_by_age(session, merchant, as_of=when, basis=basis)]
    if as_json:
        click.echo(json.dumps({"as_of": when.isoformat(), "by_month": months, "by_age": ages}, indent=2))
        return
    amounts = [name for name in months[0] if name not in ("month", "currency")] if months else []
    show([_decimal(row, exponent, *amounts) for row in months], as_json)
    click.echo()
    show([{"days": _days(row), **_decimal(row, exponent, "amount")} for row in ages], as_json)


def _days(row: dict[str, Any]) -> str:
    """Takes the age group out of the row, and says it in words."""
    start, end = row.pop("from_days"), row.pop("to_days")
    return f"{start} and more" if end is None else f"{start} to {end}"


def _decimal(row: dict[str, Any], exponent: Callable[[str], int], *names: str) -> dict[str, Any]:
    """The row with these amounts as decimals of their currency."""
    return {**row, **{name: proof.decimal_amount(row[name], exponent(row["currency"])) for name in names}}


def _past(text: str | None) -> datetime | None:
    if text is None:
        return None
    now = datetime.now(UTC)
    try:
        when = datetime.fromisoformat(text)
        is_day = len(text) == len("2026-11-30")
    except ValueError:
        raise Fault(f"{text} is not a time such as 2026-11-30 or 2026-11-30T12:00:00Z.") from None
    if is_day:
        when = when.replace(tzinfo=UTC)
    if when.tzinfo is None:
        raise Fault(f"{text} does not say its offset from UTC: add Z, say.")
    if when.year < 1970:
        raise Fault(f"{text} is before 1970, when nothing was recorded.")
    if when > now:
        raise Fault(f"{text} is in the future, of which the books say nothing.")
    return min(now, when + timedelta(days=1, microseconds=-1)) if is_day else when
