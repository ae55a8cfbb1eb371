"""The facade of the ledger, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.ids import new_id
from service.ledger import books, proof
from service.ledger.books import EXPENSE, SETTLED, Posting, available, pending, reserved
from tests.ledger.books import post as post_in

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OWNER = "0a" * 16


@pytest.fixture
def merchant_id() -> UUID:
    return new_id()


@pytest.fixture
def post(database: Database, merchant_id: UUID) -> Callable[..., books.Transaction]:
    def run(reference: str, *postings: Posting, event: str = "test") -> books.Transaction:
        return database.write(lambda session: post_in(session, merchant_id, reference, *postings, event=event))

    return run


def _balance(database: Database, merchant_id: UUID) -> books.OwnerBalance:
    with database.reading() as session:
        return books.owner_balances(session, merchant_id, OWNER)["EUR"]


EARNED = Posting(EXPENSE, pending(OWNER), 1000, "EUR")
RIPENED = Posting(pending(OWNER), available(OWNER), 1000, "EUR")


def test_postings_move_balances_and_the_trial_balance_balances(
    post: Callable[..., books.Transaction], database: Database, merchant_id: UUID
) -> None:
    post("a", EARNED)
    post("b", RIPENED)
    post("c", Posting(available(OWNER), reserved(OWNER), 400, "EUR"))
    post("d", Posting(reserved(OWNER), SETTLED, 400, "EUR"))
    assert _balance(database, merchant_id) == books.OwnerBalance("EUR", available=600)
    with database.reading() as session:
        lines = proof.trial_balance(session, merchant_id)
    assert sum(line.debit for line in lines) == sum(line.credit for line in lines) == 1000


def test_the_same_reference_again_returns_the_stored_transaction(
    post: Callable[..., books.Transaction], database: Database, merchant_id: UUID
) -> None:
    first, again = post("a", EARNED), post("a", EARNED)
    assert again == first
    assert _balance(database, merchant_id).pending == 1000


def test_a_fall_posted_again_returns_the_stored_transaction(
    post: Callable[..., books.Transaction], database: Database, merchant_id: UUID
) -> None:
    post("a", EARNED)
    first, again = post("b", RIPENED), post("b", RIPENED)
    assert again == first
    assert _balance(database, merchant_id) == books.OwnerBalance("EUR", available=1000)


@pytest.mark.parametrize(
    ("posting", "event"),
    [
        (Posting(EXPENSE, pending(OWNER), 1001, "EUR"), "test"),
        (Posting(EXPENSE, pending(OWNER), 1000, "USD"), "test"),
        (Posting(EXPENSE, available(OWNER), 1000, "EUR"), "test"),
        (EARNED, "other"),
    ],
)
def test_the_same_reference_with_other_content_is_refused_and_changes_nothing(
    post: Callable[..., books.Transaction], database: Database, merchant_id: UUID, posting: Posting, event: str
) -> None:
    post("a", EARNED)
    with pytest.raises(books.ReferenceReused):
        post("a", posting, event=event)
    assert _balance(database, merchant_id) == books.OwnerBalance("EUR", pending=1000)


def test_an_overdraft_is_refused_inside_a_transaction_that_goes_on(database: Database, merchant_id: UUID) -> None:
    def work(session: Session) -> None:
        post_in(session, merchant_id, "a", EARNED)
        with pytest.raises(books.InsufficientFunds) as refused:
            post_in(session, merchant_id, "b", Posting(pending(OWNER), EXPENSE, 1001, "EUR"))
        assert (refused.value.balance, refused.value.wanted) == (1000, 1001)

    database.write(work)
    with database.reading() as session:
        assert proof.count_books(session, merchant_id).transactions == 1
    assert _balance(database, merchant_id).pending == 1000


def test_a_posting_is_positive_and_between_two_accounts() -> None:
    with pytest.raises(ValueError, match="positive"):
        Posting(EXPENSE, SETTLED, 0, "EUR")
    with pytest.raises(ValueError, match="two accounts"):
        Posting(SETTLED, SETTLED, 1, "EUR")


def test_another_merchant_sees_nothing(
    post: Callable[..., books.Transaction], database: Database, merchant_id: UUID
) -> None:
    transaction = post("a", EARNED)
    stranger = new_id()
    with database.reading() as session:
        assert books.transaction(session, merchant_id, transaction.transaction_id) == transaction
        assert books.transactions(session, stranger, limit=10) == []
        assert books.owner_balances(session, stranger, OWNER) == {}
        with pytest.raises(books.TransactionUnknown):
            books.transaction(session, stranger, transaction.transaction_id)


@pytest.mark.parametrize("table", ["txn", "posting"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET merchant_id = merchant_id", "DELETE FROM {}"])
def test_the_database_refuses_to_change_the_journal(
    post: Callable[..., books.Transaction], database: Database, table: str, statement: str
) -> None:
    post("a", EARNED)
    with pytest.raises(DBAPIError, match="append-only"), database.engine.begin() as connection:
        connection.execute(text(statement.format(table)))


@pytest.mark.parametrize("account", ["pending", "available"])
def test_the_database_refuses_a_balance_below_its_floor(
    post: Callable[..., books.Transaction], database: Database, merchant_id: UUID, account: str
) -> None:
    post("a", EARNED)
    post("b", Posting(EXPENSE, available(OWNER), 5, "EUR"))
    change = text("UPDATE balance SET amount = -1 WHERE account = :account").bindparams(account=f"{account}:{OWNER}")
    with pytest.raises(IntegrityError, match="floor"), database.engine.begin() as connection:
        connection.execute(change)


def test_the_database_refuses_a_posting_of_nothing_or_to_itself(
    post: Callable[..., books.Transaction], database: Database
) -> None:
    transaction = post("a", EARNED)
    values = "SELECT merchant_id, transaction_id, 7, {}, {}, 'EUR', {} FROM posting WHERE transaction_id = :id"
    for debit, credit, amount, check in (
        ("'settled'", "'settled'", "1", "two_accounts"),
        ("'settled'", "'pending'", "0", "amount_positive"),
    ):
        statement = text(
            "INSERT INTO posting (merchant_id, transaction_id, line, debit, credit, currency, amount) "
            + values.format(debit, credit, amount)
        )
        stored = transaction.transaction_id.hex if database.is_sqlite else transaction.transaction_id
        with pytest.raises(IntegrityError, match=check), database.engine.begin() as connection:
            connection.execute(statement.bindparams(id=stored))


def test_a_balance_that_would_pass_what_the_books_hold_is_refused(
    post: Callable[..., books.Transaction], database: Database, merchant_id: UUID
) -> None:
    huge = 4 * 10**18
    post("a", Posting(EXPENSE, pending(OWNER), huge, "EUR"))
    with pytest.raises(IntegrityError, match="range"):
        post("b", Posting(EXPENSE, pending(OWNER), huge, "EUR"))
    assert _balance(database, merchant_id).pending == huge


def test_sound_books_have_no_problems_and_damaged_ones_name_them(
    post: Callable[..., books.Transaction], database: Database, merchant_id: UUID
) -> None:
    post("a", EARNED)
    post("b", RIPENED)

    def found() -> list[str]:
        with database.reading() as session:
            return list(proof.Verification(session, merchant_id).problems())

    assert found() == []
    with database.engine.begin() as connection:
        connection.execute(
            text("UPDATE balance SET amount = 1 WHERE account = :account AND amount = 0"),
            {"account": f"pending:{OWNER}"},
        )
    assert found() == [f"account pending:{OWNER} in EUR: its balance is 1, and its postings say 0"]
