"""Balances made anew from postings: nothing changes on sound books, and whatever was damaged is mended."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.ids import new_id
from service.ledger import proof, rebuild
from service.ledger.books import EXPENSE, available, pending
from service.ledger.tables import balance_table
from tests.ledger.books import ANA, BEN, Books, p, stored


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.fill()
    return books


def run(books: Books) -> list[proof.Rebuilt]:
    """The whole rebuild, step by step."""
    steps: list[proof.Rebuilt] = []
    while not steps or not steps[-1].is_over:
        steps.append(books.database.write(lambda session: proof.rebuild_some_balances(session, books.merchant_id)))
    return steps


def everything(books: Books, *tables: str) -> dict[str, list[Any]]:
    """The rows of these tables, all columns."""
    with books.database.engine.connect() as connection:
        mine = {"m": stored(books.database, books.merchant_id)}
        return {
            table: sorted(map(repr, connection.execute(text(f"SELECT * FROM {table} WHERE merchant_id = :m"), mine)))
            for table in tables
        }


def damage(books: Books, how: Callable[[Connection], object]) -> None:
    with books.database.engine.begin() as connection:
        how(connection)


def test_sound_books_are_left_exactly_as_they_are(books: Books) -> None:
    tables = ("txn", "posting", "balance", "unsealed", "rebuild")
    before = everything(books, *tables)
    (step,) = run(books)
    assert (step.mended, step.hopeless) == ([], [])
    assert everything(books, *tables) == before


MINE = "merchant_id = :m AND account = :a AND currency = 'EUR'"


@pytest.mark.parametrize(
    "change",
    [
        f"UPDATE balance SET amount = amount + 1 WHERE {MINE}",
        f"UPDATE balance SET amount = 0 WHERE {MINE}",
        f"DELETE FROM balance WHERE {MINE}",
        f"UPDATE balance SET kind = 'settled' WHERE {MINE}",
        f"UPDATE balance SET floor = NULL WHERE {MINE}",
        f"UPDATE balance SET slot = 77 WHERE {MINE} AND slot = (SELECT MIN(slot) FROM balance WHERE {MINE})",
    ],
)
@pytest.mark.parametrize("account", ["expense:rewards", f"available:{ANA}", f"pending:{ANA}"])
def test_a_damaged_balance_is_mended_and_the_journal_not_touched(books: Books, change: str, account: str) -> None:
    journal, balances = everything(books, "txn", "posting"), books.balances()
    values = {"m": stored(books.database, books.merchant_id), "a": account}
    damage(books, lambda connection: connection.execute(text(change), values))
    is_damaged = bool(books.problems())
    (step,) = run(books)
    assert step.mended == ([(account, "EUR")] if is_damaged else [])
    assert books.problems() == []
    assert books.balances() == balances
    assert everything(books, "txn", "posting") == journal
    assert is_damaged or ("floor" in change and account == "expense:rewards") or account == f"pending:{ANA}"


def test_a_balance_of_nobody_is_removed(books: Books) -> None:
    row = {"merchant_id": books.merchant_id, "account": available("cc").name, "currency": "EUR", "slot": 0}
    ghost = {**row, "kind": "available", "amount": 5, "floor": 0, "last_id": new_id()}
    damage(books, lambda connection: connection.execute(insert(balance_table), ghost))
    assert run(books)[0].mended == [("available:cc", "EUR")]
    assert books.problems() == []


def test_it_goes_on_from_where_it_was_stopped(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild, "BATCH", 2)
    values = {"m": stored(books.database, books.merchant_id), "a": f"reserved:{ANA}"}
    damage(books, lambda connection: connection.execute(text(f"DELETE FROM balance WHERE {MINE}"), values))
    for _ in range(2):
        books.database.write(lambda session: proof.rebuild_some_balances(session, books.merchant_id))
    with books.database.reading() as session:
        left = proof.count_accounts_to_rebuild(session, books.merchant_id)
    steps = run(books)
    assert sum(step.accounts for step in steps) == left < 10
    assert books.problems() == []
    assert sum(step.accounts for step in run(books)) == left + 4


def test_a_step_that_was_killed_left_nothing_behind(books: Books) -> None:
    values = {"m": stored(books.database, books.merchant_id), "a": f"available:{ANA}"}
    change = text(f"UPDATE balance SET amount = 1 WHERE {MINE}")
    damage(books, lambda connection: connection.execute(change, values))
    damaged = everything(books, "balance", "rebuild")

    def killed(session: Session) -> None:
        proof.rebuild_some_balances(session, books.merchant_id)
        session.flush()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        books.database.write(killed)
    assert everything(books, "balance", "rebuild") == damaged
    run(books)
    assert books.problems() == []


def test_books_whose_postings_cannot_be_are_not_made_to_look_sound(books: Books) -> None:
    def forge(connection: Connection) -> None:
        connection.execute(text("UPDATE balance SET amount = 0 WHERE merchant_id = :m AND account = :a"), values)

    values = {"m": stored(books.database, books.merchant_id), "a": f"available:{BEN}"}
    books.post("ok", p(EXPENSE, available(BEN), 3, "EUR"))
    taken = "INSERT INTO posting (merchant_id, transaction_id, line, debit, credit, currency, amount)"
    with books.database.engine.begin() as connection:
        line = f"SELECT merchant_id, transaction_id, 9, :a, 'expense:rewards', 'EUR', 8 FROM txn WHERE {REFERENCE}"
        connection.execute(text(f"{taken} {line}"), values)
    damage(books, forge)
    (step,) = run(books)
    assert step.hopeless == [f"available:{BEN}"]
    assert any(f"available:{BEN} in EUR: its balance is 0" in problem for problem in books.problems())


REFERENCE = "merchant_id = :m AND reference = 'ok'"


def test_who_posts_meanwhile_is_not_overwritten(books: Books) -> None:
    """Twelve posters and a rebuild at once, over a balance that is damaged."""
    if books.database.is_sqlite:
        return
    from concurrent.futures import ThreadPoolExecutor

    values = {"m": stored(books.database, books.merchant_id), "a": f"pending:{ANA}"}
    change = text(f"UPDATE balance SET amount = amount + 1000 WHERE {MINE}")
    with ThreadPoolExecutor(4) as pool:
        for round_of in range(5):
            damage(books, lambda connection: connection.execute(change, values))
            posts = [
                pool.submit(books.post, f"{round_of}:{number}", p(EXPENSE, pending(ANA), 1, "EUR"))
                for number in range(40)
            ]
            run(books)
            for done in posts:
                done.result()
            run(books)
    assert books.problems() == []
    assert books.balance().pending == 200
