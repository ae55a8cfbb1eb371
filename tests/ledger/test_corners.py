"""What the books refuse, and what the audit meets rarely."""

import hashlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.ids import new_id
from service.ledger import audit, books, encoding, proof, scan, sums
from service.ledger.books import EXPENSE, Account, Kind, Posting, Transaction, available, pending
from service.ledger.scan import Entry
from service.ledger.tables import unsealed_table
from tests.ledger.books import ANA, NOW, Books, p, stored, tampered

EARNED = (p(EXPENSE, pending(ANA), 5, "EUR"),)


@pytest.mark.parametrize("owner", ["A", "a b", "ä", "a" * 49, "-a"])
def test_an_owner_has_an_opaque_name(owner: str) -> None:
    with pytest.raises(ValueError, match="name of an owner"):
        Account(Kind.PENDING, owner)


@pytest.mark.parametrize(
    ("reference", "event", "postings"),
    [("", "test", EARNED), ("a b", "test", EARNED), ("a", "Test", EARNED), ("a", "", EARNED), ("a", "test", ())],
)
def test_a_transaction_has_a_reference_an_event_and_postings(
    reference: str, event: str, postings: tuple[Posting, ...]
) -> None:
    with pytest.raises(ValueError, match=r"reference|event|posting"):
        Transaction(new_id(), reference, event, NOW, NOW, postings)


def test_text_beyond_ascii_is_hashed_by_its_bytes() -> None:
    lines = [("id", 0, "a", "b", "EUR", 5)]
    said = encoding.encoded("é", "t", "a", "b", "EUR", "5")
    assert encoding.fingerprint("é", "t", lines) == hashlib.sha256(said).digest()
    assert (
        encoding.digest("a-b", "ü", "r", b"x", "é", "t", lines)
        == hashlib.sha256(encoding.encoded("ab", "ü", "r", b"x".hex()) + said).digest()
    )


def test_transactions_are_read_page_by_page_newest_first(database: Database) -> None:
    mine = Books(database)
    for number in range(3):
        mine.post(f"t{number}", *EARNED)
    with database.reading() as session:
        first = books.transactions(session, mine.merchant_id, limit=2)
        rest = books.transactions(session, mine.merchant_id, limit=2, before=first[-1].transaction_id)
    assert [one.reference for one in (*first, *rest)] == ["t2", "t1", "t0"]


def test_books_of_many_batches_are_verified_and_exported_whole(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Books(database)
    for number in range(7):
        mine.post(f"t{number}", *EARNED)
        if number % 3 == 0:
            mine.seal()
    monkeypatch.setattr(scan, "BATCH", 2)
    assert mine.problems() == []
    with database.reading() as session:
        rows = "".join(proof.export_journal(session, mine.merchant_id, "csv", exponent=lambda _: 2)).splitlines()
    assert len(rows) == 1 + 7


def test_a_balance_below_zero_that_its_postings_say_is_named(database: Database) -> None:
    mine = Books(database)
    mine.post("a", p(EXPENSE, available(ANA), 5, "EUR"))
    mine.post("b", p(available(ANA), EXPENSE, 2, "EUR"))

    def overdraw(connection: Connection) -> None:
        name = {"m": stored(database, mine.merchant_id)}
        mine_only = "WHERE merchant_id = :m AND"
        connection.execute(text(f"UPDATE posting SET amount = 900 {mine_only} amount = 2"), name)
        session = Session(connection)
        for account, _, posted, _ in list(sums.differences(session, mine.merchant_id)):
            change = f"UPDATE balance SET amount = :to {mine_only} account = :account"
            connection.execute(text(change), {**name, "to": posted, "account": account})

    assert any("has fallen below zero, to -895" in problem for problem in tampered(mine, overdraw))


def test_a_sealed_transaction_that_waits_again_is_named(database: Database) -> None:
    mine = Books(database)
    posted = mine.post("a", *EARNED)
    mine.seal()

    def wait_again(connection: Connection) -> None:
        row = {"merchant_id": mine.merchant_id, "transaction_id": posted.transaction_id}
        connection.execute(insert(unsealed_table).values(row))

    assert any("it is sealed and waits to be" in problem for problem in tampered(mine, wait_again))


def test_a_transaction_without_postings_moves_nothing(database: Database) -> None:
    mine = Books(database)
    mine.post("a", *EARNED)
    moved: list[object] = []

    def empty(connection: Connection) -> None:
        connection.execute(
            text("DELETE FROM posting WHERE merchant_id = :m"), {"m": stored(database, mine.merchant_id)}
        )
        moved.append(proof.movements_of(Session(connection), mine.merchant_id, ["a", "b"]))

    assert tampered(mine, empty)
    assert moved == [{"a": []}]


def test_an_entry_that_cannot_be_hashed_is_a_finding() -> None:
    nothing: Any = None
    entry = Entry("id", "ref", "test", nothing, nothing, b"", None, None, True, [("id", 0, "a", "b", "EUR", 5)])
    assert audit.fault_of(entry) == "it cannot be read"


def test_a_database_that_fails_is_no_finding(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> Iterator[str]:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise OperationalError("SELECT", {}, error)
        yield ""

    monkeypatch.setattr(proof.Verification, "_bad_journal", fail)
    with pytest.raises(OperationalError):
        Books(database).problems()


def test_the_audit_tells_damage_from_a_database_in_a_bad_state() -> None:
    assert proof.is_damaged_content(ValueError())
    assert proof.is_damaged_content(sqlite3.DatabaseError())
    assert not proof.is_damaged_content(RuntimeError())
