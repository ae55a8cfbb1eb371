"""PostgreSQL is told what it cannot know of tables that are new, and keeps what it found out by itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from service.database.engine import Database
from service.merchants import keys
from service.migrations import schema

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BELIEVED = text(
    "SELECT c.relname, s.stadistinct FROM pg_class AS c"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = :column"
    " LEFT JOIN pg_statistic AS s ON s.starelid = c.oid AND s.staattnum = a.attnum"
    " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
)


@pytest.fixture
def young(migrated_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A PostgreSQL database that was just migrated."""
    database = Database(migrated_database_url("postgresql"))
    yield database
    database.dispose()


def distinct(database: Database, column: str) -> dict[str, float | None]:
    """How many values the planner believes a column of each table to have; less than 0 for a share of the rows."""
    with database.statements() as connection:
        return {row.relname: row.stadistinct for row in connection.execute(BELIEVED, {"column": column})}


@pytest.mark.parametrize("column", ["merchant_id", "program_id", "advocate_id"])
def test_a_new_database_believes_that_what_all_may_share_narrows_nothing_down(young: Database, column: str) -> None:
    believed = distinct(young, column)
    assert {"conversion", "reward", "referral"} <= set(believed)
    assert {of for table, of in believed.items() if (table, column) != ("program", "program_id")} == {1}


@pytest.mark.parametrize(
    ("table", "column"),
    [("conversion", "order_id"), ("referral", "friend_id"), ("customer", "customer_id"), ("conversion", "customer_id")],
)
def test_a_new_database_believes_that_few_rows_are_of_one_order_or_customer(
    young: Database, table: str, column: str
) -> None:
    assert distinct(young, column)[table] == -1


def test_what_the_database_found_out_is_not_overruled(young: Database) -> None:
    for _ in range(100):
        young.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=NOW))
    young.count_anew("merchant")
    found = distinct(young, "merchant_id")
    assert found["merchant"] == -1  # as many as it has rows
    schema.upgrade(young)
    assert distinct(young, "merchant_id") == found
