"""Large books are proved by the worker; who asks gets the last proof, or is told to come again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import insert, text, update
from sqlalchemy.orm import Session

from service import worker
from service.books import audit, verifications
from service.books.tables import VerificationRun
from service.database.engine import Database
from service.ids import new_id
from service.ledger import proof
from tests.functional.conftest import CommandLine
from tests.functional.test_lives_of_processes import until, working
from tests.shop import Shop

PATH = "/ledger/verification"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Books are large from the third transaction on."""
    monkeypatch.setattr(verifications, "AT_ONCE", 2)


@pytest.fixture
def large(shop: Shop) -> Shop:
    code = shop.link(shop.program())["code"]
    for _ in range(3):
        shop.order(referral=code)
    return shop


def verify(database: Database) -> None:
    """As the worker does beside its rounds."""
    verifications.verify_asked(database, datetime.now(UTC))


def test_small_books_are_proved_at_once(shop: Shop, database: Database) -> None:
    shop.order(referral=shop.link(shop.program())["code"])
    before = datetime.now(UTC)
    told = shop.get(PATH)
    assert (told["ok"], told["transactions"]) == (True, 1)
    assert datetime.fromisoformat(told["verified_at"]) >= before
    with database.reading() as session:
        assert VerificationRun.asked(session, abandoned_before=before) == []


def test_large_books_are_proved_by_the_worker_and_told_until_there_is_a_newer_proof(
    large: Shop, database: Database
) -> None:
    problem = large.get(PATH, status=503)
    assert problem["type"].endswith("#catching-up")
    assert "being verified" in problem["detail"]
    worker.whole_round(database)
    first = large.get(PATH)
    assert (first["ok"], first["transactions"], first["problems"]) == (True, 9, [])
    large.order(referral=large.link(large.program(), "eve")["code"])
    assert large.get(PATH) == first, "it is younger than a minute"
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2)):
        assert large.get(PATH) == first, "and asks for a newer one"
        assert large.get(PATH) == first
        verify(database)
        second = large.get(PATH)
    assert (second["ok"], second["transactions"]) == (True, 10)
    assert second["verified_at"] > first["verified_at"]


def test_a_head_that_was_kept_is_looked_for(large: Shop, database: Database) -> None:
    worker.round_of_upkeep(database, now=datetime.now(UTC))
    large.get(PATH, status=503)
    verify(database)
    head = large.get(PATH)["head"]
    other = "0" * 64
    for kept, problem in (
        (head, None),
        (f"1:{head}", None),
        (other, "no block has the hash"),
        (f"1:{other}", "this is another history"),
        (f"2:{other}", "the books end with block 1"),
        (f"2:{head}", "the books end with block 1"),
    ):
        told = large.get(f"{PATH}?head={kept}")
        assert (told["ok"], len(told["problems"])) == (problem is None, 0 if problem is None else 1)
        assert problem is None or problem in told["problems"][0]
    large.get(f"{PATH}?head=nonsense", status=422)


def test_what_is_wrong_is_told(large: Shop, database: Database) -> None:
    large.get(PATH, status=503)
    with database.engine.begin() as connection:
        name = large.merchant_id.hex if database.is_sqlite else large.merchant_id
        balances = "UPDATE balance SET amount = amount + 1 WHERE kind = 'pending' AND merchant_id = "
        connection.exec_driver_sql(f"{balances}'{name}'")
    verify(database)
    told = large.get(PATH)
    assert not told["ok"]
    assert any("pending" in problem for problem in told["problems"])


def test_who_waits_is_told_how_far_it_came_and_one_worker_runs_it(
    large: Shop, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifications, "BEAT_SECONDS", 0.05)
    large.get(PATH, status=503)
    really, details = audit.report, list[str]()

    def looked(session: Session, merchant_id: UUID, books: proof.Verification) -> audit.Report:
        verify(database)  # another worker, which finds that it is run already
        books.transactions = 2
        if not database.is_sqlite:
            until(lambda: "2 transactions" in large.get(PATH, status=503)["detail"])
        details.append(large.get(PATH, status=503)["detail"])
        books.transactions = 0
        return really(session, merchant_id, books)

    monkeypatch.setattr(audit, "report", looked)
    verify(database)
    assert large.get(PATH)["ok"]
    assert len(details) == 1


def as_if(database: Database, shop: Shop, **columns: Any) -> None:
    with database.engine.begin() as connection:
        mine = VerificationRun.merchant_id == shop.merchant_id
        connection.execute(update(VerificationRun).where(mine).values(columns))


def test_a_run_whose_worker_died_is_begun_again(large: Shop, database: Database) -> None:
    large.get(PATH, status=503)
    long_ago = datetime.now(UTC) - timedelta(minutes=2)
    for touched_at, status in ((datetime.now(UTC), 503), (long_ago, 200)):
        as_if(database, large, run_id=new_id(), touched_at=touched_at)
        verify(database)
        large.get(PATH, status=status)


def test_who_was_taken_for_dead_does_not_replace_a_newer_proof(large: Shop, database: Database) -> None:
    large.get(PATH, status=503)
    verify(database)
    told = large.get(PATH)
    verified_at = datetime.fromisoformat(told["verified_at"])
    older: dict[str, Any] = {
        "merchant_id": large.merchant_id,
        "document": {},
        "verified_at": verified_at - timedelta(seconds=1),
    }
    assert not database.write(lambda session: verifications._finish(session, **older))
    assert large.get(PATH) == told


def test_a_run_that_fails_is_made_again_later(
    large: Shop, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    large.get(PATH, status=503)
    really = audit.report

    def fails(session: Session, merchant_id: UUID, books: proof.Verification) -> audit.Report:
        session.execute(text("SELECT nothing"))
        raise AssertionError("unreachable")

    monkeypatch.setattr(audit, "report", fails)
    verify(database)
    assert "could not be verified" in caplog.text
    large.get(PATH, status=503)
    monkeypatch.setattr(audit, "report", really)
    as_if(database, large, touched_at=datetime.now(UTC) - timedelta(minutes=2))
    verify(database)
    assert large.get(PATH)["ok"]


def test_where_what_is_done_beside_dies_the_worker_does(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(_database: Database, _now: datetime) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "BESIDE", (broken,))
    monkeypatch.setattr("service.worker.signal.signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ZeroDivisionError):
        worker.rounds(database, every_seconds=0)


def test_another_merchant_asks_for_themselves(large: Shop, new_shop: Callable[[], Shop], database: Database) -> None:
    other = new_shop()
    large.get(PATH, status=503)
    assert other.get(PATH)["transactions"] == 0
    verify(database)
    assert (large.get(PATH)["transactions"], other.get(PATH)["transactions"]) == (3, 0)


def test_a_worker_verifies_beside_its_rounds(
    backend: str, migrated_database_url: Callable[[str], str], tmp_path: Path
) -> None:
    url = migrated_database_url(backend)
    merchant_id = UUID(CommandLine(url, tmp_path).merchant()["merchant_id"])
    database = Database(url)
    with database.engine.begin() as connection:
        connection.execute(
            insert(VerificationRun).values(
                merchant_id=merchant_id,
                is_asked=True,
                asked_at=datetime.now(UTC),
                looked_at=0,
                touched_at=datetime.now(UTC),
            )
        )
    with working(url, tmp_path):

        def is_done() -> bool:
            with database.reading() as session:
                run = session.get_one(VerificationRun, merchant_id)
                return run.report is not None and run.report["ok"] is True

        until(is_done)
    database.dispose()
