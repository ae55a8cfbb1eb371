"""Trial balance as of any time, statements of accounts, and what is owed to customers by month and by age."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from service.database.engine import Database
from service.ledger import proof
from service.ledger.books import (
    ADJUSTMENTS,
    EXPENSE,
    LAPSED,
    SETTLED,
    AccountEntry,
    available,
    entries_of_account,
    owed,
    pending,
    reserved,
)
from service.ledger.proof import Basis
from tests.ledger.books import ANA, BEN, Books, p

JAN, FEB, MAR = (datetime(2026, month, 10, 12, tzinfo=UTC) for month in (1, 2, 3))
DAY = timedelta(days=1)


def of_kinds(books: Books, as_of: datetime | None = None, basis: Basis = "effective") -> dict[str, int]:
    """kind of account -> its balance in euros, positive for a debit; the sides are checked to be equal."""
    with books.database.reading() as session:
        lines = proof.trial_balance(session, books.merchant_id, as_of=as_of, basis=basis)
    assert sum(line.debit for line in lines) == sum(line.credit for line in lines)
    return {line.account: line.debit - line.credit for line in lines if line.debit or line.credit}


def test_a_trial_balance_of_now_is_the_one_as_of_now(database: Database) -> None:
    books = Books(database)
    books.fill()
    with database.reading() as session:
        now = proof.trial_balance(session, books.merchant_id)
        for basis in ("effective", "recorded"):
            assert proof.trial_balance(session, books.merchant_id, as_of=MAR, basis=basis) == now


def test_a_late_entry_changes_what_was_by_its_effect_and_not_what_was_recorded(database: Database) -> None:
    books = Books(database)
    books.post("a", p(EXPENSE, pending(ANA), 100, "EUR"), at=JAN, recorded_at=JAN)
    books.post("late", p(EXPENSE, pending(ANA), 11, "EUR"), at=JAN + DAY, recorded_at=MAR)
    assert of_kinds(books, JAN) == {"expense:rewards": 100, "pending": -100}
    assert of_kinds(books, JAN - timedelta(microseconds=1)) == {}
    assert of_kinds(books, FEB) == {"expense:rewards": 111, "pending": -111}
    assert of_kinds(books, FEB, "recorded") == {"expense:rewards": 100, "pending": -100}
    assert of_kinds(books) == of_kinds(books, MAR, "recorded") == of_kinds(books, FEB)


def test_a_statement_runs_back_from_the_balance_of_now_on_every_page(database: Database) -> None:
    books = Books(database)
    books.fill()
    account = available(ANA)
    with database.reading() as session:
        whole = entries_of_account(session, books.merchant_id, account, "EUR", limit=100)
        paged: list[AccountEntry] = []
        while page := entries_of_account(
            session,
            books.merchant_id,
            account,
            "EUR",
            limit=2,
            before=(paged[-1].transaction_id, paged[-1].line) if paged else None,
        ):
            paged += page
    assert paged == whole
    assert [entry.balance_after for entry in whole] == [55, 67, 117, 57, 207, 107, 1007, 1000]
    hot = EXPENSE
    with database.reading() as session:
        entries = entries_of_account(session, books.merchant_id, hot, "EUR", limit=100)
    assert [entry.balance_after for entry in entries] == [1370, 1360, 1300, 1350, 1500, 1000]


def test_the_liability_moves_by_month(database: Database) -> None:
    books = Books(database)
    books.post("a", p(EXPENSE, pending(ANA), 1000, "EUR"), p(EXPENSE, SETTLED, 500, "EUR"), at=JAN)
    books.post("b", p(pending(ANA), available(ANA), 1000, "EUR"), at=JAN)
    books.post("c", p(available(ANA), reserved(ANA), 600, "EUR"), at=FEB)
    books.post("d", p(reserved(ANA), SETTLED, 500, "EUR"), p(reserved(ANA), available(ANA), 100, "EUR"), at=FEB)
    books.post("e", p(ADJUSTMENTS, available(ANA), 30, "EUR"), p(available(ANA), ADJUSTMENTS, 10, "EUR"), at=FEB)
    books.post("f", p(available(ANA), EXPENSE, 100, "EUR"), p(owed(ANA), EXPENSE, 40, "EUR"), at=MAR)
    books.post("g", p(available(ANA), LAPSED, 20, "EUR"), p(available(ANA), owed(ANA), 40, "EUR"), at=MAR)
    books.post("h", p(EXPENSE, pending(BEN), 7, "JPY"), at=MAR)
    with database.reading() as session:
        months = proof.liability_by_month(session, books.merchant_id, as_of=MAR, basis="effective")
        until_feb = proof.liability_by_month(session, books.merchant_id, as_of=FEB, basis="effective")
        ages = proof.liability_by_age(session, books.merchant_id, as_of=MAR, basis="effective")
    assert months == [
        proof.MonthOfLiability("2026-01", "EUR", 0, earned=1000, closing=1000),
        proof.MonthOfLiability("2026-02", "EUR", 1000, added=30, removed=10, spent=500, closing=520),
        proof.MonthOfLiability("2026-03", "EUR", 520, taken_back=100, lapsed=20, debt_paid=40, closing=360),
        proof.MonthOfLiability("2026-03", "JPY", 0, earned=7, closing=7),
    ]
    assert until_feb == months[:2]
    assert ages == [
        proof.AgedLiability("EUR", 0, 30, 30),
        proof.AgedLiability("EUR", 30, 60, 330),
        proof.AgedLiability("JPY", 0, 30, 7),
    ]


def test_what_is_owed_ages_first_in_first_out_for_each_owner(database: Database) -> None:
    books = Books(database)
    for number, days in enumerate((400, 200, 89, 59, 29)):
        books.post(f"a{number}", p(EXPENSE, available(ANA), 100, "EUR"), at=MAR - days * DAY)
    books.post("b", p(EXPENSE, available(BEN), 5, "EUR"), at=MAR - 400 * DAY)
    books.post("spent", p(available(ANA), SETTLED, 230, "EUR"), at=MAR)
    with database.reading() as session:
        ages = proof.liability_by_age(session, books.merchant_id, as_of=MAR, basis="effective")
        before = proof.liability_by_age(session, books.merchant_id, as_of=MAR - DAY, basis="effective")
    assert [(age.from_days, age.to_days, age.amount) for age in ages] == [
        (0, 30, 100),
        (30, 60, 100),
        (60, 90, 70),
        (365, None, 5),
    ]
    assert sum(age.amount for age in before) == 505


def test_ages_and_months_add_up_to_the_trial_balance(database: Database) -> None:
    books = Books(database)
    books.fill()
    with database.reading() as session:
        for basis in ("effective", "recorded"):
            months = proof.liability_by_month(session, books.merchant_id, as_of=MAR, basis=basis)
            ages = proof.liability_by_age(session, books.merchant_id, as_of=MAR, basis=basis)
            lines = proof.trial_balance(session, books.merchant_id)
            for currency in ("EUR", "JPY", "KWD"):
                liable = sum(x.credit for x in lines if x.currency == currency and x.account in LIABLE)
                assert [month.closing for month in months if month.currency == currency][-1] == liable
                assert sum(age.amount for age in ages if age.currency == currency) == liable


LIABLE = ("pending", "available", "reserved")


def test_a_page_of_a_statement_is_looked_up_and_not_sorted_out_of_everything(database: Database) -> None:
    if not database.is_sqlite:
        return
    books = Books(database)
    books.fill()
    seen: list[str] = []
    with database.reading() as session:
        raw: Any = session.connection().connection.driver_connection
        raw.set_trace_callback(seen.append)
        entries_of_account(session, books.merchant_id, available(ANA), "EUR", limit=3)
        raw.set_trace_callback(None)
        statement = next(statement for statement in seen if "UNION ALL" in statement)
        plan = [row[3] for row in session.execute(text(f"EXPLAIN QUERY PLAN {statement.replace(':', chr(92) + ':')}"))]
    assert any("ix_posting_merchant_id_debit_transaction_id_line" in step for step in plan), plan
    assert any("ix_posting_merchant_id_credit_transaction_id_line" in step for step in plan), plan
