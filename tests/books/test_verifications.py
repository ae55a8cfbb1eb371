"""Large books are proved by the worker; who asks gets the last proof, or is told to come again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import insert, update

from service import worker
from service.books import audit, verifications
from service.books.tables import VerificationRun
from service.database.engine import Database
from service.ledger import scan
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
    for kept, problems in ((head, 0), (f"1:{head}", 0), ("0" * 64, 1)):
        large.get(f"{PATH}?head={kept}", status=503)
        verify(database)
        told = large.get(f"{PATH}?head={kept}")
        assert (told["ok"], len(told["problems"])) == (not problems, problems)
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
    monkeypatch.setattr(scan, "BATCH", 1)
    large.get(PATH, status=503)
    seen: list[str] = []
    really = audit.verify

    def looked(*arguments: Any, **more: Any) -> audit.Report:
        verify(database)  # another worker, which finds that it is run already
        report = really(*arguments, **more)
        if not database.is_sqlite:
            seen.append(large.get(PATH, status=503)["detail"])
        return report

    monkeypatch.setattr(audit, "verify", looked)
    verify(database)
    assert large.get(PATH)["ok"]
    assert all("3 transactions were looked at" in detail for detail in seen)


def test_a_run_whose_worker_died_is_begun_again(large: Shop, database: Database) -> None:
    large.get(PATH, status=503)
    long_ago = datetime.now(UTC) - timedelta(minutes=6)
    for touched_at, status in ((datetime.now(UTC), 503), (long_ago, 200)):
        with database.engine.begin() as connection:
            mine = VerificationRun.merchant_id == large.merchant_id
            connection.execute(update(VerificationRun).where(mine).values(is_running=True, touched_at=touched_at))
        verify(database)
        large.get(PATH, status=status)


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
                is_running=False,
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
