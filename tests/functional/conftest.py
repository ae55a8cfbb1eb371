"""The real service: gunicorn with several workers, over the network, its command line beside it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.database.engine import Database
from service.merchants import keys
from tests.serving import SECRET, Server, serving
from tests.shop import Shop, over_network

ORCHARD = Path(sys.executable).parent / "orchard"


class CommandLine:
    """The `orchard` command, on one database and in one folder."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.database_url = database_url
        self.folder = folder

    def __call__(self, *arguments: str, status: int = 0, **environment: str) -> str:
        """Run it; what it prints, both streams together."""
        settings = {"ORCHARD_DATABASE_URL": self.database_url, "ORCHARD_SECRET_KEYS": SECRET, **environment}
        done = subprocess.run(
            [ORCHARD, *arguments],
            env={**os.environ, **settings},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def merchant(self, name: str = "Acme") -> dict[str, Any]:
        """A new merchant with its keys."""
        return json.loads(self("merchant", "create", name, "--currency", "EUR", "--json"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder of the service's own."""
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def orchard(backend: str, migrated_database_url: Callable[[str], str], folder: Path) -> CommandLine:
    """The command line on a new, migrated database."""
    return CommandLine(migrated_database_url(backend), folder)


@pytest.fixture(scope="module")
def server(orchard: CommandLine, folder: Path) -> Iterator[Server]:
    """Four workers on that database."""
    with serving(orchard.database_url, folder) as running:
        yield running


@pytest.fixture
def network_shop(orchard: CommandLine, server: Server) -> Shop:
    """A merchant who talks to those workers."""
    database = Database(orchard.database_url)
    now = datetime.now(UTC)
    merchant, made = database.write(lambda session: keys.create_merchant(session, "Acme", "EUR", now=now))
    database.dispose()
    return Shop(over_network(server.base_url), made, merchant.merchant_id)
