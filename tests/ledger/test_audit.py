"""Whatever is changed in the database directly, behind triggers, keys and checks, is found and named."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Connection, Executable, Table, insert, select, text

from service.database.engine import Database
from service.ids import new_id
from service.ledger import proof
from service.ledger.books import EXPENSE, available, metadata, pending
from service.ledger.tables import balance_table, block_table, posting_table, seal_table, transaction_table
from tests.ledger.books import ANA, NOW, Books, p, tampered

JOURNAL = ("txn", "posting", "block", "seal")
CHANGES = [(name, column.name) for name in (*JOURNAL, "balance") for column in metadata.tables[name].columns]


@pytest.fixture(scope="module")
def books(database: Database) -> Books:
    """Sealed books, with one transaction that still waits."""
    books = Books(database)
    books.fill()
    books.seal()
    books.post("later", p(EXPENSE, pending(ANA), 5, "EUR"))
    books.seal(NOW + timedelta(seconds=1))
    books.post("waiting", p(EXPENSE, pending(ANA), 3, "EUR"))
    return books


def _execute(connection: Connection, *, statement: Executable) -> None:
    connection.execute(statement)


def _rows(connection: Connection, books: Books, table: Table) -> list[dict[str, Any]]:
    query = select(table).where(table.c.merchant_id == books.merchant_id).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(query).mappings()]


def _is(table: Table, row: dict[str, Any]) -> Any:
    where = [column == row[column.name] for column in table.primary_key.columns]
    return table.update().where(*where)


def _other(column: Column[Any], value: Any) -> Any:
    """The least change to a value of this kind: one bit, one character, one unit, one microsecond."""
    if isinstance(value, UUID):
        return UUID(int=value.int ^ 1)
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, int):
        return value + 100
    if value is None:
        return -(10**6)
    return chr(ord(value[0]) ^ 1) + value[1:]


def _is_harmless(table: str, column: str, row: dict[str, Any]) -> bool:
    """Which slot of a hot account a part of its balance is in tells nothing."""
    return (table, column) == ("balance", "slot") and row["floor"] is None and row["slot"] < 31


def test_sound_books_have_no_problems(books: Books) -> None:
    assert books.problems() == []


@pytest.mark.parametrize(("table", "column"), CHANGES)
def test_a_change_of_any_column_of_any_row_is_found(books: Books, table: str, column: str) -> None:
    changed = metadata.tables[table]
    with books.database.engine.connect() as connection:
        rows = _rows(connection, books, changed)
    tried = 0
    for row in rows[:6] + rows[-1:]:
        is_waiting = table == "txn" and row["reference"] == "waiting"
        if _is_harmless(table, column, row) or (is_waiting and column in ("reference", "recorded_at")):
            continue
        other = _other(changed.c[column], row[column])

        def tamper(connection: Connection, row: dict[str, Any] = row, other: Any = other) -> None:
            connection.execute(_is(changed, row).values({column: other}))

        assert tampered(books, tamper), (row, other)
        tried += 1
    assert tried


@pytest.mark.parametrize("table", [*JOURNAL, "unsealed", "balance"])
def test_a_row_that_was_deleted_is_found(books: Books, table: str) -> None:
    cut = metadata.tables[table]
    with books.database.engine.connect() as connection:
        rows = _rows(connection, books, cut)
    assert rows
    for row in rows:
        where = [column == row[column.name] for column in cut.primary_key.columns]
        if table == "balance" and row["floor"] is None and row["amount"] == 0:
            continue
        assert tampered(books, partial(_execute, statement=cut.delete().where(*where))), row


@pytest.mark.parametrize("table", [*JOURNAL, "unsealed", "balance"])
def test_a_row_that_was_inserted_is_found(books: Books, table: str) -> None:
    grown = metadata.tables[table]
    with books.database.engine.connect() as connection:
        rows = _rows(connection, books, grown)
    of_table: dict[str, dict[str, Any]] = {
        "txn": {"transaction_id": new_id(), "reference": "forged"},
        "posting": {"line": 9},
        "block": {"number": 3, "previous": b"\1" * 32, "hash": b"\2" * 32},
        "seal": {"transaction_id": new_id()},
        "unsealed": {"transaction_id": new_id()},
        "balance": {"account": available("c" * 32).name, "kind": "available", "floor": 0, "slot": 0, "amount": 0},
    }
    fresh = of_table[table]
    assert tampered(books, partial(_execute, statement=insert(grown).values({**rows[0], **fresh})))


def test_a_forged_transaction_with_postings_and_balances_that_fit_is_found(books: Books) -> None:
    def forge(connection: Connection) -> None:
        transaction = _rows(connection, books, transaction_table)[0]
        posting = _rows(connection, books, posting_table)[0]
        name = new_id()
        connection.execute(insert(transaction_table), {**transaction, "transaction_id": name, "reference": "forged"})
        connection.execute(insert(posting_table), {**posting, "transaction_id": name})
        for side, sign in (("debit", 1), ("credit", 1)):
            of_account = balance_table.c.account == posting[side]
            connection.execute(
                balance_table.update()
                .where(balance_table.c.merchant_id == books.merchant_id, of_account)
                .values(amount=balance_table.c.amount + sign * posting["amount"])
            )

    assert any("forged" in problem for problem in tampered(books, forge))


@pytest.mark.parametrize("column", ["reference", "event", "effective_at"])
def test_text_that_is_none_any_more_is_found(books: Books, column: str) -> None:
    if not books.database.is_sqlite:
        pytest.skip("PostgreSQL takes no such text")

    def flip(connection: Connection) -> None:
        connection.execute(text(f"UPDATE txn SET {column} = CAST(x'ff' AS TEXT) WHERE reference = 'EUR:0'"))

    (said, *_) = tampered(books, flip)
    assert "cannot be read" in said


WRONG_KINDS = {
    ("txn", "effective_at"): "'2026'",
    ("txn", "recorded_at"): "x'00'",
    ("txn", "transaction_id"): "'zzz'",
    ("txn", "event"): "7",
    ("posting", "amount"): "x'00'",
    ("posting", "debit"): "x'00'",
    ("posting", "line"): "'a'",
    ("seal", "digest"): "'text'",
    ("seal", "block"): "'a'",
    ("block", "hash"): "7",
    ("block", "sealed_at"): "7",
}


@pytest.mark.parametrize(("table", "column"), WRONG_KINDS)
def test_a_value_of_another_kind_is_a_finding_and_not_an_exception(books: Books, table: str, column: str) -> None:
    if not books.database.is_sqlite:
        pytest.skip("PostgreSQL takes no value of another kind")
    value = WRONG_KINDS[table, column]
    oldest = f"SELECT MIN(rowid) FROM {table} WHERE merchant_id = '{books.merchant_id.hex}'"
    change = f"UPDATE {table} SET {column} = {value} WHERE rowid = ({oldest})"
    assert tampered(books, lambda connection: connection.execute(text(change)))


@pytest.mark.parametrize(("table", "column"), [("txn", "effective_at"), ("txn", "recorded_at"), ("block", "sealed_at")])
@pytest.mark.parametrize(
    "change", ["replace({0}, ' ', 'T')", "replace({0}, ' ', '!')", "{0} || '0'", "replace({0}, '.', ',')"]
)
def test_another_spelling_of_a_time_is_found(books: Books, table: str, column: str, change: str) -> None:
    if not books.database.is_sqlite:
        pytest.skip("PostgreSQL keeps times, and not their spelling")
    respelled = f"UPDATE {table} SET {column} = {change.format(column)} WHERE merchant_id = '{books.merchant_id.hex}'"
    assert tampered(books, lambda connection: connection.execute(text(respelled)))


def test_a_sum_beyond_all_bounds_is_a_finding_and_not_an_exception(books: Books) -> None:
    def inflate(connection: Connection) -> None:
        mine = {"m": books.merchant_id.hex if books.database.is_sqlite else books.merchant_id}
        connection.execute(text("UPDATE posting SET amount = 9223372036854775807 WHERE merchant_id = :m"), mine)

    assert len(tampered(books, inflate)) > 2


def test_the_fault_is_named(books: Books) -> None:
    def rewrite(connection: Connection) -> None:
        row = _rows(connection, books, transaction_table)[3]
        connection.execute(_is(transaction_table, row).values(recorded_at=NOW + timedelta(days=1)))

    def cut_chain(connection: Connection) -> None:
        connection.execute(block_table.delete().where(block_table.c.merchant_id == books.merchant_id))

    (said,) = tampered(books, rewrite)
    assert said.startswith("transaction EUR:3 (")
    assert said.endswith("): it is not what was sealed in block 1")
    assert "block 1 has more transactions than were sealed in it" in tampered(books, cut_chain)


def test_a_transaction_whose_id_is_beyond_all_ids_is_named(books: Books) -> None:
    if not books.database.is_sqlite:
        pytest.skip("PostgreSQL takes no value of another kind")
    mine = f"reference = 'EUR:3' AND merchant_id = '{books.merchant_id.hex}'"
    change = f"UPDATE txn SET transaction_id = 'zzz' WHERE {mine}"
    said = tampered(books, lambda connection: connection.execute(text(change)))
    assert any(line.startswith("transaction EUR:3 (zzz") for line in said)


def test_a_block_with_all_its_seals_cannot_be_cut_off_unseen(books: Books) -> None:
    def cut_off(connection: Connection) -> None:
        for table, column in ((seal_table, "block"), (block_table, "number")):
            connection.execute(table.delete().where(table.c.merchant_id == books.merchant_id, table.c[column] == 2))

    (said,) = tampered(books, cut_off)
    assert "neither sealed nor waiting" in said


def test_a_head_that_was_kept_proves_the_history_up_to_it(books: Books, database: Database) -> None:
    with database.engine.connect() as connection:
        one, two = [row["hash"] for row in _rows(connection, books, block_table)]
    first, second = proof.Head(one), proof.Head(two, 2)
    assert books.problems(first) == books.problems(second) == []

    def seal_anew(connection: Connection) -> None:
        mine = {"m": books.merchant_id.hex if database.is_sqlite else books.merchant_id}
        for table in ("seal", "block", "unsealed"):
            connection.execute(text(f"DELETE FROM {table} WHERE merchant_id = :m"), mine)
        connection.execute(
            text("INSERT INTO unsealed SELECT merchant_id, transaction_id FROM txn WHERE merchant_id = :m"), mine
        )

    assert tampered(books, seal_anew) == []
    (said,) = tampered(books, seal_anew, expected_head=first)
    assert said.startswith(f"no block has the hash {one.hex()}")
    (never,) = books.problems(proof.Head(b"\7" * 32))
    assert never.startswith(f"no block has the hash {'07' * 32}")


def test_books_of_an_earlier_time_are_told_from_another_history(books: Books, database: Database) -> None:
    with database.engine.connect() as connection:
        one, two = [row["hash"] for row in _rows(connection, books, block_table)]
    (rewound,) = books.problems(proof.Head(b"\7" * 32, 3))
    assert rewound.startswith("the books end with block 2, before block 3 that was kept")
    (forged,) = books.problems(proof.Head(b"\7" * 32, 1))
    assert forged == f"block 1 has the hash {one.hex()} and had {'07' * 32}: this is another history"
    (misplaced,) = books.problems(proof.Head(two, 1))
    assert misplaced.startswith(f"block 1 has the hash {one.hex()}")
    (unheard,) = books.problems(proof.Head(b"\7" * 32, 0))
    assert unheard.startswith("no block has the hash")


@pytest.mark.parametrize("text", ["", "00", "x" * 64, f"-1:{'00' * 32}", f"1:{'00' * 31}", f":{'00' * 32}"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        proof.head_of(text)


def test_a_head_is_read_with_its_number_or_without() -> None:
    assert proof.head_of("0A" * 32) == proof.Head(b"\x0a" * 32)
    assert proof.head_of(f"12:{'0a' * 32}") == proof.Head(b"\x0a" * 32, 12)


def test_the_database_refuses_to_change_the_chain(books: Books) -> None:
    for table in ("block", "seal"):
        for statement in (f"UPDATE {table} SET merchant_id = merchant_id", f"DELETE FROM {table}"):
            with pytest.raises(Exception, match="append-only"), books.database.engine.begin() as connection:
                connection.execute(text(statement))


def test_whose_books_there_are_is_said_by_the_books(database: Database) -> None:
    empty, kept = Books(database), Books(database)
    kept.post("one", p(EXPENSE, pending(ANA), 1, "EUR"))
    with database.reading() as session:
        found = list(proof.merchants_with_books(session))
    assert kept.merchant_id in found
    assert empty.merchant_id not in found
    assert found == sorted(set(found))
