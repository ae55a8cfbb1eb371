"""Every column of every table about money, changed by the least step: it is named, or a page says why not.

On SQLite, whose checks can be switched off for a moment; what looks is the same on both.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Table, select, text
from sqlalchemy.orm import Session

from service import worker
from service.books import audit, pointers
from service.database.engine import Database
from service.merchants.tables import Merchant
from tests.conversions.test_lives import amend, void
from tests.shop import TEN_PERCENT, Shop
from tests.test_health import new_shop_of, of

PAGE = Path(__file__).parents[2] / "docs/auditors.md"
TABLES: list[Any] = [Merchant.__table__, *(kind.__table__ for kind in pointers.KINDS)]
EXPLAINED = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", PAGE.read_text().partition("| no proof of | why |")[2]))
OTHERS: Mapping[type, Any] = {
    UUID: UUID(int=1),
    datetime: datetime(2026, 1, 1, tzinfo=UTC),
    int: 1,
    str: "x",
    bool: True,
    bytes: b"x",
}


@pytest.fixture(scope="module")
def shop_and_database(migrated_database_url: Callable[[str], str]) -> Iterator[tuple[Shop, Database]]:
    app = of(migrated_database_url("sqlite"))
    shop = new_shop_of(app)
    database: Database = app.extensions["orchard"].database
    live(shop, database)
    yield shop, database
    database.dispose()


def live(shop: Shop, database: Database) -> None:
    """A story in which every table about money gets rows, some of which time has ended, and all of it is sealed."""
    program = shop.program(reward_expiry_days=30, friend_reward={**TEN_PERCENT, "as": "discount"})
    link = shop.link(program)
    long_ago = (datetime.now(UTC) - timedelta(days=40)).isoformat()
    shop.order("abe", referral=link["code"], ordered_at=long_ago)
    earning = shop.order("ben", referral=link["code"])
    shop.refund(earning, 1000, "r-1")
    shop.refund(earning, 500, "r-2")
    shop.post(f"/conversions/{earning['conversion_id']}/refunds/r-2/reverse", status=200)
    amend(shop, shop.order("cleo"), "a-1", 4000)
    void(shop, shop.order("dan", referral=link["code"]))
    asked = {"customer_id": "ana", "amount": 500, "currency": "EUR", "order_id": "paid"}
    at = f"/redemptions/{shop.post('/redemptions', asked)['redemption_id']}"
    shop.post(f"{at}/capture", {"amount": 400}, status=200)
    shop.post(f"{at}/returns", {"return_id": "b-1", "amount": 100})
    said = {"customer_id": "ana", "currency": "EUR", "note": "Thank you."}
    shop.post("/ledger/adjustments", {**said, "direction": "credit", "amount": 70})
    shop.order("eve", referral=shop.link(program, "gus")["code"])
    shop.post("/customers/ana/merge", {"from": "gus"}, status=200)
    worker.round_of_upkeep(database, now=datetime.now(UTC))
    assert problems_of(shop, database) == []


def problems_of(shop: Shop, database: Database) -> list[str]:
    with database.reading() as session:
        return audit.verify(session, shop.merchant_id).problems


def other(column: Column[Any], value: Any) -> Any:
    """The least change to a value of this kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, UUID):
        return UUID(int=value.int ^ 1)
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if value and isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:]
    if value and isinstance(value, str):
        return value[:-1] + chr(ord(value[-1]) ^ 16)
    if isinstance(value, list):
        return [*value, "more"]
    if isinstance(value, dict):
        return {**value, "more": "more"}
    kind = getattr(column.type, "impl", column.type).python_type
    return OTHERS.get(kind, {"referral": "x", "overrule": []})


def named_after(shop: Shop, database: Database, table: Table, column: Column[Any], row: dict[str, Any]) -> bool:
    """Whether anything is named after this value was changed behind all guards. All of it is undone."""
    with database.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("PRAGMA ignore_check_constraints=ON")
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        try:
            mine = [key == row[key.name] for key in table.primary_key.columns]
            connection.execute(table.update().where(*mine).values({column: other(column, row[column.name])}))
            with Session(connection) as session:
                return audit.verify(session, shop.merchant_id).problems != []
        finally:
            connection.rollback()
            driver.execute("PRAGMA ignore_check_constraints=OFF")
            driver.execute("PRAGMA foreign_keys=ON")


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_a_change_of_any_column_is_named_or_a_page_says_why_not(
    shop_and_database: tuple[Shop, Database], table: Table
) -> None:
    shop, database = shop_and_database
    with database.engine.connect() as connection:
        mine = select(table).where(table.c.merchant_id == shop.merchant_id).order_by(*table.primary_key.columns)
        rows = [dict(row) for row in connection.execute(mine.limit(2)).mappings()]
    assert rows
    unnamed = {
        f"{table.name}.{column.name}"
        for column in table.columns
        if not all(named_after(shop, database, table, column, row) for row in rows)
    }
    assert unnamed == {name for name in EXPLAINED if name.startswith(f"{table.name}.")}
