"""Whoever reads a whole journal reads each row of it so many times, however long it is."""

import pytest

from service.database.engine import Database
from service.ledger import scan
from service.ledger.books import EXPENSE, pending
from tests.ledger.books import ANA, Books, p
from tests.statements import rows_read

FEW, MANY = 200, 1_000


@pytest.mark.parametrize("is_analysed", [False, True])
def test_verifying_reads_a_row_as_often_in_a_long_journal_as_in_a_short_one(
    young: Database, monkeypatch: pytest.MonkeyPatch, *, is_analysed: bool
) -> None:
    monkeypatch.setattr(scan, "BATCH", 20)

    def rows_read_for_each(transactions: int) -> float:
        books = Books(young)
        for number in range(transactions):
            books.post(f"order:{number}", p(EXPENSE, pending(ANA), 100, "EUR"))
        while books.seal():
            pass
        if is_analysed:
            with young.engine.begin() as connection:
                connection.exec_driver_sql("ANALYZE")
        before = rows_read(young)
        assert books.problems() == []
        return (rows_read(young) - before) / transactions

    first = rows_read_for_each(FEW)
    assert rows_read_for_each(MANY) <= first * 1.5  # those of the short one may be read along, where all are counted
