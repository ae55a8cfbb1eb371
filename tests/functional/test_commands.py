import json
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.commands import main
from service.customers import customers
from service.database.engine import Database
from service.ids import new_id
from service.ledger import books
from tests.functional.conftest import CommandLine
from tests.serving import Server
from tests.shop import Shop, over_network
from tests.test_house import commands

ORDERS = """order_id,customer_id,ordered_on,amount_minor,friend_of,referral,currency
a-1,ana,2026-01-01,1000,,,
a-2,ben,2026-01-02,2000,ana,,
a-3,cleo,2026-01-03,3000,,nonsense,
a-4,ben,2026-01-04,4000,,,
a-5,dan,2026-01-05,5000,ana,,USD
"""
BAD_ORDERS = """order_id,customer_id,ordered_at,amount_minor
b-1,ana,2026-01-01T10:00:00+02:00,1000
b-2,ana,yesterday,1000
b-3,ana,2026-01-01T10:00:00Z,ten
b-4,ana,2026-01-01T10:00:00Z,-1
,ana,2026-01-01T10:00:00Z,1
b-6,ana,2099-01-01T10:00:00Z,1
b-1,ana,2026-01-01T10:00:00+02:00,1001
b-8,ana,2026-01-01T10:00:00Z,1
"""


def test_every_command_explains_itself() -> None:
    for command in commands(main):
        done = CliRunner().invoke(main, [*command.split(), "--help"])
        assert (done.exit_code, done.output[:6]) == (0, "Usage:"), command


def test_a_merchants_keys_are_shown_once_listed_and_revoked(orchard: CommandLine, server: Server) -> None:
    made = orchard.merchant()
    assert set(made["keys"]) == {"admin", "checkout", "marketing"}
    one = ("--merchant", made["merchant_id"])
    created = json.loads(orchard("key", "create", "--scope", "admin", "--json", *one))
    shop = Shop(over_network(server.base_url), {"admin": created["key"]}, made["merchant_id"])
    assert shop.get("/programs")["data"] == []
    listed = orchard("key", "list", *one)
    assert created["key_id"] in listed
    assert not any(key in listed for key in [created["key"], *made["keys"].values()])
    orchard("key", "revoke", created["key_id"], *one)
    assert shop.call("GET", "/programs").status_code == 401
    orchard("key", "revoke", "01930000-0000-7000-8000-000000000000", *one, status=1)


def test_a_merchant_needs_a_name_and_a_currency(orchard: CommandLine) -> None:
    for name, currency in (("", "EUR"), ("x" * 121, "EUR"), ("Acme", "XXX"), ("Acme", "eur")):
        said = orchard("merchant", "create", name, "--currency", currency, status=1)
        assert said.startswith("Error: ")


def test_a_replay_attributes_and_running_it_again_changes_nothing(orchard: CommandLine, server: Server) -> None:
    made = orchard.merchant()
    shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
    program = shop.program()
    path = orchard.folder / "orders.csv"
    path.write_text(ORDERS)
    arguments = ("replay", str(path), "--merchant", made["merchant_id"], "--program", program["program_id"])
    first = orchard(*arguments)
    assert "5 orders recorded, 0 known already" in first
    assert "1 attributed, 2 declined, 1 repeat, 1 unattributed" in first
    before = shop.get("/ledger/transactions"), shop.get("/conversions")
    assert "0 orders recorded, 5 known already" in orchard(*arguments)
    assert (shop.get("/ledger/transactions"), shop.get("/conversions")) == before
    assert shop.available("ana") == 1000
    assert "sound" in orchard("ledger", "verify", "--merchant", made["merchant_id"])


def test_a_replay_names_each_bad_row_by_its_line_and_goes_on(orchard: CommandLine) -> None:
    made = orchard.merchant()
    path = orchard.folder / "bad.csv"
    path.write_text(BAD_ORDERS)
    said = orchard("replay", str(path), "--merchant", made["merchant_id"], status=1)
    assert [int(line) for line in re.findall(r"^line (\d+):", said, re.MULTILINE)] == [3, 4, 5, 6, 7, 8]
    assert "2 orders recorded" in said


def test_a_file_that_is_not_of_orders_is_refused_in_one_line(orchard: CommandLine) -> None:
    made = orchard.merchant()
    path = orchard.folder / "other.csv"
    for content in (b"a,b\n1,2\n", b"", b"order_id,customer_id,amount_minor\n", b"\xff\xfe\x00\x01", b"\x89PNG\r\n"):
        path.write_bytes(content)
        said = orchard("replay", str(path), "--merchant", made["merchant_id"], status=1)
        assert said.strip().splitlines()[-1].startswith("Error: ")


@pytest.mark.soak
def test_real_orders_are_replayed_once(orchard: CommandLine, cdnow: Path, tmp_path: Path, is_soak: bool) -> None:
    lines = cdnow.read_text().splitlines(keepends=True)
    orders = len(lines) - 1 if is_soak else 1_500
    some = tmp_path / "orders.csv"
    some.write_text("".join(lines[: orders + 1]))
    made = orchard.merchant()
    arguments = ("replay", str(some), "--merchant", made["merchant_id"], "--currency", "USD")
    assert f"{orders} orders recorded, 0 known already ({orders} unattributed)" in orchard(*arguments)
    assert f"0 orders recorded, {orders} known already" in orchard(*arguments)


