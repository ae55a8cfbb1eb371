"""docs/auditors.md is executed: its example through the API, its verifier on the export."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from service import currencies, worker
from service.database.engine import Database
from service.ledger import proof
from tests.shop import Shop

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "auditors.md").read_text()
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def table(name: str) -> list[list[str]]:
    """The rows of the table under this mark."""
    lines = PAGE.partition(f"<!-- {name} -->\n")[2].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def verifier() -> str:
    return PAGE.partition("<!-- verifier.py -->\n```python\n")[2].partition("```")[0]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=True) as clock:
        yield clock


@pytest.fixture
def told(shop: Shop, clock: Any) -> Shop:
    """A shop in which the story of the page has happened."""
    program = shop.program(
        advocate_reward={"type": "percent", "rate": "10.00"},
        friend_reward={"type": "percent", "rate": "5.00", "as": "discount"},
        hold_days=14,
        reward_expiry_days=60,
    )
    code = shop.link(program)["code"]
    bens = shop.order("ben", amount=9500, discount_amount=500, referral=code)
    clock.shift(14 * DAY)
    used = shop.reserve("ana", 800)["redemption_id"]
    shop.post(f"/redemptions/{used}/capture", {"amount": 600}, status=200)
    shop.post(f"/redemptions/{shop.reserve('ana', 100)['redemption_id']}/void", status=200)
    shop.refund(bens, 4750, "half")
    cleos = shop.order("cleo", amount=5700, discount_amount=300, referral=code)
    clock.shift(14 * DAY)
    shop.balance("ana")
    dans = shop.order("dan", amount=1900, discount_amount=100, referral=code)
    rewards = {reward["side"]: reward["reward_id"] for reward in dans["rewards"]}
    shop.post(f"/rewards/{rewards['advocate']}/deny", {"note": "Looks made up."}, status=200)
    shop.refund(shop.order("eve", amount=2850, discount_amount=150, referral=code), 2850, "all")
    for direction, amount in (("credit", 300), ("debit", 100)):
        body = {"customer_id": "ana", "direction": direction, "amount": amount, "currency": "EUR", "note": "Goodwill."}
        shop.post("/ledger/adjustments", body)
    clock.shift(60 * DAY)
    shop.balance("ana")
    shop.refund(cleos, 5700, "late")
    gils = f"/conversions/{shop.order('gil', amount=3800, discount_amount=200, referral=code)['conversion_id']}"
    shop.post(f"{gils}/amendments", {"amendment_id": "grown", "amount": 5700, "discount_amount": 300})
    shop.post(f"{gils}/refunds", {"refund_id": "failed", "amount": 2850})
    shop.post(f"{gils}/refunds/failed/reverse", status=200)
    shop.post(f"{gils}/void", {"reason": "payment_failed"}, status=200)
    shop.post(f"{gils}/reopen", status=200)
    clock.shift(14 * DAY)
    shop.post(f"{gils}/refunds", {"refund_id": "disputed", "amount": 2850})
    shop.post(f"{gils}/refunds/disputed/reverse", status=200)
    shop.post(f"/redemptions/{used}/returns", {"return_id": "back", "amount": 200})
    hals = f"/conversions/{shop.order('hal', amount=1000)['conversion_id']}"
    rewards = shop.post(f"{hals}/attribution", {"referral": code, "note": "Hal called."}, status=200)["rewards"]
    clock.shift(14 * DAY)
    shop.balance("ana")
    shop.post(f"/rewards/{rewards[0]['reward_id']}/deny", {"note": "Hal is Ana."}, status=200)
    return shop


def named(account: str) -> str:
    kind = account.partition(":")[0]
    return f"{kind}:ana" if kind in ("pending", "available", "reserved", "owed") else account


def test_the_example_is_what_the_books_say(told: Shop) -> None:
    owners = {row["account"].partition(":")[2] for row in told.get("/ledger/accounts?customer_id=ana")["accounts"]}
    assert len(owners) == 1
    found = []
    for transaction in reversed(told.get("/ledger/transactions?limit=200")["data"]):
        event = transaction["event"]
        for posting in transaction["postings"]:
            sides = [named(posting[side]) for side in ("debit", "credit")]
            found.append([event, *sides, proof.decimal_amount(posting["amount"], 2)])
            event = ""
    assert found == table("journal")
    lines = told.get("/ledger/trial-balance")["accounts"]
    balance = [[x["account"], proof.decimal_amount(x["debit"], 2), proof.decimal_amount(x["credit"], 2)] for x in lines]
    assert balance == table("trial balance")
    assert told.get("/ledger/verification")["problems"] == []


def test_the_verifier_finds_our_head_and_needs_none_of_our_code(told: Shop, database: Database, tmp_path: Path) -> None:
    worker.round_of_upkeep(database, now=datetime.now(UTC))
    told.order("flo")
    told.post("/ledger/adjustments", GOODWILL)
    worker.round_of_upkeep(database, now=datetime.now(UTC))
    told.post("/ledger/adjustments", GOODWILL)
    (tmp_path / "verifier.py").write_text(verifier())
    with database.reading() as session:
        text = "".join(proof.export_journal(session, told.merchant_id, "csv", exponent=currencies.decimals))
    verified = told.get("/ledger/verification")
    assert printed(tmp_path, text, told).splitlines()[-1] == f"2 {verified['head']}"
    changed = text.replace(",800,8.00", ",801,8.01", 1)
    assert changed != text
    assert verified["head"] not in printed(tmp_path, changed, told)


def test_the_verifier_has_twenty_lines_at_most() -> None:
    lines = [line for line in verifier().splitlines() if line.strip()]
    assert len(lines) <= 20
    assert set(re.findall(r"^import (.*)$", verifier(), re.MULTILINE)) == {"csv, hashlib, sys"}


GOODWILL = {"customer_id": "ana", "direction": "credit", "amount": 1, "currency": "EUR", "note": "Thank you."}


def printed(folder: Path, text: str, shop: Shop) -> str:
    (folder / "books.csv").write_text(text)
    command = [sys.executable, "-I", str(folder / "verifier.py"), str(folder / "books.csv"), str(shop.merchant_id)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
