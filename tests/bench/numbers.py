"""Marketing's numbers at sizes that matter: what a question costs, how fast they are made, how fast rows are taken."""

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import requests

from service.database.engine import Database
from service.links.evidence import link_token
from service.merchants import keys
from service.migrations import schema
from service.programs import programs
from service.programs.programs import ProgramFields
from service.statistics import rebuilding
from service.tokens import TokenSigner
from tests.bench.loads import PROXIED, Prepared, load, median
from tests.bench.processors import peak_megabytes
from tests.postgres import BINARIES, PostgreSQL
from tests.serving import SECRET, Server, serving

HERE = Path(__file__).parent
ORDERS = int(os.environ.get("BENCH_ORDERS", "100000"))
QUESTIONS = (
    "summary",
    "summary?from=2026-03-05&to=2026-04-17",
    "timeseries?interval=day",
    "timeseries?interval=week",
    "timeseries?interval=month",
    "channels",
    "reasons",
    "cohorts",
    "advocates",
    "advocates?sort=friends&limit=200",
)
WANTED_MILLISECONDS = 50
WANTED_GROWTH = 1.2
WANTED_OF_COPY = 0.5
WANTED_MEGABYTES = 150
WANTED_BESIDE = 0.8
WANTED_PACE = 2
TERMS: ProgramFields = {
    "name": "Bench",
    "currency": "EUR",
    "destination_url": "https://shop.example",
    "advocate_reward": {"type": "fixed", "amount": 500, "as": "credit"},
    "minimum_order_amount": 0,
}


