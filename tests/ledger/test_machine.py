"""Any order of everything that the facade can do, beside a model that is a dictionary. After each step all invariants
hold: see `invariants`.
"""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from service.database.engine import Database
from service.ledger import proof
from service.ledger.accounts import DEBIT_NORMAL
from service.ledger.books import (
    ADJUSTMENTS,
    EXPENSE,
    LAPSED,
    SETTLED,
    Account,
    InsufficientFunds,
    Posting,
    ReferenceReused,
    Transaction,
    available,
    owed,
    pending,
    reserved,
)
from tests.ledger.books import NOW, Books, p
from tests.ledger.test_rebuild import run as rebuild

owners = st.sampled_from(["a" * 32, "b" * 32, "c-1"])
amounts = st.one_of(st.integers(1, 100), st.integers(1, 10**12))
sources = st.sampled_from([pending, available])
currencies = st.sampled_from(["EUR", "JPY", "KWD"])


Known = tuple[tuple[Posting, ...], UUID]
"""What was posted under a reference, and the transaction's id."""


class Machine(RuleBasedStateMachine):
    """One merchant's books, and what they should be."""

    database: Database
    holds = Bundle("holds")
    posted = Bundle("posted")

    @initialize()
    def open_books(self) -> None:
        self.books = Books(self.database)
        self.model: Counter[tuple[Account, str]] = Counter()
        self.contents: dict[str, Known] = {}
        self.number = 0
        self.settled: set[str] = set()

    @rule(target=posted, owner=owners, amount=amounts, discount=st.integers(0, 50), currency=currencies)
    def earn(self, owner: str, amount: int, discount: int, currency: str) -> str:
        given = [p(EXPENSE, SETTLED, discount, currency)] if discount else []
        return self.step("earn", p(EXPENSE, pending(owner), amount, currency), *given)

    @rule(target=posted, owner=owners, amount=amounts, currency=currencies)
    def ripen(self, owner: str, amount: int, currency: str) -> str:
        debt = min(self.model[owed(owner), currency], amount)
        paid = [p(available(owner), owed(owner), debt, currency)] if debt else []
        return self.step("ripen", p(pending(owner), available(owner), amount, currency), *paid)

    @rule(target=holds, owner=owners, amount=amounts, currency=currencies)
    def reserve(self, owner: str, amount: int, currency: str) -> tuple[str, str, int, str]:
        reference = self.step("reserve", p(available(owner), reserved(owner), amount, currency))
        return reference, owner, amount, currency

    @rule(hold=holds, part=st.integers(0, 100))
    def settle(self, hold: tuple[str, str, int, str], part: int) -> None:
        """Capture, wholly or in part, or void: one reference, so at most once with one content."""
        reference, owner, amount, currency = hold
        if reference not in self.contents:
            return
        spent = amount * part // 100
        parts = [(SETTLED, spent), (available(owner), amount - spent)]
        postings = [p(reserved(owner), account, size, currency) for account, size in parts if size]
        self.step("settle", *postings, reference=f"{reference}:settlement")

    @rule(
        target=posted, owner=owners, amount=amounts, currency=currencies, source=st.sampled_from([pending, available])
    )
    def reverse(self, owner: str, amount: int, currency: str, source: object) -> str:
        account = source(owner)  # type: ignore[operator]
        there = min(amount, self.model[account, currency])
        parts = [(account, there), (owed(owner), amount - there)]
        return self.step("reverse", *[p(one, EXPENSE, size, currency) for one, size in parts if size])

    @rule(target=posted, owner=owners, amount=amounts, currency=currencies)
    def lapse(self, owner: str, amount: int, currency: str) -> str:
        return self.step("lapse", p(available(owner), LAPSED, amount, currency))

    @rule(target=posted, owner=owners, amount=amounts, currency=currencies, adds=st.booleans())
    def adjust(self, owner: str, amount: int, currency: str, adds: bool) -> str:
        sides = (ADJUSTMENTS, available(owner)) if adds else (available(owner), ADJUSTMENTS)
        return self.step("adjust", p(*sides, amount, currency))

    @rule(target=posted, one=owners, other=owners, amount=amounts, currency=currencies)
    def move(self, one: str, other: str, amount: int, currency: str) -> str:
        if one == other:
            return ""
        return self.step("move", p(available(one), available(other), amount, currency))

    @rule(reference=posted)
    def repeat(self, reference: str) -> None:
        """The same again is the same transaction."""
        if reference in self.contents:
            postings, transaction_id = self.contents[reference]
            assert self.post(reference, *postings).transaction_id == transaction_id

    @rule(reference=posted, amount=st.integers(1, 5))
    def contradict(self, reference: str, amount: int) -> None:
        """The same reference with other content is refused."""
        if reference in self.contents:
            postings, _ = self.contents[reference]
            with pytest.raises((ReferenceReused, InsufficientFunds)):
                self.post(reference, *postings, p(EXPENSE, SETTLED, amount, "USD"))

    @rule()
    def seal(self) -> None:
        self.number += 1
        self.books.seal(NOW + timedelta(seconds=self.number))

    @rule()
    def rebuild(self) -> None:
        assert [step.mended for step in rebuild(self.books)] == [[]]

    def step(self, event: str, *postings: Posting, reference: str = "") -> str:
        """Post this, and expect what the model expects; the reference, empty where it was refused."""
        self.number += 1
        reference = reference or f"{event}:{self.number}"
        known = self.contents.get(reference)
        after = self.after(postings)
        if known is not None:
            self.expect_known(reference, postings, known)
            return reference
        if any(amount < 0 and account.owner for (account, _), amount in after.items()):
            with pytest.raises(InsufficientFunds):
                self.post(reference, *postings)
            return ""
        self.contents[reference] = (postings, self.post(reference, *postings).transaction_id)
        self.model = after
        return reference

    def expect_known(
        self, reference: str, postings: tuple[Posting, ...], known: tuple[tuple[Posting, ...], UUID]
    ) -> None:
        if postings == known[0]:
            assert self.post(reference, *postings).transaction_id == known[1]
        else:
            with pytest.raises(ReferenceReused):
                self.post(reference, *postings)

    def post(self, reference: str, *postings: Posting) -> Transaction:
        return self.books.post(reference, *postings)

    def after(self, postings: tuple[Posting, ...]) -> Counter[tuple[Account, str]]:
        """The model once these were posted."""
        after = self.model.copy()
        for posting in postings:
            for account, sign in ((posting.debit, 1), (posting.credit, -1)):
                side = 1 if account.kind in DEBIT_NORMAL else -1
                after[account, posting.currency] += sign * side * posting.amount
        return after

    @invariant()
    @precondition(lambda self: hasattr(self, "books"))
    def the_books_hold(self) -> None:
        """Balances are the model's; debits equal credits; nobody is below zero; the audit finds nothing."""
        kept = {key: amount for key, amount in self.books.balances().items() if amount}
        assert kept == {
            (account.name, currency): amount for (account, currency), amount in self.model.items() if amount
        }
        with self.database.reading() as session:
            lines = proof.trial_balance(session, self.books.merchant_id)
            size = proof.count_books(session, self.books.merchant_id)
        for currency in ("EUR", "JPY", "KWD"):
            assert sum(x.debit - x.credit for x in lines if x.currency == currency) == 0
        assert size.transactions == len(self.contents)
        assert size.postings == sum(len(postings) for postings, _ in self.contents.values())
        assert self.books.problems() == []


@pytest.mark.soak
def test_any_order_of_everything_keeps_all_invariants(database: Database, is_soak: bool) -> None:
    machine = type("Here", (Machine,), {"database": database})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=30 if is_soak else 10, stateful_step_count=40, deadline=None)
    )
