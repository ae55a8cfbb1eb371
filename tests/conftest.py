"""What the tests stand on: both databases, migrated once, and a new merchant for each test."""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings

from service.app import create_app
from service.referrals import keys
from service.referrals.signing import TokenSigner
from service.settings import Settings
from service.storage import schema
from service.storage.database import Database
from tests.postgres import PostgreSQL, running
from tests.serving import SECRET
from tests.shop import Shop

settings.register_profile("orchard", deadline=None, suppress_health_check=list(HealthCheck))
settings.load_profile("orchard")
BACKENDS = ("sqlite", "postgresql")


def missing(what: str) -> None:
    """Skip loudly what this machine cannot test; in CI, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}")
    print(f"\n*** SKIPPED, for want of {what} ***", file=sys.stderr)  # noqa: T201
    pytest.skip(f"for want of {what}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """A real PostgreSQL, for all tests of this run."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def new_database_url(postgres: PostgreSQL, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes an empty database of a backend and returns its URL."""

    def make(backend: str) -> str:
        if backend == "sqlite":
            return f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'orchard.db'}"
        return postgres.url(postgres.create()).replace("postgresql://", "postgresql+psycopg://")

    return make


@pytest.fixture(scope="session", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each of the two databases in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def database_url(backend: str, new_database_url: Callable[[str], str]) -> str:
    """A migrated database of the backend, shared by the tests of this run."""
    url = new_database_url(backend)
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    return url


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
def postgres_database(new_database_url: Callable[[str], str]) -> Iterator[Database]:
    """A migrated PostgreSQL database, for what only that can show."""
    database = Database(new_database_url("postgresql"))
    schema.upgrade(database)
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