def bench_numbers(postgres: PostgreSQL, folder: Path) -> None:
    """Measure at a tenth and at the whole size, and print."""
    small = _measured(postgres, folder, ORDERS // 10, is_whole=False)
    whole = _measured(postgres, folder, ORDERS, is_whole=True)
    print(f"\na question, at {ORDERS} orders and {10 * ORDERS} visits, and beside it at a tenth of both")
    for question, milliseconds in whole.items():
        growth = milliseconds / small[question]
        said = _said(milliseconds < WANTED_MILLISECONDS and growth <= WANTED_GROWTH)
        print(f"{question:40} {milliseconds:6.1f} ms  {small[question]:6.1f} ms  {growth:.2f}: {said}")


def _measured(postgres: PostgreSQL, folder: Path, orders: int, *, is_whole: bool) -> dict[str, float]:
    name = postgres.create()
    database = Database(postgres.engine_url(name), patient=True)
    schema.upgrade(database)
    now = datetime.now(UTC)
    merchant, made = database.write(lambda session: keys.create_merchant(session, "Bench", "EUR", now=now))
    program, _ = database.write(lambda session: programs.create(session, merchant.merchant_id, TERMS, now=now))
    written = _timed(lambda: _fill(postgres, name, merchant.merchant_id, program.program_id, orders))
    print(f"{orders} orders and {10 * orders} visits written in {written:.0f} s: {orders / written:.0f} orders/s")

    def roll() -> None:
        for _ in rebuilding.steps(database.write, merchant.merchant_id):
            pass

    rolled = _timed(roll)
    print(f"their entries made in {rolled:.0f} s: {orders / rolled:.0f} orders/s")
    summed = _timed(
        lambda: database.write(lambda session: rebuilding.mend_totals(session, merchant.merchant_id, lambda _: None))
    )
    print(f"entries and visits summed up in {summed:.0f} s: {11 * orders / summed:.0f} rows/s", flush=True)
    database.dispose()
    served = folder / f"numbers-{orders}"
    served.mkdir()
    signer, advocates, tokens = TokenSigner([SECRET]), orders // 40, served / "tokens"
    links = [UUID(f"0002{number:028x}") for number in range(2 * advocates)]  # as numbers.sql makes them
    tokens.write_text("\n".join(link_token(signer, merchant.merchant_id, link) for link in links[:2000]))
    data = Prepared(postgres.url(name), merchant.merchant_id, program.program_id, made["checkout"], tokens)
    with serving(data.url, served, workers=3, **PROXIED) as server:
        headers = {"Authorization": f"Bearer {made['marketing']}"}
        asked = {question: _asked(f"{server.base_url}/v1/stats/{question}", headers) for question in QUESTIONS}
        _exported(postgres, name, f"{server.base_url}/v1/exports", headers, server.workers())
        recorded = _beside_an_export(server, data, headers)
    pace = orders / rolled / recorded
    print(
        f"rolling up keeps {pace:.1f} times the pace of recording, wanted {WANTED_PACE}: {_said(pace >= WANTED_PACE)}"
    )
    return asked


def _fill(postgres: PostgreSQL, name: str, merchant_id: object, program_id: object, orders: int) -> None:
    values = {"merchant": merchant_id, "program": program_id, "orders": orders, "visits": 10 * orders}
    given = [part for key, value in values.items() for part in ("-v", f"{key}={value}")]
    _psql(postgres.url(name), *given, "-f", str(HERE / "numbers.sql"))


def _psql(url: str, *arguments: str) -> None:
    subprocess.run([BINARIES / "psql", url, "-q", "-v", "ON_ERROR_STOP=1", *arguments], check=True)


def _timed(work: Callable[[], object]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started


def _asked(url: str, headers: dict[str, str]) -> float:
    """Milliseconds, the median of twenty."""
    session = requests.Session()
    taken = []
    for _ in range(25):
        started = time.monotonic()
        answer = session.get(url, headers=headers, timeout=60)
        taken.append(1000 * (time.monotonic() - started))
        assert answer.status_code == 200, answer.text
    return statistics.median(taken[5:])


SAME_COLUMNS = """
    SELECT conversion_id, order_id, amount, round(amount / 100.0, 2), discount_amount,
           round(discount_amount / 100.0, 2), eligible_amount, round(eligible_amount / 100.0, 2),
           refunded_amount, round(refunded_amount / 100.0, 2),
           currency, c.customer_id, c.status, reasons, c.program_id, terms_version, c.link_id, channel, advocate_id,
           ordered_at, recorded_at, void_reason, c.shop_metadata
      FROM conversion AS c LEFT JOIN link USING (merchant_id, link_id) ORDER BY conversion_id
"""


def _exported(postgres: PostgreSQL, name: str, url: str, headers: dict[str, str], workers: list[int]) -> None:
    """Conversions as a CSV beside psql's copy of the same columns; and how much memory each format takes."""
    started = time.monotonic()
    with requests.get(f"{url}/conversions.csv", headers=headers, stream=True, timeout=600) as answer:
        pieces = answer.iter_content(1_000_000)
        size = len(next(pieces))
        first = time.monotonic() - started
        size += sum(len(piece) for piece in pieces)
    taken = time.monotonic() - started
    query = " ".join(SAME_COLUMNS.split())
    copied = _timed(lambda: _psql(postgres.url(name), "-c", f"\\copy ({query}) TO /dev/null WITH CSV"))
    ratio = copied / taken
    print(f"conversions.csv: {size / 1e6:.0f} MB in {taken:.1f} s, the first of it after {1000 * first:.0f} ms")
    print(
        f"  \\copy of the same {copied:.1f} s: {ratio:.2f}, wanted {WANTED_OF_COPY}: {_said(ratio >= WANTED_OF_COPY)}"
    )
    print(f"  a process has had at most {_peak(workers):.0f} MB, wanted {WANTED_MEGABYTES}")
    for form in ("jsonl", "xlsx", "parquet"):
        taken = _timed(partial(requests.get, f"{url}/conversions.{form}", headers=headers, timeout=3600))
        print(f"conversions.{form}: {taken:.1f} s; a process has had at most {_peak(workers):.0f} MB", flush=True)


def _beside_an_export(server: Server, data: Prepared, headers: dict[str, str]) -> float:
    """Followed links and orders alone, and while somebody takes one export after the other; orders alone, a second."""
    url, is_over = f"{server.base_url}/v1/exports/conversions.csv", threading.Event()

    def take() -> None:
        while not is_over.is_set():
            requests.get(url, headers=headers, timeout=600).raise_for_status()

    alone = {script: median(partial(load, server.base_url, script, data)) for script in ("follow", "convert")}
    taking = threading.Thread(target=take)
    taking.start()
    try:
        beside = {script: median(partial(load, server.base_url, script, data)) for script in alone}
    finally:
        is_over.set()
        taking.join()
    for script, had in beside.items():
        ratio = had.per_second / alone[script].per_second
        print(
            f"{script} beside an export: {had.per_second:.0f}/s of {alone[script].per_second:.0f}/s, "
            f"p99 {had.p99_milliseconds:.0f} ms of {alone[script].p99_milliseconds:.0f} ms: "
            f"{ratio:.2f}, wanted {WANTED_BESIDE}: {_said(ratio >= WANTED_BESIDE)}"
        )
    return alone["convert"].per_second


def _peak(workers: list[int]) -> float:
    """Megabytes, of the process that had most."""
    return max(map(peak_megabytes, workers))


def _said(is_well: bool) -> str:
    return "yes" if is_well else "NO"
