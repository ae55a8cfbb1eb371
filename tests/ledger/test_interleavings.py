"""Two transactions over one set of books, step by step: each pair ends in one right state, whoever comes first.

As PostgreSQL's isolation tests do it: one transaction posts and holds its locks; the other one is seen to wait; then
the first commits or rolls back.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.ledger.books import (
    EXPENSE,
    SETTLED,
    InsufficientFunds,
    Posting,
    ReferenceReused,
    Transaction,
    available,
    pending,
    reserved,
)
from tests.ledger.books import ANA, BEN, Books, p, post

Step = tuple[str, list[Posting]]
"""reference, postings"""


@pytest.fixture
def books(postgres_database: Database) -> Books:
    """Ana and Ben have 1000 in each of their accounts."""
    books = Books(postgres_database)
    for owner in (ANA, BEN):
        steps = [p(EXPENSE, kind(owner), 1000, "EUR") for kind in (pending, available, reserved)]
        books.post(f"before:{owner}", *steps)
    return books


class Pair:
    """Two transactions that are open at once."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.one = Session(books.database.engine)
        self.other = Session(books.database.engine)
        self._pool = ThreadPoolExecutor(1)

    def post(self, session: Session, step: Step) -> Transaction:
        return post(session, self.books.merchant_id, step[0], *step[1])

    def start(self, session: Session, step: Step) -> "Future[Transaction]":
        return self._pool.submit(self.post, session, step)

    def close(self) -> None:
        self.one.close()
        self.other.close()
        self._pool.shutdown()


@contextmanager
def pair(books: Books) -> Iterator[Pair]:
    made = Pair(books)
    try:
        yield made
    finally:
        made.close()


SETTLE: Step = ("hold:settlement", [p(reserved(ANA), SETTLED, 1000, "EUR")])
VOID: Step = ("hold:settlement", [p(reserved(ANA), available(ANA), 1000, "EUR")])
RELEASE: Step = ("release", [p(pending(ANA), available(ANA), 1000, "EUR")])
REFUND: Step = ("refund", [p(pending(ANA), EXPENSE, 1000, "EUR")])
REVERSAL: Step = ("reversal:1", [p(available(ANA), EXPENSE, 600, "EUR")])
SECOND_REVERSAL: Step = ("reversal:2", [p(available(ANA), EXPENSE, 600, "EUR")])
THERE: Step = ("there", [p(available(ANA), available(BEN), 10, "EUR")])
BACK: Step = ("back", [p(available(BEN), available(ANA), 4, "EUR")])

REFUSED = [
    (SETTLE, VOID, ReferenceReused),
    (VOID, SETTLE, ReferenceReused),
    (RELEASE, REFUND, InsufficientFunds),
    (REFUND, RELEASE, InsufficientFunds),
    (REVERSAL, SECOND_REVERSAL, InsufficientFunds),
    (SECOND_REVERSAL, REVERSAL, InsufficientFunds),
]


def alone(books: Books, *steps: Step) -> dict[tuple[str, str], int]:
    """What the balances are where only these steps happened, in other books."""
    others = Books(books.database)
    for owner in (ANA, BEN):
        others.post(
            f"before:{owner}", *[p(EXPENSE, kind(owner), 1000, "EUR") for kind in (pending, available, reserved)]
        )
    for reference, postings in steps:
        others.post(reference, *postings)
    return others.balances()


@pytest.mark.parametrize(("first", "second", "error"), REFUSED)
def test_the_second_waits_and_is_refused_once_the_first_has_committed(
    books: Books, first: Step, second: Step, error: type[Exception]
) -> None:
    with pair(books) as two:
        two.post(two.one, first)
        waiting = two.start(two.other, second)
        _expect_waiting(waiting)
        two.one.commit()
        with pytest.raises(error):
            waiting.result(5)
        two.other.commit()
    assert books.balances() == alone(books, first)
    assert books.problems() == []


@pytest.mark.parametrize(("first", "second", "error"), REFUSED)
def test_the_second_goes_on_once_the_first_has_rolled_back(
    books: Books, first: Step, second: Step, error: type[Exception]
) -> None:
    with pair(books) as two:
        two.post(two.one, first)
        waiting = two.start(two.other, second)
        _expect_waiting(waiting)
        two.one.rollback()
        waiting.result(5)
        two.other.commit()
    assert books.balances() == alone(books, second)
    assert books.problems() == []


@pytest.mark.parametrize("step", [SETTLE, RELEASE, REVERSAL, ("earn", [p(EXPENSE, pending(ANA), 5, "EUR")])])
def test_the_same_step_twice_is_one_transaction(books: Books, step: Step) -> None:
    with pair(books) as two:
        made = two.post(two.one, step)
        waiting = two.start(two.other, step)
        _expect_waiting(waiting)
        two.one.commit()
        assert waiting.result(5).transaction_id == made.transaction_id
        two.other.commit()
    assert books.balances() == alone(books, step)


def test_opposite_transfers_wait_for_each_other_without_a_deadlock(books: Books) -> None:
    for first, second in ((THERE, BACK), (BACK, THERE)):
        with pair(books) as two:
            two.post(two.one, (f"{first[0]}:{second[0]}", first[1]))
            waiting = two.start(two.other, (f"{second[0]}:{first[0]}:2", second[1]))
            _expect_waiting(waiting)
            two.one.commit()
            waiting.result(5)
            two.other.commit()
    assert books.balance(ANA).available == 1000 - 2 * (10 - 4)
    assert books.balance(BEN).available == 1000 + 2 * (10 - 4)
    assert books.problems() == []


def test_a_storm_of_opposite_transfers_reaches_no_caller_as_an_error(books: Books) -> None:
    owners = [f"{number:032x}" for number in range(6)]

    def work(number: int) -> None:
        source, target = owners[number % 6], owners[(number * 5 + 1) % 6]
        books.post(f"open:{number}", p(EXPENSE, available(source), 3, "EUR"))
        if source != target:
            books.post(f"move:{number}", p(available(source), available(target), 2, "EUR"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(240)))
    assert books.problems() == []
    assert sum(books.balance(owner).available for owner in owners) == 3 * 240


def test_merchants_accounts_are_hot_and_nobody_waits_for_them(books: Books) -> None:
    """Two customers of one merchant earn at once: their transactions share the expense account, and mostly no row."""
    went_on = 0
    for number in range(8):
        with pair(books) as two:
            two.post(two.one, (f"a:{number}", [p(EXPENSE, pending(ANA), 1, "EUR")]))
            other = two.start(two.other, (f"b:{number}", [p(EXPENSE, pending(BEN), 1, "EUR")]))
            try:
                other.result(0.3)
                went_on += 1
            except StillWaiting:
                pass
            two.one.commit()
            other.result(5)
            two.other.commit()
    assert went_on >= 5
    assert books.problems() == []


def _expect_waiting(future: "Future[Any]") -> None:
    with pytest.raises(StillWaiting):
        future.result(0.2)