def test_the_worker_books_what_is_due(orchard: CommandLine, server: Server) -> None:
    made = orchard.merchant()
    shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
    orchard("worker", "--once")
    shop.order(referral=shop.link(shop.program())["code"])
    assert "2 customers brought up to date" in orchard("worker", "--once")
    events = [transaction["event"] for transaction in shop.get("/ledger/transactions")["data"]]
    assert sorted(events) == ["earned", "ripened", "ripened"]
    assert "0 customers" in orchard("worker", "--once")


def test_verify_finds_a_release_to_the_wrong_customer(orchard: CommandLine, server: Server) -> None:
    made = orchard.merchant()
    shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
    order = shop.order("ben", referral=shop.link(shop.program(hold_days=14))["code"])
    database = Database(orchard.database_url.replace("postgresql://", "postgresql+psycopg://"))
    merchant_id, now = UUID(made["merchant_id"]), datetime.now(UTC)
    with database.reading() as session:
        ben = customers.get(session, merchant_id, "ben").owner_id.hex
    reward = order["rewards"][0]["reward_id"]

    def release_to_ben(session: Session) -> None:
        reference = f"conversion:{order['conversion_id']}:release:{reward}"
        posting = books.Posting(books.pending(ben), books.available(ben), 1000, "EUR")
        books.post(session, merchant_id, books.Transaction(new_id(), reference, "ripened", now, now, (posting,)))

    database.write(release_to_ben)
    database.dispose()
    said = orchard("ledger", "verify", "--merchant", made["merchant_id"], status=1)
    assert f"account pending:{ben} in EUR holds 0, and the business says 1000" in said


def test_verify_exits_1_and_names_what_is_wrong(orchard: CommandLine, server: Server) -> None:
    made = orchard.merchant()
    shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
    order = shop.order("ben", referral=shop.link(shop.program(friend_reward=None))["code"])
    one = ("ledger", "verify", "--merchant", made["merchant_id"])
    assert "1 transactions, 1 postings, 0 sealed blocks, sound" in orchard(*one)
    database = Database(orchard.database_url.replace("postgresql://", "postgresql+psycopg://"))
    reward = order["rewards"][0]["reward_id"]
    with database.engine.begin() as connection:
        stored = reward.replace("-", "") if database.is_sqlite else reward
        connection.execute(text("UPDATE reward SET amount = 999 WHERE reward_id = :id"), {"id": stored})
    said = orchard(*one, status=1)
    assert f"conversion:{order['conversion_id']} does not move what the business says" in said
    report = json.loads(orchard(*one, "--json", status=1))
    assert report[0]["ok"] is False
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE reward SET amount = 1000 WHERE reward_id = :id"), {"id": stored})
    database.dispose()


def test_customers_are_imported_and_a_program_moves_in_by_command(orchard: CommandLine, server: Server) -> None:
    made = orchard.merchant()
    shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
    program, one = shop.program(), ("--merchant", made["merchant_id"])
    people = orchard.folder / "people.csv"
    people.write_text("customer_id,email,orders\nana,ana@example.com,2\nben,nobody,\n")
    said = orchard("customers", "import", str(people), *one, status=1)
    assert "line 3: email: " in said
    assert "1 created, 0 changed, 0 known already." in said
    told = orchard("customers", "import", str(people), "--json", *one, status=1)
    counted = json.loads(next(line for line in told.splitlines() if line.startswith("{")))
    assert (counted["unchanged"], counted["refused"], counted["faults"][0]["row"]) == (1, 1, 3)
    assert shop.get("/customers/ana")["since"] is not None
    nameless = orchard.folder / "people.txt"
    nameless.write_text("customer_id\nzoe\n")
    assert "--format" in orchard("customers", "import", str(nameless), *one, status=1)
    assert "1 created" in orchard("customers", "import", str(nameless), "--format", "csv", *one)
    nameless.write_text("phone\n1\n")
    assert "customer_id or email" in orchard("customers", "import", str(nameless), "--format", "csv", *one, status=1)
    moved = orchard.folder / "moved.jsonl"
    moved.write_text(
        '{"customer_id": "ana", "codes": ["OLD-ANA"], "balances": [{"currency": "EUR", "amount": 1500}]}\n'
        '{"customer_id": "kim", "brought_by": "ana"}\n'
    )
    arguments = ("migrate", str(moved), "--program", program["program_id"], *one)
    assert "2 customers moved in, 0 known already." in orchard(*arguments)
    assert "0 customers moved in, 2 known already." in orchard(*arguments)
    assert shop.available("ana") == 1500
    assert shop.order("kim")["advocate_id"] == "ana"
    moved.write_text('{"customer_id": "ana", "balances": 5}\n')
    assert "line 1: balances: " in orchard(*arguments, status=1)


def test_a_merchant_chooses_how_long_what_is_kept(orchard: CommandLine) -> None:
    one = ("--merchant", orchard.merchant()["merchant_id"])
    assert "Changed." in orchard("merchant", "change", "--keep-visits", "30", "--remember-erased", *one)
    for days in ("0", "1", "-5", "40000"):
        assert "2 to 36500" in orchard("merchant", "change", "--keep-events", days, *one, status=1)
