"""What the tests stand on: both databases, migrated once, and a new merchant for each test."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from sqlalchemy import text

from service.app import create_app
from service.database.engine import Database
from service.merchants import keys
from service.migrations import schema
from service.settings import Settings
from service.tokens import TokenSigner
from tests import citus
from tests.postgres import FOLDER, TEMPLATE, PostgreSQL, running_for_all
from tests.serving import SECRET
from tests.shop import Shop

settings.register_profile("orchard", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("orchard")
citus.take_name()
BACKENDS = ("sqlite", "postgresql")
UNWATCHED = text(
    "SELECT 'ALTER TABLE ' || c.oid::regclass || ' SET (autovacuum_enabled = false)' FROM pg_class AS c"
    " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
)

MEMORY, MEMORY_BYTES = Path("/dev/shm"), 2_000_000_000
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
    tempfile.tempdir = str(
        MEMORY
    )  # SQLite waits for the disk at every commit; what a test has stored may be lost with it

SERVER: pytest.StashKey[AbstractContextManager[None]] = pytest.StashKey()


def missing(what: str) -> NoReturn:
    """Skip loudly what this machine cannot test; in CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}")
    print(f"\n*** SKIPPED, for want of {what} ***", file=sys.stderr)  # noqa: T201
    pytest.skip(f"for want of {what}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--soak`: let the tests that are marked so take their long form."""
    parser.addoption("--soak", action="store_true", help="run the long forms of tests that have one")


def pytest_configure(config: pytest.Config) -> None:
    """Start one PostgreSQL for all processes of this run, with a migrated database to be cloned.

    A run inside a run (a mutant's) finds the one of the outer run, which is named in the environment.
    """
    if FOLDER not in os.environ and not config.option.collectonly:
        config.stash[SERVER] = running_for_all()
        config.stash[SERVER].__enter__()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started for all."""
    if SERVER in config.stash:
        config.stash[SERVER].__exit__(None, None, None)


LONGEST = ("test_schemathesis_finds_nothing", "test_random_histories", "test_a_thousand_rewards")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest tests begin first, so that no process is left alone with one of them at the end."""
    items.sort(key=lambda item: not item.name.startswith(LONGEST))


@pytest.fixture(scope="session")
def is_soak(request: pytest.FixtureRequest) -> bool:
    """Whether tests are to take their long form."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(scope="session")
def postgres() -> PostgreSQL:
    """A real PostgreSQL, the same for all processes of this run."""
    return PostgreSQL(Path(os.environ[FOLDER]))


@pytest.fixture(scope="session")
def new_database_url(postgres: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes an empty database of a backend and returns its URL."""

    def make(backend: str) -> str:
        if backend == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'orchard.db'}"
        return postgres.engine_url(postgres.create())

    return make


@pytest.fixture(scope="session")
def migrated_database_url(postgres: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes a migrated database of a backend, a clone of one that was migrated once, and returns its URL."""
    pattern = tmp_path_factory.mktemp("migrated") / "orchard.db"
    database = Database(f"sqlite:///{pattern}")
    schema.upgrade(database)
    database.dispose()

    def make(backend: str) -> str:
        if backend == "sqlite":
            return f"sqlite:///{shutil.copy(pattern, tmp_path_factory.mktemp('sqlite'))}"
        return postgres.engine_url(postgres.create(template=TEMPLATE))

    return make


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each of the two databases in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def database_url(backend: str, migrated_database_url: Callable[[str], str]) -> Iterator[str]:
    """A migrated database of the backend, shared by the tests of this process; on a Citus, where one is given."""
    if backend == "postgresql" and citus.URL in os.environ:
        with citus.new_database() as url:
            database = Database(url.replace("postgresql:", "postgresql+psycopg:"))
            schema.upgrade(database)
            schema.distribute(database)
            database.dispose()
            yield url.replace("postgresql:", "postgresql+psycopg:")
    else:
        yield migrated_database_url(backend)


@pytest.fixture(scope="session")
def app(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The service on the backend's database."""
    os.chdir(tmp_path_factory.mktemp("state"))
    app = create_app(Settings(database_url, (SECRET,), "http://localhost:8000", "local", "json", 0))
    yield app
    app.extensions["orchard"].database.dispose()


@pytest.fixture(scope="session")
def database(app: Flask) -> Database:
    """The app's database."""
    return app.extensions["orchard"].database


@pytest.fixture(scope="session")
def signer(app: Flask) -> TokenSigner:
    """The app's signer."""
    return app.extensions["orchard"].signer


@pytest.fixture(scope="session")
def postgres_database(migrated_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A migrated PostgreSQL database, for what only that can show."""
    database = Database(migrated_database_url("postgresql"))
    yield database
    database.dispose()


@pytest.fixture
def young(migrated_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A PostgreSQL database that was just migrated, and that is never analysed."""
    database = Database(migrated_database_url("postgresql"))
    with database.engine.begin() as connection:
        for (command,) in connection.execute(UNWATCHED).all():
            connection.exec_driver_sql(command)
    yield database
    database.dispose()


@pytest.fixture
def new_shop(app: Flask, database: Database) -> Callable[[], Shop]:
    """Makes a merchant with keys, who talks to the service over its WSGI interface."""

    def make(currency: str = "EUR") -> Shop:
        now = datetime.now(UTC)
        merchant, made = database.write(lambda s: keys.create_merchant(s, "Acme", currency, now=now))
        return Shop(app.test_client().open, made, merchant.merchant_id)

    return make


@pytest.fixture
def shop(new_shop: Callable[[], Shop]) -> Shop:
    """A merchant of this test's own."""
    return new_shop()


@pytest.fixture(scope="session")
def cdnow() -> Path:
    """Real orders, where they are at hand."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data" / "cdnow_orders.csv"
    if not path.exists():
        pytest.skip("the CDNOW orders are not at hand")
    return path
