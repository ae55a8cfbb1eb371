"""What is neither sealed nor waits for its seal is let wait, where it can be trusted."""

from collections.abc import Callable, Iterator
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.ledger import forgotten, proof
from service.ledger.tables import unsealed_table
from tests.ledger.books import Books, stored


@pytest.fixture
def books(backend: str, migrated_database_url: Callable[[str], str]) -> Iterator[Books]:
    """Books with some history, in a database of their own, whose guards are taken down."""
    database = Database(migrated_database_url(backend))
    books = Books(database)
    books.fill()
    yield books
    database.dispose()


def forget(books: Books) -> int:
    """Nothing waits any more; how many did."""
    mine = unsealed_table.c.merchant_id == books.merchant_id

    def work(session: Session) -> int:
        return session.connection().execute(unsealed_table.delete().where(mine)).rowcount

    return books.database.write(work)


def mended(books: Books) -> tuple[list[str], list[str]]:
    """What is let wait, and what is left, page by page."""
    with books.database.reading() as session:
        is_trusted = proof.seals_are_complete(session, books.merchant_id)
    let_wait, left = list[str](), list[str]()
    after: UUID | None = forgotten.FIRST
    while after is not None:
        step = partial(proof.let_forgotten_wait, merchant_id=books.merchant_id, after=after, is_trusted=is_trusted)
        found = books.database.write(step)
        let_wait += found.let_wait
        left += found.left
        after = found.last
    return let_wait, left


@pytest.mark.parametrize("page", [1, 2, 500])
def test_what_was_forgotten_waits_again_and_is_named(books: Books, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    monkeypatch.setattr(forgotten, "BATCH", page)
    number = forget(books)
    assert len(books.problems()) >= number > 2
    let_wait, left = mended(books)
    assert (len(set(let_wait)), left) == (number, [])
    assert mended(books) == ([], [])
    assert books.seal()
    assert books.problems() == []


def test_what_is_not_what_was_posted_is_left(books: Books) -> None:
    number = forget(books)
    (name,) = names(books, "SELECT transaction_id FROM txn WHERE merchant_id = :m ORDER BY transaction_id LIMIT 1")
    rewrite(books, "UPDATE txn SET event = 'another' WHERE merchant_id = :m AND transaction_id = :name", name=name)
    let_wait, left = mended(books)
    assert (len(let_wait), len(left)) == (number - 1, 1)


def test_where_a_seal_was_taken_away_nothing_is_sealed_anew(books: Books) -> None:
    assert books.seal()
    (name,) = names(books, "SELECT transaction_id FROM seal WHERE merchant_id = :m ORDER BY transaction_id LIMIT 1")
    rewrite(books, "DELETE FROM seal WHERE merchant_id = :m AND transaction_id = :name", name=name)
    let_wait, left = mended(books)
    assert (let_wait, len(left)) == ([], 1)


def names(books: Books, query: str) -> list[object]:
    """What the query finds of the merchant."""
    with books.database.engine.connect() as connection:
        return list(connection.execute(text(query), {"m": stored(books.database, books.merchant_id)}).scalars())


def rewrite(books: Books, statement: str, **values: object) -> None:
    """Change the merchant's books behind all guards."""
    with books.database.engine.begin() as connection:
        if books.database.is_sqlite:
            for trigger in (
                connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            ):
                connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.execute(text(statement), {"m": stored(books.database, books.merchant_id), **values})
