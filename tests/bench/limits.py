"""What this machine allows: a bare Flask view, PostgreSQL without a service, and the driver without SQLAlchemy."""

import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench.loads import Prepared, bare_flask, load
from tests.bench.order import pgbench
from tests.bench.processors import Used
from tests.postgres import PostgreSQL

STATEMENTS = 5_000


@dataclass(frozen=True)
class Limits:
    """Milliseconds of a processor for each request or transaction, and how many of them a second."""

    flask: float
    flask_per_second: float
    pgbench: float
    pgbench_per_second: float
    psycopg: float


def limits_of(postgres: PostgreSQL, data: Prepared, folder: Path, workers: int, root: int) -> Limits:
    """Measure them. root: PostgreSQL's first process."""
    with bare_flask(folder, workers) as bare:
        load(bare.base_url, "follow", data)
        used = Used(bare.process.pid, root)
        redirects = load(bare.base_url, "follow", data)
        flask, _ = used.milliseconds_each(redirects.requests)
    pgbench(postgres, data)
    used = Used(root, root)
    orders = pgbench(postgres, data)
    transaction, _ = used.milliseconds_each(orders.requests)
    return Limits(flask, redirects.per_second, transaction, orders.per_second, _psycopg(postgres))


def _psycopg(postgres: PostgreSQL) -> float:
    """What one prepared statement with one answer costs the process that asks."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        cursor = connection.cursor()
        began = time.process_time()
        for _ in range(STATEMENTS):
            cursor.execute("SELECT %s::uuid, %s::text", ("00000000-0000-0000-0000-000000000000", "x")).fetchone()
        return (time.process_time() - began) / STATEMENTS * 1000
