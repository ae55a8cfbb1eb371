"""Statements of owners and of accounts, page by page, beside a neighbour with the same names."""

from uuid import UUID

import pytest

from service.database.engine import Database
from service.ledger import books, proof
from service.ledger.books import (
    EXPENSE,
    SETTLED,
    InsufficientFunds,
    ReferenceReused,
    TransactionUnknown,
    available,
    pending,
    reserved,
)
from tests.ledger.books import ANA, BEN, Books, p

STORY = (
    ("earned", p(EXPENSE, pending(ANA), 1000, "EUR"), 0),
    ("ripened", p(pending(ANA), available(ANA), 1000, "EUR"), 1000),
    ("reserved", p(available(ANA), reserved(ANA), 600, "EUR"), 400),
    ("spent", p(reserved(ANA), SETTLED, 600, "EUR"), 400),
    ("refunded", p(available(ANA), EXPENSE, 150, "EUR"), 250),
)


@pytest.fixture
def told(database: Database) -> Books:
    """Ana's story in the books of two neighbours, in which each name stands for something of its own."""
    neighbour, mine = Books(database), Books(database)
    neighbour.post("earned", p(EXPENSE, available(ANA), 77, "EUR"))
    for reference, posting, _ in STORY:
        mine.post(reference, posting)
    mine.post("yen", p(EXPENSE, available(ANA), 30, "JPY"), p(EXPENSE, available(BEN), 5, "EUR"))
    return mine


def _entries(mine: Books, limit: int) -> list[tuple[str, str, int]]:
    """(reference, currency, available after) of all of Ana's entries, read in pages."""
    read, before = [], None
    with mine.database.reading() as session:
        while True:
            page, before = books.entries_of_owner(session, mine.merchant_id, ANA, limit=limit, before=before)
            assert len(page) <= limit
            read += [(entry.reference, entry.posting.currency, entry.available_after) for entry in page]
            if before is None:
                return read


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 50])
def test_each_entry_says_what_was_available_after_it_on_pages_of_any_size(told: Books, limit: int) -> None:
    newest_first = [("yen", "JPY", 30), *((name, "EUR", left) for name, _, left in reversed(STORY))]
    assert _entries(told, limit) == newest_first


@pytest.mark.parametrize("limit", [1, 2, 50])
def test_each_line_of_an_account_says_the_balance_after_it(told: Books, limit: int) -> None:
    read, before = [], None
    with told.database.reading() as session:
        while page := books.entries_of_account(
            session, told.merchant_id, available(ANA), "EUR", limit=limit, before=before
        ):
            assert len(page) <= limit
            read += [(entry.reference, entry.event, entry.balance_after) for entry in page]
            before = page[-1].transaction_id, page[-1].line
    assert read == [("refunded", "test", 250), ("reserved", "test", 400), ("ripened", "test", 1000)]


def test_an_account_without_entries_has_an_empty_statement(told: Books) -> None:
    with told.database.reading() as session:
        assert books.entries_of_account(session, told.merchant_id, available(ANA), "KWD", limit=5) == []


def test_a_transaction_is_read_by_its_own_id_and_no_other(told: Books) -> None:
    with told.database.reading() as session:
        newest, *older = books.transactions(session, told.merchant_id, limit=3)
        assert [newest.reference, *(one.reference for one in older)] == ["yen", "refunded", "spent"]
        assert books.transaction(session, told.merchant_id, older[0].transaction_id) == older[0]
        with pytest.raises(TransactionUnknown) as unknown:
            books.transaction(session, told.merchant_id, UUID(int=1))
    assert unknown.value.transaction_id == UUID(int=1)


def test_what_is_asked_by_name_is_the_merchants_own(told: Books) -> None:
    with told.database.reading() as session:
        moved = proof.movements_of(session, told.merchant_id, ["earned", "ripened", "none"])
        assert moved == {
            "earned": [("expense:rewards", f"pending:{ANA}", 1000)],
            "ripened": [(f"pending:{ANA}", f"available:{ANA}", 1000)],
        }
        names = set(proof.transaction_references(session, told.merchant_id))
        assert names == {"yen", *(reference for reference, _, _ in STORY)}


def test_a_refusal_carries_its_facts(told: Books) -> None:
    with pytest.raises(InsufficientFunds) as short:
        told.post("too-much", p(available(BEN), EXPENSE, 6, "EUR"))
    facts = short.value
    assert (facts.account, facts.currency, facts.balance, facts.wanted) == (f"available:{BEN}", "EUR", 5, 6)
    with pytest.raises(ReferenceReused) as reused:
        told.post("yen", p(EXPENSE, available(ANA), 31, "JPY"))
    assert reused.value.reference == "yen"
