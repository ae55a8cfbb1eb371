"""A release goes on under load while a later one, made here of this one, upgrades its database."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from sqlalchemy import text

import service
from service.database.engine import Database
from service.database.release import HEAD
from service.migrations import schema
from service.migrations.schema import State
from tests.functional.conftest import CommandLine
from tests.serving import SECRET, serving
from tests.shop import Shop, over_network

LATER = f"{int(HEAD) + 1:04}"
MIGRATION = f'''"""What a later release might do."""

import sqlalchemy as sa
from alembic import op

revision = "{LATER}"
down_revision = "{HEAD}"
OLDEST

def upgrade() -> None:
    """One more column."""
    op.add_column("adjustment", sa.Column("later", sa.String(), nullable=True))
'''


@pytest.fixture
def orchard(backend: str, migrated_database_url: Callable[[str], str], tmp_path: Path) -> CommandLine:
    """The command line of this release, on a database of this test's own."""
    return CommandLine(migrated_database_url(backend), tmp_path)


class LaterRelease:
    """The command line of a release after this one."""

    def __init__(self, folder: Path, database_url: str, *, shares: bool) -> None:
        """shares: whether this release may go on writing to its schema, and all that may write to this one's."""
        shutil.copytree(Path(service.__file__).parent, folder / "service", ignore=shutil.ignore_patterns("__pycache__"))
        release = folder / "service" / "database" / "release.py"
        release.write_text(release.read_text().replace(f'HEAD = "{HEAD}"', f'HEAD = "{LATER}"'))
        versions = folder / "service" / "migrations" / "versions"
        (head,) = versions.glob(f"{HEAD}_*.py")
        said = re.search(r'^oldest_writer = "([0-9]{4})"$', head.read_text(), re.MULTILINE)
        oldest = f'oldest_writer = "{said[1] if said else HEAD}"\n' if shares else ""
        migration = versions / f"{LATER}_later.py"
        migration.write_text(MIGRATION.replace("OLDEST\n", oldest))
        self.folder, self.database_url = folder, database_url

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Begin to run it."""
        settings = {"ORCHARD_DATABASE_URL": self.database_url, "ORCHARD_SECRET_KEYS": SECRET}
        return subprocess.Popen(
            [sys.executable, "-c", "from service.commands import main; main()", *arguments],
            env={**os.environ, **settings, "PYTHONPATH": str(self.folder)},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __call__(self, *arguments: str) -> str:
        """Run it; what it prints."""
        said, _ = self.start(*arguments).communicate(timeout=120)
        return said


class Buyers:
    """Many who order at once, without a rest."""

    def __init__(self, shop: Shop, code: str) -> None:
        self.shop, self.code = shop, code
        self.acknowledged: dict[str, float] = {}
        self.refused: dict[str, int] = {}
        self.over = threading.Event()

    def buy(self, buyer: int) -> None:
        number = 0
        while not self.over.is_set():
            number += 1
            name = f"o-{buyer}-{number}"
            person = {"customer_id": f"friend-{name}"}
            body = {"order_id": name, "amount": 5000, "currency": "EUR", "customer": person, "referral": self.code}
            response = self.shop.call("POST", "/conversions", body, key=name)
            if response.status_code == 201:
                self.acknowledged[name] = time.monotonic()
            else:
                self.refused[name] = response.status_code


@contextmanager
def buying(shop: Shop, code: str) -> Iterator[Buyers]:
    """They buy, for as long as it is needed."""
    buyers = Buyers(shop, code)
    threads = [threading.Thread(target=buyers.buy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield buyers
    finally:
        buyers.over.set()
        for thread in threads:
            thread.join()


def until(buyers: Buyers, orders: int) -> None:
    """Wait until so many more orders were acknowledged."""
    wanted, limit = len(buyers.acknowledged) + orders, time.monotonic() + 30
    while len(buyers.acknowledged) < wanted:
        assert time.monotonic() < limit, buyers.refused
        time.sleep(0.02)


def stored_orders(database_url: str) -> set[str]:
    """The orders that are in the database."""
    database = Database(database_url, is_fenced=False)
    with database.engine.connect() as connection:
        found = set(connection.execute(text("SELECT order_id FROM conversion")).scalars())
    database.dispose()
    return found


def test_an_upgrade_that_shuts_out_this_release_leaves_no_order_half_written(
    orchard: CommandLine, tmp_path: Path
) -> None:
    later = LaterRelease(tmp_path / "later", orchard.database_url, shares=False)
    made = orchard.merchant()
    with serving(orchard.database_url, orchard.folder) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        link = shop.link(shop.program())
        shop.visit(link)
        with buying(shop, link["code"]) as buyers:
            until(buyers, 20)
            assert LATER in later("db", "upgrade")
            done = time.monotonic()
            stored = stored_orders(orchard.database_url)
            time.sleep(1)
        assert stored_orders(orchard.database_url) == stored
        assert set(buyers.acknowledged) <= stored
        assert max(buyers.acknowledged.values()) < done
        assert set(buyers.refused.values()) == {503}
        not_ready = requests.get(f"{server.base_url}/readyz", timeout=5)
        assert (not_ready.status_code, LATER in not_ready.json()["detail"]) == (503, True)
        assert shop.visit(link)  # the friend still arrives
    for command in (("serve",), ("worker", "--once"), ("ledger", "verify"), ("db", "current"), ("db", "upgrade")):
        (said,) = orchard(*command, status=1).strip().splitlines()
        assert LATER in said
        assert "later release" in said
    assert "sound" in later("ledger", "verify")


def test_an_upgrade_that_this_release_can_share_is_not_noticed_by_who_buys(
    orchard: CommandLine, tmp_path: Path
) -> None:
    later = LaterRelease(tmp_path / "later", orchard.database_url, shares=True)
    made = orchard.merchant()
    with serving(orchard.database_url, orchard.folder) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        code = shop.link(shop.program())["code"]
        with buying(shop, code) as buyers:
            until(buyers, 20)
            assert LATER in later("db", "upgrade")
            until(buyers, 20)
        assert buyers.refused == {}
        assert requests.get(f"{server.base_url}/readyz", timeout=5).status_code == 200
    assert set(buyers.acknowledged) <= stored_orders(orchard.database_url)
    for command in ("current", "upgrade"):
        assert LATER in orchard("db", command)
    assert "sound" in orchard("ledger", "verify")
    assert "sound" in later("ledger", "verify")


def test_a_database_that_never_said_who_may_write_is_shared_without_ending_a_connection(
    orchard: CommandLine, tmp_path: Path
) -> None:
    database = Database(orchard.database_url)
    silence = "PRAGMA user_version = 0" if database.is_sqlite else "COMMENT ON TABLE alembic_version IS NULL"
    with database.engine.begin() as connection:
        connection.exec_driver_sql(silence)
    with database.engine.connect() as connection:
        assert LATER in LaterRelease(tmp_path / "later", orchard.database_url, shares=True)("db", "upgrade")
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == LATER
    assert schema.state(database) == State(LATER, HEAD)
    database.dispose()


@pytest.mark.parametrize("is_new", [False, True])
def test_of_several_upgrades_at_once_one_goes_ahead_and_the_others_wait(
    backend: str, new_database_url: Callable[[str], str], orchard: CommandLine, tmp_path: Path, *, is_new: bool
) -> None:
    url = new_database_url(backend) if is_new else orchard.database_url
    later = LaterRelease(tmp_path / "later", url, shares=False)
    several = [later.start("db", "upgrade") for _ in range(3)]
    said = [process.communicate(timeout=120)[0] for process in several]
    assert said == [f"The database is at version {LATER}.\n"] * 3
    assert [process.returncode for process in several] == [0] * 3


def test_while_somebody_reads_a_table_nobody_is_shut_out(
    migrated_database_url: Callable[[str], str], tmp_path: Path
) -> None:
    orchard = CommandLine(migrated_database_url("postgresql"), tmp_path)
    later = LaterRelease(tmp_path / "later", orchard.database_url, shares=False)
    made = orchard.merchant()
    database = Database(orchard.database_url)
    with serving(orchard.database_url, orchard.folder) as server:
        shop = Shop(over_network(server.base_url), made["keys"], made["merchant_id"])
        code = shop.link(shop.program())["code"]
        with buying(shop, code) as buyers:
            until(buyers, 20)
            with database.engine.execution_options(orchard_begin="BEGIN").connect() as reader:
                reader.exec_driver_sql("SET application_name = 'somebody'")  # who is no process of ours
                reader.exec_driver_sql("SELECT count(*) FROM merchant")
                upgrade = later.start("db", "upgrade")
                time.sleep(4)
                assert upgrade.poll() is None
                until(buyers, len(buyers.acknowledged) + 20)
            said, _ = upgrade.communicate(timeout=120)
        assert "Waiting for somebody" in said
        assert upgrade.returncode == 0
    database.dispose()
    assert "sound" in later("ledger", "verify")
