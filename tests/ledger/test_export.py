"""The exported journal, judged by the real hledger and the real beancount."""

import csv
import io
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from service import currencies
from service.database.engine import Database
from service.ledger import proof
from service.ledger.accounts import DEBIT_NORMAL
from service.ledger.books import EXPENSE, parse_account, pending
from service.ledger.export import TREE
from tests.conftest import missing
from tests.ledger.books import ANA, NOW, Books, p

BEAN_CHECK = Path(sys.executable).parent / "bean-check"


@pytest.fixture(scope="module")
def books(database: Database) -> Books:
    """A life in euros (2 decimals), yen (0) and Kuwaiti dinars (3), a part of it sealed."""
    books = Books(database)
    books.fill()
    books.seal()
    books.post("x", p(EXPENSE, pending(ANA), 10**15, "KWD"), event="earned")
    return books


def export(books: Books, form: str) -> str:
    with books.database.reading() as session:
        return "".join(proof.export_journal(session, books.merchant_id, form, exponent=currencies.decimals))


def expected(books: Books) -> dict[tuple[str, str], Decimal]:
    """(account in the accountant's tree, currency) -> exact balance, positive for a debit; without empty ones."""
    found = {}
    for (name, currency), amount in books.balances().items():
        account = parse_account(name)
        place = TREE[account.kind] + (f":{account.owner[0].upper()}{account.owner[1:]}" if account.owner else "")
        sign = 1 if account.kind in DEBIT_NORMAL else -1
        if amount:
            found[place, currency] = sign * Decimal(amount).scaleb(-currencies.decimals(currency))
    return found


def test_hledger_accepts_the_journal_strictly_and_finds_our_balances(books: Books, tmp_path: Path) -> None:
    hledger = shutil.which("hledger") or missing("hledger (apt-get install hledger)")
    path = tmp_path / "books.journal"
    path.write_text(export(books, "hledger"))
    subprocess.run([hledger, "-f", path, "check", "-s"], check=True, capture_output=True)
    command = [hledger, "-f", str(path), "balance", "--flat", "--no-total", "-O", "csv", "--layout=bare"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {(row["account"], row["commodity"]): Decimal(row["balance"]) for row in csv.DictReader(io.StringIO(output))}
    assert {key: amount for key, amount in found.items() if amount} == expected(books)


def test_beancount_accepts_the_journal_and_finds_our_balances(books: Books, tmp_path: Path) -> None:
    if not BEAN_CHECK.exists():
        missing("bean-check (pip install beancount)")
    path = tmp_path / "books.beancount"
    path.write_text(export(books, "beancount"))
    done = subprocess.run([BEAN_CHECK, path], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    script = (
        "import sys\nfrom beancount import loader\nfrom beancount.core import realization\n"
        "entries, errors, options = loader.load_file(sys.argv[1])\nassert not errors\n"
        "for node in realization.iter_children(realization.realize(entries)):\n"
        "    for position in node.balance: print(node.account, position.units.currency, position.units.number)\n"
    )
    output = subprocess.run([sys.executable, "-c", script, path], check=True, capture_output=True, text=True).stdout
    lines = [line.split() for line in output.splitlines()]
    assert {(name, currency): Decimal(number) for name, currency, number in lines} == expected(books)


@pytest.mark.parametrize("form", ["hledger", "beancount"])
def test_a_journal_with_a_changed_amount_is_refused(books: Books, tmp_path: Path, form: str) -> None:
    tool = [shutil.which("hledger") or missing("hledger"), "check", "-s", "-f"] if form == "hledger" else [BEAN_CHECK]
    path = tmp_path / "books"
    path.write_text(export(books, form).replace("  7 JPY", "  8 JPY", 1).replace("  -7 JPY", "  -8 JPY", 1))
    assert subprocess.run([*tool, path], capture_output=True).returncode != 0


def test_the_csv_has_every_posting_once_with_exact_amounts(books: Books) -> None:
    rows = list(csv.DictReader(io.StringIO(export(books, "csv"))))
    with books.database.reading() as session:
        assert len(rows) == proof.count_books(session, books.merchant_id).postings
    last = rows[-1]
    assert (last["reference"], last["currency"], last["amount_minor"]) == ("x", "KWD", str(10**15))
    assert (last["amount"], last["block"], last["sealed_at"]) == ("1000000000000.000", "", "")
    assert rows[0]["block"] == "1"
    assert rows[0]["sealed_at"] == NOW.isoformat()


@pytest.mark.parametrize("form", ["hledger", "beancount", "csv"])
def test_empty_books_are_a_journal_too(database: Database, tmp_path: Path, form: str) -> None:
    text = export(Books(database), form)
    if form == "csv":
        assert len(text.splitlines()) == 1
    elif form == "beancount":
        (tmp_path / "empty").write_text(text)
        assert subprocess.run([BEAN_CHECK, tmp_path / "empty"], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("minor", "decimals", "text"),
    [(0, 2, "0.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (-105, 2, "-1.05"), (7, 0, "7"), (-7, 0, "-7"), (1, 3, "0.001")],
)
def test_minor_units_are_written_as_exact_decimals(minor: int, decimals: int, text: str) -> None:
    assert proof.decimal_amount(minor, decimals) == text
