"""Many transactions posted at once are what they are one by one."""

from collections.abc import Sequence

import pytest

from service.database.engine import Database
from service.ids import new_id
from service.ledger import batches, books
from service.ledger.books import EXPENSE, LAPSED, Posting, Transaction, available, owed, pending
from tests.ledger.books import ANA, BEN, NOW, Books, p


def transaction(reference: str, *postings: Posting) -> Transaction:
    return Transaction(new_id(), reference, "test", NOW, NOW, postings)


def post_many(mine: Books, transactions: Sequence[Transaction]) -> None:
    mine.database.write(lambda session: books.post_many(session, mine.merchant_id, transactions))


STORY = (
    ("earned", (p(EXPENSE, pending(ANA), 100, "EUR"), p(EXPENSE, pending(BEN), 7, "JPY"))),
    ("ripe", (p(pending(ANA), available(ANA), 100, "EUR"),)),
    ("lapsed", (p(available(ANA), LAPSED, 100, "EUR"),)),
    ("again", (p(EXPENSE, available(ANA), 50, "EUR"),)),
    ("taken", (p(owed(BEN), EXPENSE, 9, "EUR"),)),
    ("partly", (p(available(ANA), LAPSED, 20, "EUR"),)),
)


def test_a_batch_is_what_its_transactions_are_one_by_one(database: Database) -> None:
    at_once, one_by_one = Books(database), Books(database)
    post_many(at_once, [transaction(reference, *postings) for reference, postings in STORY])
    for reference, postings in STORY:
        one_by_one.post(reference, *postings)
    kept = {key: amount for key, amount in at_once.balances().items() if amount}
    assert kept == {key: amount for key, amount in one_by_one.balances().items() if amount}
    assert at_once.problems() == []


def test_what_was_posted_before_is_left_as_it_is(database: Database) -> None:
    mine = Books(database)
    story = [transaction(reference, *postings) for reference, postings in STORY]
    post_many(mine, story[:3])
    post_many(mine, story)
    post_many(mine, story)
    post_many(mine, [])
    twice = transaction("twice", p(EXPENSE, available(BEN), 1, "EUR"))
    post_many(mine, [twice, twice])
    assert mine.balance(BEN).available == 1
    assert mine.balance().available == 30
    assert mine.problems() == []


def test_a_batch_comes_after_whatever_was_booked_before(database: Database) -> None:
    mine = Books(database)
    early = [transaction(reference, *postings) for reference, postings in STORY[:2]]
    mine.post("late", p(EXPENSE, available(ANA), 1, "EUR"))
    with pytest.raises(books.OutOfOrder) as late:
        post_many(mine, early)
    assert available(ANA).name in late.value.accounts
    assert (mine.balance().available, mine.balance().pending) == (1, 0)
    post_many(mine, [transaction(one.reference, *one.postings) for one in early[::-1]][::-1])
    assert mine.balance().available == 101
    assert mine.problems() == []


def test_a_batch_of_more_than_one_look_up_is_posted_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "LOOKED_UP_AT_ONCE", 2)
    mine = Books(database)
    story = [transaction(reference, *postings) for reference, postings in STORY]
    post_many(mine, story[:5])
    post_many(mine, story)
    assert mine.balance().available == 30
    assert mine.problems() == []


def test_other_content_under_a_known_reference_is_refused_and_changes_nothing(database: Database) -> None:
    mine = Books(database)
    mine.post("b", p(EXPENSE, pending(ANA), 5, "EUR"))
    before = mine.balances()
    with pytest.raises(books.ReferenceReused):
        post_many(
            mine,
            [
                transaction("a", p(EXPENSE, pending(ANA), 1, "EUR")),
                transaction("b", p(EXPENSE, pending(ANA), 6, "EUR")),
            ],
        )
    assert mine.balances() == before


def test_an_overdraft_on_the_way_is_refused_though_the_end_would_be_above_zero(database: Database) -> None:
    mine = Books(database)
    with pytest.raises(books.InsufficientFunds) as refused:
        post_many(
            mine,
            [
                transaction("spends", p(available(ANA), LAPSED, 5, "EUR")),
                transaction("earns", p(EXPENSE, available(ANA), 9, "EUR")),
            ],
        )
    assert (refused.value.balance, refused.value.wanted) == (0, 5)
    assert mine.balances() == {}


def test_a_transaction_whose_accounts_all_fall_is_posted_too(database: Database) -> None:
    mine = Books(database)
    mine.post("has", p(EXPENSE, available(ANA), 9, "EUR"), p(owed(ANA), EXPENSE, 4, "EUR"))
    mine.post("pays", p(available(ANA), owed(ANA), 1, "EUR"))
    post_many(mine, [transaction("pays-again", p(available(ANA), owed(ANA), 3, "EUR"))])
    assert (mine.balance().available, mine.balance().owed) == (5, 0)
    assert mine.problems() == []
