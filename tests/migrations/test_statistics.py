"""PostgreSQL is told what it cannot know of tables that are new, and keeps what it found out by itself."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from service.database.engine import Database
from service.merchants import keys
from service.migrations import schema
from tests.postgres import PostgreSQL

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BELIEVED = text(
    "SELECT c.relname, s.n_distinct FROM pg_class AS c"
    " JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = :column"
    " LEFT JOIN pg_stats AS s ON s.schemaname = current_schema() AND s.tablename = c.relname AND s.attname = a.attname"
    " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
)


def distinct(database: Database, column: str) -> dict[str, float | None]:
    """How many values the planner believes a column of each table to have; less than 0 for a share of the rows."""
    with database.statements() as connection:
        return {row.relname: row.n_distinct for row in connection.execute(BELIEVED, {"column": column})}


@pytest.mark.parametrize("column", ["merchant_id", "program_id", "advocate_id"])
def test_a_new_database_believes_that_what_all_may_share_narrows_nothing_down(young: Database, column: str) -> None:
    believed = distinct(young, column)
    assert {table: believed[table] for table in ("conversion", "reward", "referral")} == dict.fromkeys(
        ("conversion", "reward", "referral"), 1
    )


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("conversion", "order_id"),
        ("conversion", "customer_id"),
        ("referral", "friend_id"),
        ("customer", "customer_id"),
        ("program", "program_id"),
    ],
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


def test_an_owner_who_is_no_superuser_can_upgrade(postgres: PostgreSQL) -> None:
    name = postgres.create()
    role = f"owner_of_{name}"
    postgres.psql(f"CREATE ROLE {role} LOGIN;")
    postgres.psql(f"ALTER DATABASE {name} OWNER TO {role};")
    database = Database(postgres.engine_url(name).replace("//postgres:", f"//{role}:"))
    for _ in range(2):
        schema.upgrade(database)
    assert distinct(database, "merchant_id")["conversion"] == 1
    database.dispose()
