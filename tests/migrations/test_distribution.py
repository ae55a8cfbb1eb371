"""Tables over many machines: what a Citus is told, and that it does so where one is given."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint, String, Uuid, text
from sqlalchemy.exc import IntegrityError

from service.database.engine import Database
from service.migrations import distribution, schema
from service.migrations.distribution import EVERYWHERE
from tests import citus
from tests.functional.conftest import CommandLine
from tests.serving import serving
from tests.shop import Shop, over_network

CATALOG = """
    CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY, how text);
    CREATE FUNCTION create_reference_table(regclass) RETURNS void LANGUAGE sql AS
        $$ INSERT INTO pg_dist_partition VALUES ($1, 'everywhere') $$;
    CREATE FUNCTION create_distributed_table(regclass, text, colocate_with text) RETURNS void LANGUAGE sql AS
        $$ INSERT INTO pg_dist_partition VALUES ($1, $2 || ' beside ' || $3) $$;
    INSERT INTO pg_dist_partition VALUES ('pg_dist_partition', 'itself')
"""
"""What Citus is asked by, as far as it says how: for a PostgreSQL that has none, to see what it would be told."""
NEITHER = text("SELECT table_name FROM citus_tables WHERE citus_table_type NOT IN ('distributed', 'reference')")
POINTERS = text("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0")
SPREAD = text("SELECT logicalrelid::text, how FROM pg_dist_partition")
TABLES = text(
    "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')"
    " AND NOT relispartition AND relname NOT IN ('alembic_version', 'pg_dist_partition')"
)


@pytest.fixture
def told(new_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A migrated database that keeps what a Citus would have been told."""
    database = Database(new_database_url("postgresql"))
    schema.upgrade(database)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(CATALOG)
    yield database
    database.dispose()


def make_later_table(database: Database) -> None:
    """What a later migration does."""
    with database.engine.begin() as connection, distribution.new_tables_distributed(connection):
        Operations(MigrationContext.configure(connection)).create_table(
            "later",
            Column("merchant_id", Uuid(), nullable=False),
            Column("customer_id", String(255), nullable=False),
            ForeignKeyConstraint(
                ["merchant_id", "customer_id"],
                ["customer.merchant_id", "customer.customer_id"],
                name="fk_later_merchant_id_customer_id",
            ),
            PrimaryKeyConstraint("merchant_id", "customer_id", name="pk_later"),
        )


def test_every_table_lies_with_its_merchant_but_for_what_is_everywhere(told: Database) -> None:
    with told.engine.connect() as connection:
        before, tables = connection.execute(POINTERS).scalar_one(), set(connection.execute(TABLES).scalars())
    assert set(schema.distribute(told)) == tables
    other = Database(told.engine.url.render_as_string(hide_password=False))
    with other.engine.connect() as connection:  # nobody is sent away where nothing is to be done
        assert schema.distribute(told) == []
        connection.execute(text("SELECT 1"))
    other.dispose()
    make_later_table(told)
    with told.engine.connect() as connection:
        spread = dict(connection.execute(SPREAD).tuples().all())
        del spread["pg_dist_partition"]
        assert connection.execute(POINTERS).scalar_one() == before + 1
    assert {name for name, how in spread.items() if how == "everywhere"} == set(EVERYWHERE)
    assert spread["customer"] == "merchant_id beside none"
    assert set(spread) == tables | {"later"}
    beside = {how for name, how in spread.items() if name not in (*EVERYWHERE, "customer")}
    assert beside == {"merchant_id beside customer"}


def test_a_database_of_one_machine_is_not_distributed(
    backend: str, migrated_database_url: Callable[[str], str], tmp_path: Path
) -> None:
    said = CommandLine(migrated_database_url(backend), tmp_path)("db", "distribute", status=1)
    assert "CREATE EXTENSION citus" in said
    assert "Traceback" not in said


@pytest.mark.skipif(citus.URL not in os.environ, reason=f"no Citus is given: {citus.GIVEN}")
def test_a_citus_keeps_each_merchant_on_one_machine_and_the_books_sound(tmp_path: Path) -> None:
    with citus.new_database() as url:
        orchard = CommandLine(url, tmp_path)
        assert "It was never migrated" in orchard("db", "distribute", status=1)
        orchard("db", "upgrade")
        orchard.merchant("From before")
        assert "tables were spread" in orchard("db", "distribute")
        assert "All tables are spread already" in orchard("db", "distribute")
        database = Database(url.replace("postgresql:", "postgresql+psycopg:"))
        make_later_table(database)
        orchard("db", "upgrade")
        merchant = orchard.merchant("Of many")
        with serving(url, tmp_path) as server:
            shop = Shop(over_network(server.base_url), merchant["keys"], merchant["merchant_id"])
            code = shop.link(shop.program(rewarded_orders=None))["code"]
            order = shop.order("ben", referral=code)
            shop.refund(order, 100, "r")
            shop.reserve("ana", 10)
            assert shop.get("/ledger/verification")["transactions"] > 2
        orchard("worker", "--once")
        assert "sound" in orchard("ledger", "verify")
        with pytest.raises(IntegrityError, match="is append-only"), database.engine.begin() as connection:
            connection.execute(text("UPDATE txn SET event = 'x' WHERE merchant_id = :id"), {"id": shop.merchant_id})
        with database.engine.connect() as connection:
            assert connection.execute(NEITHER).all() == []
        database.dispose()
