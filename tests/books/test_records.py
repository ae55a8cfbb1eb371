"""What the business keeps besides the books is sealed too: an edit behind our back is found and named."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from service.books import audit
from service.books.upkeep import seal_records
from service.conversions.tables import conversions
from service.conversions.tables.conversions import Conversion
from service.database.engine import Database
from tests import citus
from tests.conversions.test_lives import amend, void
from tests.shop import Shop


@pytest.fixture
def lived(shop: Shop, database: Database) -> dict[str, dict[str, Any]]:
    """Orders of all kinds, a redemption that was captured and returned in part, and all of it sealed."""
    code = shop.link(shop.program(reward_expiry_days=30))["code"]
    earning = shop.order("ben", referral=code)
    plain = shop.order("cleo")
    shop.refund(plain, 100, "r-1")
    amend(shop, plain, "a-1", 4000)
    void(shop, shop.order("dan"))
    declined = shop.order("ana", referral=code)
    at = f"/redemptions/{shop.reserve('ana', 500)['redemption_id']}"
    shop.post(f"{at}/capture", {"amount": 400}, status=200)
    redemption = shop.post(f"{at}/returns", {"return_id": "b-1", "amount": 100})
    seal(database)
    assert found(shop, database) == []
    return {"earning": earning, "plain": plain, "declined": declined, "redemption": redemption}


def seal(database: Database) -> None:
    """As the worker's next round does."""
    seal_records(database, datetime.now(UTC))


def found(shop: Shop, database: Database) -> list[str]:
    """What the audit finds."""
    with database.reading() as session:
        return list(audit.problems(session, shop.merchant_id))


def found_after(shop: Shop, database: Database, change: str, row_id: str | None = None) -> list[str]:
    """What the audit finds after this change behind all guards. All of it is undone."""
    row = UUID(row_id) if row_id else None
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if database.is_sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
            for name in names:
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            citus.let_guards_be()
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        try:
            key = row.hex if row and database.is_sqlite else row
            connection.execute(text(change), {"id": key} if row else {})
            with Session(connection) as session:
                return list(audit.problems(session, shop.merchant_id))
        finally:
            connection.rollback()
            if database.is_sqlite:
                driver.execute("PRAGMA ignore_check_constraints=OFF")
                driver.execute("PRAGMA foreign_keys=ON")


EDITS = [
    (which, "conversion", f"UPDATE conversion SET {column}")
    for which in ("plain", "declined", "earning")
    for column in (
        "amount = amount + 1",
        "eligible_amount = eligible_amount + 1",
        "discount_amount = discount_amount + 1",
        "refunded_amount = refunded_amount + 1",
        "status = 'declined', advocate_id = NULL, reasons = '[]'",
        "customer_id = 'dan'",
        "currency = 'USD'",
        "ordered_at = recorded_at, recorded_at = ordered_at, order_id = 'other'",
    )
] + [
    ("redemption", "redemption", f"UPDATE redemption SET {column}")
    for column in (
        "captured_amount = captured_amount - 1",
        "returned_amount = returned_amount + 1",
        "amount = amount + 1",
        "order_id = 'other'",
        "status = 'voided', captured_amount = NULL, returned_amount = 0",
    )
]


@pytest.mark.parametrize(("which", "table", "change"), EDITS)
def test_an_edit_behind_our_back_is_found_and_named(
    shop: Shop, database: Database, lived: dict[str, dict[str, Any]], which: str, table: str, change: str
) -> None:
    row_id = lived[which][f"{table}_id"]
    problems = found_after(shop, database, f"{change} WHERE {table}_id = :id", row_id)
    assert any(row_id in problem for problem in problems)


@pytest.mark.parametrize(
    "change",
    [
        "lapsed_amount = 1",
        "amount = amount + 1",
        "status = 'reversed', left_amount = 0",
        "is_ripe = false, left_amount = 0",
    ],
)
def test_an_edit_of_a_reward_is_found(
    shop: Shop, database: Database, lived: dict[str, dict[str, Any]], change: str
) -> None:
    reward_id = lived["earning"]["rewards"][0]["reward_id"]
    assert found_after(shop, database, f"UPDATE reward SET {change} WHERE reward_id = :id", reward_id) != []


@pytest.mark.parametrize("which", ["plain", "declined", "redemption"])
def test_a_record_that_was_deleted_is_missed(
    shop: Shop, database: Database, lived: dict[str, dict[str, Any]], which: str
) -> None:
    table = "redemption" if which == "redemption" else "conversion"
    row_id = lived[which][f"{table}_id"]
    problems = found_after(shop, database, f"DELETE FROM {table} WHERE {table}_id = :id", row_id)
    assert f"{table} {row_id} was sealed, and is gone" in problems


def test_what_we_change_ourselves_is_sealed_anew(
    shop: Shop, database: Database, lived: dict[str, dict[str, Any]]
) -> None:
    plain, redemption = lived["plain"], lived["redemption"]
    shop.refund(plain, 200, "r-2")
    shop.post(f"/conversions/{plain['conversion_id']}/refunds/r-2/reverse", status=200)
    shop.post(f"/redemptions/{redemption['redemption_id']}/returns", {"return_id": "b-2", "amount": 300})
    assert found(shop, database) == []
    seal(database)
    assert found(shop, database) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE record_seal SET noun = 'redemption'",
        "UPDATE record_block SET number = number + 10",
        "DELETE FROM record_seal",
        "UPDATE record_seal SET digest = (SELECT hash FROM record_block LIMIT 1)",
    ],
)
def test_a_broken_chain_is_named(shop: Shop, database: Database, lived: dict[str, dict[str, Any]], change: str) -> None:
    assert any(problem.startswith("record block") for problem in found_after(shop, database, change))


def test_strangers_records_are_sealed_apart(
    shop: Shop, new_shop: Callable[[], Shop], database: Database, lived: dict[str, dict[str, Any]]
) -> None:
    other = new_shop()
    other.order("ben")
    seal(database)
    assert found(other, database) == found(shop, database) == []


def test_a_seal_that_came_while_a_record_was_being_changed_does_not_stay(shop: Shop, database: Database) -> None:
    order = UUID(shop.order("ben")["conversion_id"])

    def change(session: Session) -> None:
        conversion = session.get_one(Conversion, (shop.merchant_id, order))
        conversions.mark_sealed(session, shop.merchant_id, [order])
        conversion.refunded_amount = 0
        conversion.to_be_sealed()

    database.write(change)
    with database.reading() as session:
        assert session.get_one(Conversion, (shop.merchant_id, order)).is_sealed is False
