"""Sealing: every transaction in one block, in an order that nobody can dispute, also with several workers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.ledger import chain, proof
from service.ledger.books import EXPENSE, pending
from tests.ledger.books import ANA, NOW, Books, p, post, tampered


def fill(books: Books, first: int, last: int) -> None:
    def work(session: Session) -> None:
        for number in range(first, last):
            post(session, books.merchant_id, f"t:{number}", p(EXPENSE, pending(ANA), 1, "EUR"))

    books.database.write(work)


def test_a_block_follows_the_one_before_and_holds_what_waited(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "LARGEST_BLOCK", 5)
    books = Books(database)
    assert books.seal() is None
    fill(books, 0, 12)
    blocks = [books.seal(NOW + timedelta(seconds=number)) for number in range(4)]
    assert [block and (block.number, block.transactions) for block in blocks] == [(1, 5), (2, 5), (3, 2), None]
    with database.reading() as session:
        assert proof.newest_block(session, books.merchant_id) == blocks[2]
        assert books.merchant_id not in proof.merchants_with_unsealed(session)
    assert books.problems() == []


def test_a_transaction_that_commits_late_is_sealed_later(database: Database) -> None:
    """It has an older id than those that are sealed already."""
    books = Books(database)
    if database.is_sqlite:
        return  # one writer at a time
    with database.engine.connect() as connection, Session(connection) as late:
        post(late, books.merchant_id, "late", p(EXPENSE, pending(ANA), 1, "JPY"))
        fill(books, 0, 3)
        first = books.seal()
        late.commit()
        connection.commit()
    second = books.seal(NOW + timedelta(seconds=1))
    assert first is not None
    assert second is not None
    assert (first.transactions, second.transactions) == (3, 1)
    assert books.problems() == []


def test_workers_that_seal_at_once_make_one_chain(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "LARGEST_BLOCK", 7)
    books = Books(database)
    fill(books, 0, 100)
    together = threading.Barrier(4)

    def work() -> int:
        together.wait()
        sealed = 0
        while block := books.seal():
            sealed += block.transactions
        return sealed

    with ThreadPoolExecutor(4) as pool:
        assert sum(done.result() for done in [pool.submit(work) for _ in range(4)]) == 100
    assert books.problems() == []


def test_what_was_changed_before_it_was_sealed_is_not_sealed_and_is_named(database: Database) -> None:
    books = Books(database)
    fill(books, 0, 3)

    def change_and_seal(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE posting SET amount = 2")
        with Session(connection) as session:
            assert proof.seal_next_block(session, books.merchant_id, now=NOW) is None

    found = tampered(books, change_and_seal)
    assert [problem for problem in found if "its content is not what was posted" in problem] == found[:3]


def test_each_merchant_has_a_chain_of_its_own(database: Database) -> None:
    one, other = Books(database), Books(database)
    for books in (one, other):
        fill(books, 0, 2)
    with database.reading() as session:
        assert {one.merchant_id, other.merchant_id} <= set(proof.merchants_with_unsealed(session))
    heads = [books.seal() for books in (one, other)]
    assert heads[0] is not None
    assert heads[1] is not None
    assert heads[0].hash != heads[1].hash
    assert one.problems(proof.Head(heads[1].hash)) != []
