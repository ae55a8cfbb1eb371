"""Load on a service that runs: by wrk, in rounds of some seconds."""

import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from tests.serving import Server, free_port

HERE = Path(__file__).parent
SECONDS = int(os.environ.get("BENCH_SECONDS", "6"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CONNECTIONS = 16
PROXIED = {"ORCHARD_TRUSTED_PROXIES": "1"}


@dataclass(frozen=True)
class Load:
    """What one round of load met with."""

    per_second: float
    p99_milliseconds: float
    errors: int
    requests: int


@dataclass(frozen=True)
class Prepared:
    """A database with a merchant, a program and many advocates' links."""

    url: str
    merchant_id: UUID
    program_id: UUID
    key: str
    tokens: Path


def median(measure: Callable[[], Load]) -> Load:
    """The median of some rounds, after one to warm up: files grow, plans are made, caches fill."""
    measure()
    rounds = [measure() for _ in range(ROUNDS)]
    return Load(
        statistics.median(one.per_second for one in rounds),
        statistics.median(one.p99_milliseconds for one in rounds),
        sum(one.errors for one in rounds),
        sum(one.requests for one in rounds),
    )


def load(base_url: str, script: str, data: Prepared, *, work: str = "") -> Load:
    """One round of `follow`, or of one of the `works`."""
    return round_of(base_url, script, given(data, work))


def given(data: Prepared, work: str) -> dict[str, str]:
    """What a script finds in its environment; another run each time."""
    run = f"{time.monotonic_ns():x}"
    return {"BENCH_TOKENS": str(data.tokens), "BENCH_KEY": data.key, "BENCH_RUN": run, "BENCH_WORK": work}


def round_of(
    base_url: str, script: str, found: Mapping[str, str], *, connections: int = CONNECTIONS, seconds: int = SECONDS
) -> Load:
    """One round of a script, which finds what it is given in its environment."""
    threads = min(2, connections)
    command = ["wrk", "-t", f"{threads}", "-c", f"{connections}", "-d", f"{seconds}s"]
    command += ["-s", str(HERE / f"{script}.lua"), base_url]
    environment = {**os.environ, **found}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    requests, microseconds, p99, errors = map(int, re.findall(r"RESULT (\d+) (\d+) (\d+) (\d+)", output)[0])
    return Load(requests / (microseconds / 1e6), p99 / 1000, errors, requests)


def compare(name: str, had: Load, limit_name: str, limit: float, *, wanted: float) -> None:
    """Print what was measured beside its limit, and whether the ratio is what is wanted."""
    ratio = had.per_second / limit
    print(
        f"{name:30} {had.per_second:8.0f}/s   p99 {had.p99_milliseconds:6.1f} ms   errors {had.errors}\n"
        f"{'':30} {limit:8.0f}/s   {limit_name}\n"
        f"{'':30} ratio {ratio:.2f}, wanted {wanted}: {'yes' if ratio >= wanted else 'NO'}\n",
        flush=True,
    )


@contextmanager
def bare_flask(folder: Path, workers: int) -> Iterator[Server]:
    """A bare Flask view on gunicorn with our settings."""
    port = free_port()
    script = folder / "bare_conf.py"
    script.write_text("from service.gunicorn_conf import *\ndel post_fork\n")
    command = [sys.executable, "-m", "gunicorn", "-c", str(script), "-b", f"127.0.0.1:{port}", "-w", str(workers)]
    process = subprocess.Popen([*command, "tests.bench.bare:app"], stderr=subprocess.DEVNULL)
    server = Server(f"http://127.0.0.1:{port}", process, script)
    try:
        server.wait()
        yield server
    finally:
        process.terminate()
        process.wait(15)
