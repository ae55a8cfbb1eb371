"""PostgreSQL is told what it cannot know of tables that are new, and keeps what it found out by itself."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from service.database.engine import Database
from service.merchants import keys
from service.migrations import schema

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OF_MERCHANTS = text(
    "SELECT c.relname, s.stadistinct FROM pg_class AS c"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'merchant_id'"
    " LEFT JOIN pg_statistic AS s ON s.starelid = c.oid AND s.staattnum = a.attnum"
    " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
)


@pytest.fixture
def young(migrated_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A PostgreSQL database that was just migrated."""
    database = Database(migrated_database_url("postgresql"))
    yield database
    database.dispose()


def distinct_merchants(database: Database) -> dict[str, float | None]:
    """How many merchants the planner believes each table to have; less than 0 for a share of the rows."""
    with database.statements() as connection:
        return {row.relname: row.stadistinct for row in connection.execute(OF_MERCHANTS)}


def test_a_new_database_believes_that_the_merchant_narrows_nothing_down(young: Database) -> None:
    believed = distinct_merchants(young)
    assert {"conversion", "reward", "posting", "idempotency"} <= set(believed)
    assert set(believed.values()) == {1}


def test_what_the_database_found_out_is_not_overruled(young: Database) -> None:
    for _ in range(100):
        young.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=NOW))
    young.count_anew("merchant")
    found = distinct_merchants(young)
    assert found["merchant"] == -1  # as many as it has rows
    schema.upgrade(young)
    assert distinct_merchants(young) == found
