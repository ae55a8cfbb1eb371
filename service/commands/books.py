"""`orchard ledger`: proof, export and repair of the books."""

import contextlib
import json
import sys
from collections.abc import Iterator
from functools import partial
from typing import TextIO
from uuid import UUID

import click
from sqlalchemy.orm import Session

from service.books import audit, mending
from service.commands import exports, reports
from service.commands.session import Fault, as_json, of_merchant, only_merchant, show, wanted_merchants, with_database
from service.database.engine import Database
from service.ledger import proof
from service.merchants.currencies import decimals


@click.group()
def ledger() -> None:
    """The books."""


@ledger.command("verify")
@click.option(
    "--head",
    metavar="BLOCK:HASH",
    help="A head that was kept: history up to it must be unchanged. Without BLOCK, a rewind looks like a forgery.",
)
@of_merchant
@as_json
@with_database
def ledger_verify(database: Database, head: str | None, merchant_id: UUID | None, as_json: bool) -> None:
    """Prove that the books hold: every block, transaction and balance, and both sides of the business.

    Exits 1 and names what is wrong.
    """
    expected = None if head is None else _head(head)
    is_sound, documents = True, []
    with database.reading() as session:
        wanted = [only_merchant(session, merchant_id)] if expected is not None else _all_books(session, merchant_id)
        for one in wanted:
            report = audit.verify(session, one, expected_head=expected)
            is_sound = is_sound and not report.problems
            if as_json:
                documents.append({"merchant_id": str(one), **audit.document(report)})
            else:
                _print(one, report)
    if as_json:
        click.echo(json.dumps(documents, indent=2))
    if not is_sound:
        sys.exit(1)


@ledger.command("head")
@of_merchant
@as_json
@with_database
def ledger_head(database: Database, merchant_id: UUID | None, as_json: bool) -> None:
    """Print number and hash of the newest block. Keep them elsewhere, and prove later that they hold, with
    `verify --head NUMBER:HASH`.
    """
    rows = []
    with database.reading() as session:
        for one in wanted_merchants(session, merchant_id):
            block = proof.newest_block(session, one)
            if block is not None:
                sealed_at = block.sealed_at.isoformat(timespec="seconds")
                row = {"merchant_id": str(one), "block": block.number, "sealed_at": sealed_at}
                rows.append({**row, "head": block.hash.hex()})
    show(rows, as_json)


@ledger.command("export")
@click.option("--format", "form", type=click.Choice(sorted(proof.FORMS)), required=True)
@of_merchant
@with_database
def ledger_export(database: Database, form: str, merchant_id: UUID | None) -> None:
    """Write the whole journal to the standard output, as a file that the named tool accepts."""
    with database.reading() as session, _writing() as output:
        merchant = only_merchant(session, merchant_id)
        for piece in proof.export_journal(session, merchant, form, exponent=decimals(session, merchant)):
            output.write(piece)


@ledger.command("rebuild")
@of_merchant
@with_database
def ledger_rebuild(database: Database, merchant_id: UUID | None) -> None:
    """Make what is kept beside the postings anew from them, while the service goes on. It touches no posting.

    These are the balances, the list of what waits for its seal, and what each customer ever earned and spent. Where
    something is right already it is not changed. Stopped half-way, it goes on from there when called again.
    """
    with database.reading() as session:
        wanted = wanted_merchants(session, merchant_id)
    hopeless: list[str] = []
    for one in wanted:
        with database.reading() as session:
            accounts, done = proof.count_accounts_to_rebuild(session, one), proof.rebuilt_up_to(session, one)
        if done:
            click.echo(
                f"{one}: going on after {done}, where an earlier run was stopped; run it again for the ones before."
            )
        mended: list[tuple[str, str]] = []
        with click.progressbar(length=accounts, label=f"Rebuilding {one}", file=sys.stderr) as bar:
            is_over = False
            while not is_over:
                step = database.write(partial(proof.rebuild_some_balances, merchant_id=one))
                mended += step.mended
                hopeless += step.hopeless
                bar.update(step.accounts)
                is_over = step.is_over
        click.echo(f"{one}: {accounts} accounts, {len(mended)} balances mended.")
        for account, currency in mended:
            click.echo(f"  {account} in {currency}")
        hopeless += _let_wait(database, one)
        _mend_totals(database, one)
    if hopeless:
        listed = ", ".join(hopeless[:20])
        raise Fault(f"Some cannot be mended; `orchard ledger verify` tells why: {listed}")


def _all_books(session: Session, merchant_id: UUID | None) -> list[UUID]:
    """The merchant that was named, or everybody, also whose books are there and nothing else: found from the books."""
    with_books = set(proof.merchants_with_books(session))
    if merchant_id is not None and merchant_id in with_books:
        return [merchant_id]
    known = wanted_merchants(session, merchant_id)
    return known if merchant_id is not None else sorted({*known, *with_books})


def _let_wait(database: Database, merchant_id: UUID) -> list[str]:
    """Let wait for their seal what an older release left without one. Returns the references of what was left so."""
    left: list[str] = []
    with database.reading() as session:
        is_trusted = proof.seals_are_complete(session, merchant_id)
    after: UUID | None = UUID(int=0)
    while after is not None:
        step = partial(proof.let_forgotten_wait, merchant_id=merchant_id, after=after, is_trusted=is_trusted)
        found = database.write(step)
        for reference in found.let_wait:
            click.echo(f"  {reference} was neither sealed nor waiting, and waits for the worker's seal now")
        left += found.left
        after = found.last
    return left


def _mend_totals(database: Database, merchant_id: UUID) -> None:
    """What each customer ever earned and spent, which an older release did not count on."""
    with database.reading() as session:
        wrong = mending.customers_with_wrong_totals(session, merchant_id)
    for customer_id in wrong:
        mend = partial(mending.mend_totals, merchant_id=merchant_id, customer_id=customer_id)
        for currency in database.write(mend):
            click.echo(f"  what {customer_id} ever earned and spent in {currency}")


for command in (reports.trial_balance, reports.statement, reports.liability, exports.reconcile):
    ledger.add_command(command)


def _head(text: str) -> proof.Head:
    try:
        return proof.head_of(text)
    except ValueError as error:
        raise Fault(str(error)) from error


def _print(merchant_id: UUID, report: audit.Report) -> None:
    size = f"{report.transactions} transactions, {report.postings} postings, {report.sealed_blocks} sealed blocks"
    click.echo(f"{merchant_id}: {size}, {'NOT SOUND' if report.problems else 'sound'}")
    if report.head:
        click.echo(f"  head {report.head}")
    for problem in report.problems:
        click.echo(f"  {problem}")


@contextlib.contextmanager
def _writing() -> Iterator[TextIO]:
    """The standard output, written to the end. A disk that is full is one line; a reader who left is none."""
    try:
        yield sys.stdout
        sys.stdout.flush()
    except BrokenPipeError:
        _discard()
        sys.exit(1)
    except OSError as error:
        _discard()
        raise Fault(f"The export could not be written: {error.strerror}. What was written is not all of it.") from error


def _discard() -> None:
    """Let go of what could not be written, which Python would try once more at its end."""
    with contextlib.suppress(OSError):
        sys.stdout.close()
