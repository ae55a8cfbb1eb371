"""What each request of a checkout costs: processor time of the service and of PostgreSQL, statements and ways there.

Rates and times move with whatever else the machine does; processor time divided by requests hardly does. Each is
measured beside limits of the same run, and the table is written into docs/performance.md.
"""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import text

from service.database.engine import Database
from service.rewards import adjustments
from service.rewards.adjustments import NewAdjustment
from tests.bench.limits import limits_of
from tests.bench.loads import PROXIED, Load, Prepared, given, round_of
from tests.bench.processors import Used
from tests.bench.table import Cost, Work, line_of, write
from tests.bench.ways import counting
from tests.postgres import PostgreSQL
from tests.serving import Server, serving

ENOUGH = 1_000_000
"""Minor units that each advocate has to spend."""

WORKS = (
    Work("follow", "follow", "a followed link, its visit stored", service=0.42),
    Work("referred", "works", "a referred order, with an Idempotency-Key", service=1.5, database=0.9),
    Work("plain", "works", "an order without a referral, with an Idempotency-Key", service=1.1, database=0.5),
    Work("repeated", "works", "a referred order, reported again", both=0.9),
    Work("quote", "works", "a quote", both=0.9),
    Work("balance", "works", "a balance", both=0.9),
    Work("reading", "works", "reading an order", both=0.9),
    Work("listing", "works", "listing 50 orders", both=4.0),
    Work("refund", "works", "a refund, with an Idempotency-Key"),
    Work("redemption", "works", "a redemption's reservation or capture, half each"),
)


def bench_costs(postgres: PostgreSQL, data: Prepared, folder: Path, workers: int) -> None:
    """Measure, print, and write the table."""
    root = int((postgres.folder / "postmaster.pid").read_text().split()[0])
    limits = limits_of(postgres, data, folder, workers, root)
    _give_credit(data)
    costs = []
    past: dict[str, str] = {}
    with serving(data.url, folder, workers=workers, **PROXIED) as server:
        for work in WORKS:
            measured = _measured(work, server, data, past, root)
            costs.append(Cost(work, *measured, *_counted(work, postgres, data, past)))
            print(line_of(costs[-1]), flush=True)
    write(costs, limits, workers)


def _measured(work: Work, server: Server, data: Prepared, past: dict[str, str], root: int) -> tuple[Load, float, float]:
    """A round to warm up, and one that is measured."""
    for _ in range(2):
        found = {**given(data, work.name), **past}
        used = Used(server.process.pid, root)
        load = round_of(server.base_url, work.script, found)
        service, database = used.milliseconds_each(load.requests)
        if work.name == "referred":
            _remember(data, past, found["BENCH_RUN"])
    return load, service, database


def _counted(work: Work, postgres: PostgreSQL, data: Prepared, past: dict[str, str]) -> tuple[float, float]:
    """Statements, and ways to the database and back, of each request: counted on the wire."""
    with tempfile.TemporaryDirectory(prefix="orchard-wire-") as name, counting(postgres.folder, Path(name)) as counted:
        url = data.url.replace(str(postgres.folder), name)
        with serving(url, Path(name), workers=1, **PROXIED) as server:
            for _ in range(2):  # one to prepare the statements
                before, found = replace(counted), {**given(data, work.name), **past}
                load = round_of(server.base_url, work.script, found, connections=1, seconds=1)
            return (counted.statements - before.statements) / load.requests, (
                counted.ways - before.ways
            ) / load.requests


def _remember(data: Prepared, past: dict[str, str], run: str) -> None:
    """The orders of this run, for those who come back to them."""
    database = Database(_driver(data.url))
    with database.engine.connect() as connection:
        query = text("SELECT order_id, conversion_id FROM conversion WHERE order_id LIKE :run")
        rows = connection.execute(query, {"run": f"{run}-%"}).all()
    database.dispose()
    numbers: dict[str, set[int]] = {}
    for order_id, _ in rows:
        _, thread, number = order_id.split("-")
        numbers.setdefault(thread, set()).add(int(number))
    unbroken = min(next(n for n in range(1, len(of) + 2) if n not in of) - 1 for of in numbers.values())
    ids = data.tokens.parent / "ids"
    ids.write_text("\n".join(str(conversion_id) for _, conversion_id in rows))
    past.update(BENCH_PAST=run, BENCH_ORDERS=str(unbroken), BENCH_IDS=str(ids))


def _give_credit(data: Prepared) -> None:
    database, now = Database(_driver(data.url)), datetime.now(UTC)
    for number in range(1, 1001):
        asked = NewAdjustment(f"advocate-{number}", "credit", ENOUGH, "EUR", "To spend")
        database.write(partial(adjustments.adjust, merchant_id=data.merchant_id, asked=asked, now=now))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    database.dispose()


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
