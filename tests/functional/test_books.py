"""`orchard ledger`, as an accountant and an operator use it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import IO
from uuid import UUID

import pytest
from sqlalchemy import text

from service.database.engine import Database
from tests.conftest import missing
from tests.functional.conftest import ORCHARD, CommandLine
from tests.serving import SECRET, Server
from tests.shop import Shop, over_network


@pytest.fixture(scope="module")
def shop(orchard: CommandLine, server: Server) -> Shop:
    """A merchant with some history, sealed by the worker, for those who only read it."""
    return busy_shop(orchard, server)


@pytest.fixture
def own_shop(orchard: CommandLine, server: Server) -> Shop:
    """The same for one test alone."""
    return busy_shop(orchard, server)


def busy_shop(orchard: CommandLine, server: Server) -> Shop:
    """A merchant with some history, sealed by the worker."""
    made = orchard.merchant()
    shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
    code = shop.link(shop.program())["code"]
    for _ in range(3):
        shop.order(referral=code)
    redemption = shop.reserve("ana", 700)
    shop.post(f"/redemptions/{redemption['redemption_id']}/capture", {"amount": 500}, status=200)
    adjustment = {"customer_id": "ana", "direction": "credit", "amount": 50, "currency": "EUR", "note": "Thank you."}
    shop.post("/ledger/adjustments", adjustment)
    orchard("worker", "--once")
    return shop


def one(shop: Shop) -> tuple[str, str]:
    return "--merchant", str(shop.merchant_id)


def test_a_head_that_was_kept_is_proved_later(orchard: CommandLine, own_shop: Shop) -> None:
    shop = own_shop
    (row,) = json.loads(orchard("ledger", "head", "--json", *one(shop)))
    assert row["head"] in orchard("ledger", "head", *one(shop))
    assert row["head"] == shop.get("/ledger/verification")["head"]
    shop.order(referral=shop.link(shop.program())["code"])
    said = orchard("worker", "--once")
    assert shop.get("/ledger/verification")["head"] in said  # the log keeps heads away from the books
    assert "sound" in orchard("ledger", "verify", "--head", row["head"], *one(shop))
    said = orchard("ledger", "verify", "--head", "00" * 32, *one(shop), status=1)
    assert "NOT SOUND" in said
    assert f"no block has the hash {'00' * 32}" in said
    for bad in ("xyz", ""):
        assert "64 hexadecimal digits" in orchard("ledger", "verify", "--head", bad, *one(shop), status=1)


def test_the_exported_journal_is_accepted_by_hledger(orchard: CommandLine, shop: Shop, tmp_path: Path) -> None:
    hledger = shutil.which("hledger") or missing("hledger (apt-get install hledger)")
    path = tmp_path / "books.journal"
    path.write_text(orchard("ledger", "export", "--format", "hledger", *one(shop)))
    subprocess.run([hledger, "-f", path, "check", "-s"], check=True)
    balance = subprocess.run([hledger, "-f", path, "balance", "settled"], check=True, capture_output=True, text=True)
    assert "-5.00 EUR" in balance.stdout


def test_an_export_to_a_full_disk_fails_in_one_line(orchard: CommandLine, shop: Shop) -> None:
    for form in ("hledger", "beancount", "csv"):
        with Path("/dev/full").open("wb") as full:
            done = _export(orchard, shop, form, full)
        assert done.returncode == 1
        assert done.stderr.strip().splitlines() == [
            "Error: The export could not be written: No space left on device. What was written is not all of it."
        ]


def test_an_export_whose_reader_leaves_says_nothing(orchard: CommandLine, shop: Shop) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = _export(orchard, shop, "csv", writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def _export(orchard: CommandLine, shop: Shop, form: str, output: int | IO[bytes]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(ORCHARD), "ledger", "export", "--format", form, *one(shop)],
        env={**os.environ, "ORCHARD_DATABASE_URL": orchard.database_url, "ORCHARD_SECRET_KEYS": SECRET},
        cwd=orchard.folder,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )


def test_reports_are_tables_for_people_and_json_for_programs(orchard: CommandLine, shop: Shop) -> None:
    table = orchard("ledger", "trial-balance", *one(shop))
    assert ["expense:rewards", "EUR", "60.00", "0.00"] in [line.split() for line in table.splitlines()]
    rows = json.loads(orchard("ledger", "trial-balance", "--json", *one(shop)))
    assert {"account": "settled", "currency": "EUR", "debit": 0, "credit": 500} in rows
    assert rows == shop.get("/ledger/trial-balance")["accounts"]
    assert "Nothing yet." in orchard("ledger", "trial-balance", "--as-of", "2020-01-01", *one(shop))
    statement = orchard("ledger", "statement", "settled", "--currency", "EUR", *one(shop))
    assert "captured" in statement
    assert "5.00" in statement
    entries = json.loads(orchard("ledger", "statement", "settled", "--currency", "EUR", "--json", *one(shop)))
    assert [(entry["credit"], entry["balance_after"]) for entry in entries] == [(500, 500)]
    owed = orchard("ledger", "liability", *one(shop))
    assert "55.50" in owed
    assert "0 to 30" in owed
    report = json.loads(orchard("ledger", "liability", "--json", *one(shop)))
    assert report["by_age"] == [{"currency": "EUR", "from_days": 0, "to_days": 30, "amount": 5550}]


def test_bad_times_and_accounts_are_refused_in_one_line(orchard: CommandLine, shop: Shop) -> None:
    for when in ("2999-01-01", "0001-01-01", "2999-01-01T00:00:00Z", "yesterday", "2026-01-01T00:00:00"):
        said = orchard("ledger", "trial-balance", "--as-of", when, *one(shop), status=1)
        assert len(said.strip().splitlines()) == 1, said
    for account, currency in (("x", "EUR"), ("available:nobody", "EUR"), ("settled", "eur")):
        said = orchard("ledger", "statement", account, "--currency", currency, *one(shop), status=1)
        assert said.startswith("Error: ")
    assert "There is no merchant" in orchard("ledger", "verify", "--merchant", str(UUID(int=1)), status=1)


def test_a_damaged_balance_is_found_and_mended(orchard: CommandLine, own_shop: Shop) -> None:
    shop = own_shop
    database = Database(orchard.database_url.replace("postgresql://", "postgresql+psycopg://"))
    merchant = str(shop.merchant_id).replace("-", "") if database.is_sqlite else str(shop.merchant_id)
    with database.engine.begin() as connection:
        connection.execute(
            text("UPDATE balance SET amount = amount + 1 WHERE merchant_id = :m AND kind = 'available'"),
            {"m": merchant},
        )
    database.dispose()
    assert "and its postings say 2550" in orchard("ledger", "verify", *one(shop), status=1)
    said = orchard("ledger", "rebuild", *one(shop))
    assert "4 balances mended" in said
    assert "sound" in orchard("ledger", "verify", *one(shop))
    assert "0 balances mended" in orchard("ledger", "rebuild", *one(shop))
    assert shop.available("ana") == 2550


def test_what_a_writer_of_before_left_out_is_found_and_mended(orchard: CommandLine, own_shop: Shop) -> None:
    shop = own_shop
    shop.order("ben", referral=shop.link(shop.program())["code"])
    database = Database(orchard.database_url.replace("postgresql://", "postgresql+psycopg://"))
    mine = {"m": str(shop.merchant_id).replace("-", "") if database.is_sqlite else str(shop.merchant_id)}
    with database.engine.begin() as connection:
        forgotten = connection.execute(text("DELETE FROM unsealed WHERE merchant_id = :m"), mine).rowcount
        connection.execute(text("UPDATE customer_total SET earned = earned + 5 WHERE merchant_id = :m"), mine)
        connection.execute(text("DELETE FROM customer_total WHERE merchant_id = :m AND customer_id = 'ben'"), mine)
    database.dispose()
    assert forgotten
    said = orchard("ledger", "verify", *one(shop), status=1)
    assert "neither sealed nor waiting" in said
    assert "what was ever earned or spent" in said
    said = orchard("ledger", "rebuild", *one(shop))
    assert said.count("was neither sealed nor waiting, and waits for the worker's seal now") == forgotten
    assert "  what ana ever earned and spent in EUR" in said
    assert "  what ben ever earned and spent in EUR" in said
    assert "sound" in orchard("ledger", "verify", *one(shop))
    orchard("worker", "--once")
    assert "sound" in orchard("ledger", "verify", *one(shop))
    said = orchard("ledger", "rebuild", *one(shop))
    assert "seal now" not in said
    assert "ever earned" not in said


def test_the_ledger_lists_its_commands(orchard: CommandLine) -> None:
    said = orchard("ledger", "--help")
    for command in ("verify", "head", "export", "rebuild", "trial-balance", "statement", "liability"):
        assert f"  {command} " in said
