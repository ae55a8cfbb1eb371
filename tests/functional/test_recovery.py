"""docs/recovery.md, its commands run as they stand: backups, going back, and what the books say afterwards."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from service.database.engine import Database
from tests.functional.conftest import CommandLine
from tests.postgres import BINARIES, PostgreSQL, running
from tests.serving import SECRET, serving
from tests.shop import Shop, over_network

PAGE = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
KEEP_HEADS, ARCHIVE, BASE, GO_BACK, COPY, PUT_BACK, AFTERWARDS = range(7)
SERVERS_OWN = ("pg_ctl", "pg_basebackup")
"""Commands that are the server's user's."""


class Operator:
    """Somebody with a shell, who runs the page's commands."""

    def __init__(self, folder: Path, database_url: str, data: Path | None = None) -> None:
        self.folder = folder
        self.backup = (data.parent if data else folder) / "backup"  # where the server's user may go as well
        (self.backup / "wal").mkdir(parents=True)
        self._owner = data.owner() if data and os.getuid() == 0 else None
        if self._owner:
            for writable in (self.backup, self.backup / "wal"):
                shutil.chown(writable, self._owner)
        own = folder / "bin"
        own.mkdir()
        for name in SERVERS_OWN if self._owner else ():
            command = f'#!/bin/sh\ncd /\nexec runuser -u {self._owner} -- {BINARIES / name} "$@"\n'
            (own / name).write_text(command)
            (own / name).chmod(0o755)
        path = f"{own}:{Path(sys.executable).parent}:{BINARIES}:{os.environ['PATH']}"
        self._environment = {
            **os.environ,
            "PATH": path,
            "BACKUP": str(self.backup),
            "PGDATA": str(data),
            "ORCHARD_DATABASE_URL": database_url,
            "ORCHARD_SECRET_KEYS": SECRET,
        }

    def run(self, block: int, **environment: str) -> str:
        """Run this block of the page; what it prints."""
        with (self.folder / "said").open("w+") as said:  # no pipe, which a server that it starts would hold
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", BLOCKS[block]],
                cwd=self.folder,
                env=self._environment | environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=False,
            )
            said.seek(0)
            text = said.read()
        log = self.backup / "log"
        assert done.returncode == 0, text + (log.read_text()[-2000:] if log.exists() else "")
        return text


def sold(orchard: CommandLine, folder: Path, keys: dict[str, str], merchant_id: str, number: int) -> None:
    """An order with its reward, sealed."""
    with serving(orchard.database_url, folder, workers=1) as server:
        shop = Shop(over_network(server.base_url), keys, merchant_id)
        shop.order(f"friend-{number}", referral=shop.link(shop.program())["code"])
    orchard("worker", "--once")


def forge(database_url: str) -> None:
    """Make another chain over another history, as whoever has the database can."""
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    with database.engine.begin() as connection:
        if database.is_sqlite:
            for name in (
                connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            ):
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            connection.exec_driver_sql("UPDATE block SET hash = zeroblob(32) WHERE number = 1")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            connection.exec_driver_sql("UPDATE block SET hash = decode(repeat('00', 32), 'hex') WHERE number = 1")
    database.dispose()


def what_the_heads_tell(operator: Operator, orchard: CommandLine) -> None:
    """Of two heads that were kept, the first is of what was restored, and the second of what was lost."""
    said = operator.run(AFTERWARDS)
    first, second = said.split("NOT SOUND")
    assert "sound" in first
    assert "the books end with block 1, before block 2 that was kept" in second
    forge(orchard.database_url)
    assert said != (forged := operator.run(AFTERWARDS))
    assert "this is another history" in forged


def test_the_page_has_these_blocks() -> None:
    assert len(BLOCKS) == AFTERWARDS + 1


@contextmanager
def elsewhere(server: PostgreSQL) -> Iterator[str]:
    """The URL of a new database, whose server has its socket beside its files, as servers do, and not among them."""
    name, socket = server.create(), server.folder.parent / "socket"
    socket.mkdir()
    shutil.chown(socket, server.folder.owner())
    with (server.folder / "postgresql.conf").open("a") as settings:
        settings.write(f"unix_socket_directories = '{socket}'\nlisten_addresses = ''\n")
    server.stop()
    server._control("start", "-l", str(server.folder / "log"))
    yield f"postgresql://postgres:@/{name}?host={socket}"


def test_postgresql_goes_back_to_a_moment_and_the_heads_tell_so(tmp_path: Path) -> None:
    with running() as server, elsewhere(server) as url:
        orchard, operator = CommandLine(url, tmp_path), Operator(tmp_path, url, server.folder)
        orchard("db", "upgrade")
        made = orchard.merchant()
        operator.run(ARCHIVE)
        operator.run(BASE)
        sold(orchard, tmp_path, made["keys"], made["merchant_id"], 1)
        operator.run(KEEP_HEADS)
        with psycopg.connect(url) as connection:
            (until,) = connection.execute("SELECT clock_timestamp()").fetchone() or ()
        sold(orchard, tmp_path, made["keys"], made["merchant_id"], 2)
        operator.run(KEEP_HEADS)
        (base,) = operator.backup.glob("base-*")
        operator.run(GO_BACK, UNTIL=str(until), BASE=str(base))
        what_the_heads_tell(operator, orchard)


def test_sqlite_goes_back_to_a_copy_and_the_heads_tell_so(tmp_path: Path) -> None:
    orchard = CommandLine(f"sqlite:///{tmp_path}/var/orchard.db", tmp_path)
    operator = Operator(tmp_path, orchard.database_url)
    orchard("db", "upgrade")
    made = orchard.merchant()
    sold(orchard, tmp_path, made["keys"], made["merchant_id"], 1)
    operator.run(COPY)
    operator.run(KEEP_HEADS)
    sold(orchard, tmp_path, made["keys"], made["merchant_id"], 2)
    operator.run(KEEP_HEADS)
    (copy,) = operator.backup.glob("orchard-*.db")
    operator.run(PUT_BACK, COPY=str(copy))
    what_the_heads_tell(operator, orchard)
