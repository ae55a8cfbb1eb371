"""Load on a service that runs: by wrk, in rounds of some seconds."""

import os
import re
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

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
    )


def load(base_url: str, script: str, data: Prepared) -> Load:
    """One round of `follow` or `convert`."""
    environment = {
        **os.environ,
        "BENCH_TOKENS": str(data.tokens),
        "BENCH_KEY": data.key,
        "BENCH_RUN": f"{time.monotonic_ns()}",
    }
    command = [
        "wrk",
        "-t",
        "2",
        "-c",
        str(CONNECTIONS),
        "-d",
        f"{SECONDS}s",
        "-s",
        str(HERE / f"{script}.lua"),
        base_url,
    ]
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    requests, microseconds, p99, errors = map(int, re.findall(r"RESULT (\d+) (\d+) (\d+) (\d+)", output)[0])
    return Load(requests / (microseconds / 1e6), p99 / 1000, errors)
