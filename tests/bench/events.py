"""What writing down that something happened costs an order: processor time with the event and without it."""

import logging
import statistics
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import psycopg
import structlog
from flask.testing import FlaskClient

from service.app import create_app
from service.database.engine import Database
from service.merchants import keys
from service.migrations import schema
from service.settings import Settings
from tests.bench.numbers import TERMS
from tests.postgres import PostgreSQL
from tests.serving import SECRET

ORDERS = 300
ROUNDS = 12
WANTED_SHARE = 0.05


def bench_events(postgres: PostgreSQL) -> None:
    """Record orders with and without events, in turns, and print."""
    url = postgres.engine_url(postgres.create())
    database = Database(url)
    schema.upgrade(database)
    now = datetime.now(UTC)
    _, made = database.write(lambda session: keys.create_merchant(session, "Bench", "EUR", now=now))
    database.dispose()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    app = create_app(Settings(url, (SECRET,), "http://localhost:8000", "local", "json", 0))
    client, headers = app.test_client(), {"Authorization": f"Bearer {made['admin']}"}
    program = client.post("/v1/programs", json=TERMS, headers=headers).get_json()["program_id"]
    spend = partial(_spent, client, headers, postgres, program)
    spend()
    spent: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(ROUNDS):
        spent[True].append(spend())
        with patch("service.events.events.record"):
            spent[False].append(spend())
    whole, without = (statistics.median(spent[is_whole]) for is_whole in (True, False))
    share = whole / without - 1
    print(f"a referred order takes {whole:.2f} ms of processor time, {without:.2f} ms without events: {share:+.1%},")
    print(f"  wanted below {WANTED_SHARE:.0%}: {'yes' if share < WANTED_SHARE else 'NO'}\n", flush=True)


def _spent(client: FlaskClient, headers: dict[str, str], postgres: PostgreSQL, program: str) -> float:
    """Milliseconds of a referred order: of this process and of PostgreSQL's."""
    run = uuid4()
    asked = {"program_id": program, "customer": {"customer_id": f"advocate-{run}"}}
    code = client.post("/v1/links", json=asked, headers=headers).get_json()["code"]
    before = time.process_time() + _of_postgres(postgres)
    for number in range(ORDERS):
        name = f"{run}-{number}"
        order = {"order_id": name, "amount": 5000, "currency": "EUR", "referral": code}
        answer = client.post("/v1/conversions", json={**order, "customer": {"customer_id": name}}, headers=headers)
        assert answer.get_json()["status"] == "attributed", answer.text
    return 1000 * (time.process_time() + _of_postgres(postgres) - before) / ORDERS


def _of_postgres(postgres: PostgreSQL) -> float:
    """Seconds of processor time of the processes that serve somebody."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        pids = [row[0] for row in connection.execute(query)]
    return sum(_ticks(Path(f"/proc/{pid}/stat")) for pid in pids) / 100


def _ticks(stat: Path) -> int:
    """Hundredths of a second."""
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(system)
