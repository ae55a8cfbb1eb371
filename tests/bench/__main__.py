"""`make bench`: how fast the service is, beside what this machine allows.

Everything runs on this machine: the database, the service, the load. Ratios are what counts; the figures beside them
say on what they rest. Each figure is the median of its rounds.
"""

import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import insert

from service.customers.tables import Customer
from service.database.engine import Database
from service.links.evidence import link_token
from service.links.tables import Link
from service.merchants import keys
from service.migrations import schema
from service.programs import programs
from service.programs.programs import ProgramFields
from service.tokens import TokenSigner
from tests.bench.books import bench_books
from tests.bench.costs import bench_costs
from tests.bench.events import bench_events
from tests.bench.loads import PROXIED, ROUNDS, SECONDS, Prepared, bare_flask, compare, load, median
from tests.bench.numbers import bench_numbers
from tests.bench.order import pgbench
from tests.bench.sharing import bench_sharing
from tests.bench.visitors import bench_visitors
from tests.postgres import PostgreSQL, running
from tests.serving import SECRET, Server, serving

HERE = Path(__file__).parent
ADVOCATES = 1000


def main() -> None:
    """Measure and print."""
    if shutil.which("wrk") is None:
        sys.exit("make bench needs wrk, the load generator: apt-get install wrk")
    with tempfile.TemporaryDirectory(prefix="orchard-bench-") as name, running() as postgres:
        folder = Path(name)
        folder.chmod(0o755)
        workers = (os.cpu_count() or 1) + 1
        print(f"{os.cpu_count()} cores, {workers} sync workers")
        print(f"medians of {ROUNDS} rounds of {SECONDS} s, each after a round to warm up\n")
        parts = sys.argv[1:] or ["service", "costs", "visitors", "books", "numbers", "sharing"]
        if "service" in parts:
            _service(postgres, folder, workers)
        if "costs" in parts:
            bench_costs(postgres, _prepare(postgres.url(postgres.create()), folder / "costs"), folder, workers)
        if "visitors" in parts:
            bench_visitors()
        if "books" in parts:
            bench_books(postgres, folder)
        if "numbers" in parts:
            bench_events(postgres)
            bench_numbers(postgres, folder)
        if "sharing" in parts:
            bench_sharing(postgres, folder, workers)


def _service(postgres: PostgreSQL, folder: Path, workers: int) -> None:
    on_postgres = _prepare(postgres.url(postgres.create()), folder / "postgresql")
    on_sqlite = _prepare(f"sqlite:///{folder / 'orchard.db'}", folder / "sqlite")
    followed, converted = _postgresql(postgres, on_postgres, folder, workers)
    _sqlite(on_sqlite, folder, workers, followed=followed, converted=converted)


def _postgresql(postgres: PostgreSQL, data: Prepared, folder: Path, workers: int) -> tuple[float, float]:
    with bare_flask(folder, workers) as bare, serving(data.url, folder, workers=workers, **PROXIED) as server:
        limit = median(lambda: load(bare.base_url, "follow", data))
        followed = median(lambda: load(server.base_url, "follow", data))
    compare("following a link, PostgreSQL", followed, "bare Flask redirect", limit.per_second, wanted=0.5)
    pgbench(postgres, data)
    limit_tps = statistics.median(pgbench(postgres, data).per_second for _ in range(ROUNDS))
    with serving(data.url, folder, workers=workers, **PROXIED) as server:
        converted = median(lambda: load(server.base_url, "works", data, work="referred"))
        _memory_and_start(data, folder, server)
    compare("conversions, PostgreSQL", converted, "pgbench, same statements", limit_tps, wanted=0.17)
    return followed.per_second, converted.per_second


def _sqlite(data: Prepared, folder: Path, workers: int, *, followed: float, converted: float) -> None:
    with serving(data.url, folder, workers=workers, **PROXIED) as server:
        conversions = median(lambda: load(server.base_url, "works", data, work="referred"))
        follows = median(lambda: load(server.base_url, "follow", data))
    compare("conversions, SQLite", conversions, "PostgreSQL of this run", converted, wanted=0.5)
    compare("following a link, SQLite", follows, "PostgreSQL of this run", followed, wanted=0.25)


def _memory_and_start(data: Prepared, folder: Path, server: Server) -> None:
    sizes = []
    for worker in server.workers():
        status = Path(f"/proc/{worker}/status").read_text()
        sizes.append(int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024)
    started = time.monotonic()
    with serving(data.url, folder, workers=2):
        first_answer = time.monotonic() - started
    print(f"{'a worker process, after load':30} {max(sizes):8.0f} MB  wanted below 90")
    print(f"{'start to first answer':30} {first_answer:8.2f} s   wanted below 1.5\n", flush=True)


def _prepare(url: str, folder: Path) -> Prepared:
    folder.mkdir()
    database, signer, now = Database(_driver(url)), TokenSigner([SECRET]), datetime.now(UTC)
    schema.upgrade(database)
    merchant, created = database.write(lambda s: keys.create_merchant(s, "Bench", "EUR", now=now))
    fields: ProgramFields = {
        "name": "Bench",
        "currency": "EUR",
        "destination_url": "https://shop.example/",
        "advocate_reward": {"type": "fixed", "amount": 1000, "as": "credit"},
        "friend_reward": {"type": "percent", "rate": "10.00", "max_amount": None, "as": "discount"},
    }
    program, _ = database.write(lambda s: programs.create(s, merchant.merchant_id, fields, now=now))
    ids = {"merchant_id": merchant.merchant_id, "created_at": now}
    people, links, tokens = [], [], []
    for number in range(1, ADVOCATES + 1):
        name, link_id = f"advocate-{number}", UUID(int=number)
        people.append({**ids, "customer_id": name, "owner_id": UUID(int=number)})
        links.append(
            {
                **ids,
                "link_id": link_id,
                "program_id": program.program_id,
                "customer_id": name,
                "channel": "",
                "code": f"C{number}",
                "destination_key": b"",
                "status": "active",
            }
        )
        tokens.append(link_token(signer, merchant.merchant_id, link_id))
    database.write(lambda s: (s.execute(insert(Customer), people), s.execute(insert(Link), links)))
    database.dispose()
    (folder / "tokens").write_text("\n".join(tokens))
    return Prepared(url, merchant.merchant_id, program.program_id, created["checkout"], folder / "tokens")


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


if __name__ == "__main__":
    main()
