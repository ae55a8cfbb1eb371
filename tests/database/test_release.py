"""A process whose release is too old for the database is turned away, also where it was already waiting."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from service.database import release
from service.database.engine import Database
from service.database.release import HEAD, NotEnded, Outdated
from service.migrations import schema
from service.migrations.schema import State
from tests.postgres import PostgreSQL

LATER = f"{int(HEAD) + 1:04}"
COUNT = text("SELECT count(*) FROM merchant")


@pytest.fixture
def own(backend: str, migrated_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A migrated database of this test's own."""
    database = Database(migrated_database_url(backend))
    yield database
    database.dispose()


def test_who_waited_for_an_upgrade_is_looked_at_after_it(migrated_database_url: Callable[[str], str]) -> None:
    database = Database(migrated_database_url("sqlite"))
    ran: list[Session] = []
    upgrading = sqlite3.connect(str(database.engine.url.database), isolation_level=None)
    upgrading.execute("BEGIN IMMEDIATE")
    upgrading.execute(f"PRAGMA user_version = {int(LATER)}")
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(database.write, ran.append)
        time.sleep(0.3)
        assert not writing.done()
        upgrading.execute("COMMIT")
        with pytest.raises(OperationalError, match=LATER):
            writing.result(10)
    assert ran == []
    database.dispose()
    upgrading.close()


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_who_connects_amid_an_upgrade_waits_and_is_looked_at_after_it(
    postgres: PostgreSQL, migrated_database_url: Callable[[str], str], isolation: str
) -> None:
    url = migrated_database_url("postgresql")
    name = url.partition("?")[0].rpartition("/")[2]
    postgres.psql(f"ALTER DATABASE {name} SET default_transaction_isolation = '{isolation}';")
    upgrading, database = Database(url, is_fenced=False), Database(url)
    with ThreadPoolExecutor(1) as pool:
        with upgrading.engine.begin() as connection:
            release.shut_out(connection, LATER)
            asking = pool.submit(schema.state, database)
            time.sleep(0.3)
            assert not asking.done()
        assert asking.result(10) == State(LATER, LATER)
    upgrading.dispose()
    database.dispose()


def test_an_upgrade_lets_go_on_who_is_no_older_than_it_says(own: Database) -> None:
    with own.engine.begin() as connection:
        release.shut_out(connection, HEAD)
    assert schema.state(own) == State(HEAD, HEAD)
    own.write(lambda session: session.execute(COUNT))


def test_a_later_release_is_named_to_whoever_asks_and_to_whoever_writes(own: Database) -> None:
    with own.engine.begin() as connection:
        release.shut_out(connection, LATER)
    own.dispose()
    assert schema.state(own) == State(LATER, LATER)
    with pytest.raises(OperationalError, match=LATER):
        own.write(lambda session: session.execute(COUNT))
    with pytest.raises(OperationalError, match=LATER):
        own.reading().__enter__()
    asking = Database(own.engine.url.render_as_string(hide_password=False), is_fenced=False)
    assert schema.state(asking) == State(HEAD, LATER)
    asking.dispose()


def test_whose_connections_cannot_be_ended_keeps_the_database(postgres: PostgreSQL) -> None:
    name = postgres.create()
    role = f"upgrader_of_{name}"
    postgres.psql(f"CREATE ROLE {role} LOGIN;")
    postgres.psql(f"ALTER DATABASE {name} OWNER TO {role};")
    upgrader = Database(postgres.engine_url(name).replace("//postgres:", f"//{role}:"))
    schema.upgrade(upgrader)

    def shut_out(connection: Connection) -> str | None:
        with pytest.raises(NotEnded, match="stop them first"):
            release.shut_out(connection, LATER)
        connection.rollback()
        return release.oldest_writer(connection)

    with psycopg.connect(postgres.url(name), application_name="orchard") as stranger, upgrader.engine.connect() as own:
        before = release.oldest_writer(own)
        assert shut_out(own) == before
        assert stranger.execute("SELECT 1").fetchone() == (1,)
    upgrader.dispose()


def test_who_waits_at_the_gate_for_long_is_told_why(migrated_database_url: Callable[[str], str]) -> None:
    url = migrated_database_url("postgresql")
    upgrading, database = Database(url, is_fenced=False), Database(url)
    with upgrading.engine.begin() as connection:
        release.shut_out(connection, LATER)
        with pytest.raises(OperationalError, match="being upgraded"):
            database.write(lambda session: session.execute(COUNT))
    upgrading.dispose()
    database.dispose()


@pytest.mark.parametrize("left", ["NULL", "'kept by alembic'"])
def test_where_the_mark_got_lost_the_version_says_who_may_write(own: Database, left: str) -> None:
    lose = "PRAGMA user_version = 0" if own.is_sqlite else f"COMMENT ON TABLE alembic_version IS {left}"
    with own.engine.begin() as connection:
        connection.exec_driver_sql(lose)
    own.dispose()
    own.write(lambda session: session.execute(COUNT))
    with own.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{LATER}'")
    own.dispose()
    with pytest.raises(OperationalError, match=LATER):
        own.write(lambda session: session.execute(COUNT))
    assert schema.state(own) == State(LATER, LATER)


@pytest.mark.parametrize("version", [None, HEAD])
def test_an_upgrade_of_this_release_leaves_a_database_of_a_later_one_as_it_is(
    own: Database, version: str | None
) -> None:
    with own.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{LATER}'")
        release.mark(connection, version or LATER)
    asking = Database(own.engine.url.render_as_string(hide_password=False), is_fenced=False)
    if version:
        schema.upgrade(asking)
    else:
        with pytest.raises(Outdated, match=LATER):
            schema.upgrade(asking)
    assert schema.state(asking) == State(LATER, version or LATER)
    asking.dispose()
