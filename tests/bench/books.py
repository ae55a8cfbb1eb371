"""The books, measured without HTTP: posting beside pgbench, and verify, export and balances at sizes that matter."""

import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from service.database.engine import Database
from service.database.postgresql import OPTIONS
from service.ids import new_id
from service.ledger import books, proof
from service.ledger.books import EXPENSE, SETTLED, Posting, available, pending, reserved
from service.ledger.encoding import fingerprint, moment
from service.ledger.tables import posting_table, transaction_table, unsealed_table
from service.migrations import schema
from tests.postgres import BINARIES, PostgreSQL

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WRITERS = 8
SECONDS = int(os.environ.get("BENCH_SECONDS", "6"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SIZES = (100_000, 1_000_000)
WANTED_A_SECOND = 100_000
WANTED_MEGABYTES = 150
START = datetime(2026, 1, 1, tzinfo=UTC)


def bench_books(postgres: PostgreSQL, folder: Path) -> None:
    """Measure and print."""
    _posting(postgres)
    for name, url in (("SQLite", f"sqlite:///{folder / 'books.db'}"), ("PostgreSQL", _new(postgres))):
        _reading(name, url)


def _new(postgres: PostgreSQL) -> str:
    return postgres.engine_url(postgres.create())


def _posting(postgres: PostgreSQL) -> None:
    url = _new(postgres)
    database = Database(url)
    schema.upgrade(database)
    database.dispose()
    rates: dict[int, list[float]] = {1: [], WRITERS: []}
    limits: list[float] = []
    for number in range(ROUNDS + 1):  # in turns, so that what slows the machine down slows all of them; one to warm up
        measured = {merchants: _facade(url, merchants) for merchants in rates}
        limit = _pgbench(postgres, url, merchants=1)
        if number:
            limits.append(limit)
            for merchants, rate in measured.items():
                rates[merchants].append(rate)
    one, many, limit = (statistics.median(found) for found in (rates[1], rates[WRITERS], limits))
    print(f"{'posting, PostgreSQL':30} {one:8.0f}/s   {WRITERS} writers, one merchant")
    print(f"{'':30} {limit:8.0f}/s   pgbench, same statements")
    _ratio(one / limit, 0.4)
    print(f"{'':30} {many:8.0f}/s   {WRITERS} writers, {WRITERS} merchants")
    _ratio(one / many, 0.8)


def _ratio(ratio: float, wanted: float) -> None:
    print(f"{'':30} ratio {ratio:.2f}, wanted {wanted}: {'yes' if ratio >= wanted else 'NO'}\n", flush=True)


def _facade(url: str, merchants: int) -> float:
    """Transactions a second of all writers together."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(WRITERS) as pool:
        found = pool.map(partial(_write, url, merchants), range(WRITERS), chunksize=1)
    return sum(found)


def _write(url: str, merchants: int, writer: int) -> float:
    """Transactions a second of one writer, whose merchant is its own if there are as many."""
    database, merchant_id = Database(url), UUID(int=1 + writer % merchants)

    def post(session: Session) -> None:
        owner = f"{random.randint(1, 1000):032x}"
        now = datetime.now(UTC)
        postings = Posting(EXPENSE, pending(owner), 1000, "EUR"), Posting(EXPENSE, SETTLED, 500, "EUR")
        made = new_id()
        books.post(session, merchant_id, books.Transaction(made, f"bench:{made}", "earned", now, now, postings))

    for _ in range(20):
        database.write(post)
    started, done = time.monotonic(), 0
    while (passed := time.monotonic() - started) < SECONDS:
        database.write(post)
        done += 1
    database.dispose()
    return done / passed


def _pgbench(postgres: PostgreSQL, url: str, *, merchants: int) -> float:
    name = url.partition("?")[0].rpartition("/")[2]
    command = [str(BINARIES / "pgbench"), "-h", str(postgres.folder), "-U", "postgres", "-n", "-M", "prepared"]
    command += ["-c", str(WRITERS), "-j", "2", "-T", str(SECONDS), "-D", f"merchants={merchants}"]
    command += ["-f", str(HERE / "posting.sql"), name]
    environment = {**os.environ, "PGOPTIONS": OPTIONS}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return float(next(line for line in output.splitlines() if line.startswith("tps")).split()[2])


def _reading(name: str, url: str) -> None:
    database = Database(url, patient=True)
    schema.upgrade(database)
    _balances(name, database)
    for size in SIZES:
        merchant_id = new_id()
        _fill(database, merchant_id, size)
        for what in ("verify", "export"):
            found = [_child(url, merchant_id, what) for _ in range(ROUNDS)]
            rate = statistics.median(one["postings"] / one["seconds"] for one in found)
            megabytes = max(one["megabytes"] for one in found)
            fast, small = rate >= WANTED_A_SECOND, megabytes <= WANTED_MEGABYTES
            print(
                f"{f'{what}, {name}':30} {rate:8.0f}/s   postings, of {size:,}; {megabytes:.0f} MB"
                f"   wanted {WANTED_A_SECOND:,}: {'yes' if fast else 'NO'}, {WANTED_MEGABYTES} MB:"
                f" {'yes' if small else 'NO'}",
                flush=True,
            )
    print()
    database.dispose()


def _child(url: str, merchant_id: UUID, what: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.bench.read_books", url, str(merchant_id), what]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)


def _balances(name: str, database: Database) -> None:
    """What reading a balance costs, at ten transactions of an owner and at a hundred thousand."""
    costs = []
    merchant_id = new_id()
    for number, size in enumerate((10, 100_000)):
        owner = f"{number:032x}"
        _insert(database, merchant_id, islice(_life(owner), size))
        _settle(database, merchant_id)
        costs.append(_cost_of_balance(database, merchant_id, owner))
    few, many = costs
    print(f"{f'a balance, {name}':30} {few * 1e6:8.0f} us   at 10 transactions of the owner")
    print(f"{'':30} {many * 1e6:8.0f} us   at 100,000")
    _ratio(few / many, 0.8)


def _cost_of_balance(database: Database, merchant_id: UUID, owner: str) -> float:
    with database.reading() as session:
        found = []
        for _ in range(2_000):
            started = time.perf_counter()
            books.owner_balances(session, merchant_id, owner)
            found.append(time.perf_counter() - started)
    return statistics.median(found)


Event = tuple[str, list[Posting]]


def _life(owner: str) -> Iterator[Event]:
    """What happens to an owner, over and over: two friends' orders, a use of the balance, a refund."""
    while True:
        for _ in range(2):
            yield "earned", [Posting(EXPENSE, pending(owner), 1000, "EUR"), Posting(EXPENSE, SETTLED, 500, "EUR")]
            yield "ripened", [Posting(pending(owner), available(owner), 1000, "EUR")]
        yield "reserved", [Posting(available(owner), reserved(owner), 900, "EUR")]
        back = Posting(reserved(owner), available(owner), 200, "EUR")
        yield "captured", [Posting(reserved(owner), SETTLED, 700, "EUR"), back]
        yield "refunded", [Posting(available(owner), EXPENSE, 500, "EUR"), Posting(SETTLED, EXPENSE, 250, "EUR")]


def _lives(postings: int) -> Iterator[Event]:
    """Many owners' lives, one after the other, up to so many postings."""
    number = left = 0
    left = postings
    while left > 0:
        number += 1
        for event in islice(_life(f"{number:032x}"), 7):
            yield event
            left -= len(event[1])


def _fill(database: Database, merchant_id: UUID, postings: int) -> None:
    _insert(database, merchant_id, _lives(postings))
    _settle(database, merchant_id)


def _settle(database: Database, merchant_id: UUID) -> None:
    """Balances from postings, and everything sealed."""
    while not database.write(lambda session: proof.rebuild_some_balances(session, merchant_id)).is_over:
        pass
    while database.write(lambda session: proof.seal_next_block(session, merchant_id, now=datetime.now(UTC))):
        pass
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def _insert(database: Database, merchant_id: UUID, events: Iterator[Event]) -> None:
    """Write these transactions as the facade would, many at once."""
    number = 0
    while batch := list(islice(events, 20_000)):
        transactions, lines = [], []
        for event, postings in batch:
            number += 1
            name, at = new_id(), START + timedelta(seconds=number, microseconds=number % 1_000_000)
            fields = [(str(name), line, *posting.fields) for line, posting in enumerate(postings)]
            reference = f"conversion:{name}:release:{name}"
            transactions.append(
                (
                    merchant_id,
                    name,
                    reference,
                    event,
                    fingerprint(event, moment(at), fields),
                    at,
                    at + timedelta(hours=1),
                )
            )
            lines += [(merchant_id, name, *field[1:]) for field in fields]
        database.write(partial(_insert_rows, transactions=transactions, lines=lines))


def _insert_rows(session: Session, transactions: list[Any], lines: list[Any]) -> None:
    for table, rows in ((transaction_table, transactions), (posting_table, lines)):
        names = [column.name for column in table.columns]
        session.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
    waiting = [{"merchant_id": row[0], "transaction_id": row[1]} for row in transactions]
    session.execute(insert(unsealed_table), waiting)
