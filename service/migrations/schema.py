"""The migrations: how a database gets to the schema that this release needs."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service.database.engine import Database

HEAD = "0003"
"""The revision that this release needs. Kept here, so that web processes need not load the migrations."""

MIGRATIONS = Path(__file__).parent


def upgrade(database: Database) -> None:
    """Bring the database to HEAD. Doing it again does nothing."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def version(database: Database) -> str | None:
    """The revision that the database is at; None where it cannot be reached or was never migrated."""
    try:
        with database.statements() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except SQLAlchemyError:
        return None
