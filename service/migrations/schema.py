"""The migrations: how a database gets to the schema that this release needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from service.database.engine import Database
from service.migrations import statistics

HEAD = "0014"
"""The revision that this release needs. Kept here, so that web processes need not load the migrations."""

MIGRATIONS = Path(__file__).parent


class LostRows(Exception):
    """The upgrade would leave rows that point to nothing."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Bring the database to this revision, in one transaction. Doing it again does nothing.

    Raises LostRows where rows would point to nothing afterwards, and has changed nothing then.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.connect() as connection, _tables_may_be_replaced(connection), connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        if not database.is_sqlite:
            statistics.assume(connection)
        if database.is_sqlite and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
            raise LostRows(f"A row of {lost[0]} would point to nothing: nothing was changed.")


@contextmanager
def _tables_may_be_replaced(connection: Connection) -> Iterator[None]:
    """SQLite changes a constraint only by replacing its table, while others point to it.

    Source: sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes".
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def version(database: Database) -> str | None:
    """The revision that the database is at; None where it cannot be reached or was never migrated."""
    try:
        with database.statements() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except SQLAlchemyError:
        return None
