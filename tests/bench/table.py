"""The table of what requests cost, for people: printed line by line, and written into docs/performance.md."""

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from service import __version__
from tests.bench.limits import Limits
from tests.bench.loads import CONNECTIONS, SECONDS, Load
from tests.postgres import BINARIES

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"
VERSIONS = ("flask", "sqlalchemy", "psycopg", "gunicorn", "marshmallow")
SAID = {True: "yes", False: "NO", None: ""}


@dataclass(frozen=True)
class Work:
    """A kind of request, and the script that sends it.

    service, database, both: at most so many milliseconds are wanted; None where nothing is said.
    """

    name: str
    script: str
    told: str
    service: float | None = None
    database: float | None = None
    both: float | None = None


@dataclass(frozen=True)
class Cost:
    """What one request of a kind cost: milliseconds of processors, statements, ways to the database and back."""

    work: Work
    load: Load
    service: float
    database: float
    statements: float
    ways: float

    @property
    def is_as_wanted(self) -> bool | None:
        """Whether it costs no more than wanted; None where nothing is said."""
        work = self.work
        had = ((self.service, work.service), (self.database, work.database), (self.service + self.database, work.both))
        said = [cost <= most for cost, most in had if most is not None]
        return all(said) if said else None

    @property
    def wanted(self) -> str:
        """What is wanted, in words."""
        work = self.work
        said = (("service", work.service), ("PostgreSQL", work.database), ("both", work.both))
        return ", ".join(f"{who} {most:g}" for who, most in said if most is not None)


def line_of(cost: Cost) -> str:
    """A line for whoever waits."""
    return (
        f"{cost.work.told:58} {cost.service:5.2f} + {cost.database:4.2f} ms  {cost.statements:4.1f} statements"
        f" {cost.ways:4.1f} ways {cost.load.per_second:6.0f}/s p99 {cost.load.p99_milliseconds:5.1f} ms"
        f" errors {cost.load.errors}  {cost.wanted} {SAID[cost.is_as_wanted]}"
    )


def write(costs: Sequence[Cost], limits: Limits, workers: int) -> None:
    """Write the document."""
    rows = [
        f"| {cost.work.told} | {cost.service:.2f} | {cost.database:.2f} | {cost.wanted} {SAID[cost.is_as_wanted]} |"
        f" {cost.statements:.1f} | {cost.ways:.1f} | {cost.load.per_second:,.0f} | {cost.load.p99_milliseconds:.0f} |"
        for cost in costs
    ]
    DOCUMENT.write_text(TEXT.format(rows="\n".join(rows), setting=_setting(workers), limits=_limits(limits)))
    print(f"\nwritten to {DOCUMENT}")


def _setting(workers: int) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in VERSIONS)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), Linux {platform.release()},\n"
        f"CPython {platform.python_version()}, {_postgresql()}, Orchard {__version__}, {versions};\n"
        f"{workers} workers, {CONNECTIONS} connections, {SECONDS} s each after a round to warm up"
    )


def _postgresql() -> str:
    said = subprocess.run([BINARIES / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().replace("postgres (PostgreSQL)", "PostgreSQL")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _limits(limits: Limits) -> str:
    redirects, orders = limits.flask_per_second, limits.pgbench_per_second
    return (
        f"| a bare Flask redirect on gunicorn | {limits.flask:.2f} | | {redirects:,.0f} |\n"
        f"| pgbench, with the statements of a referred order | | {limits.pgbench:.2f} | {orders:,.0f} |\n"
        f"| psycopg, a prepared statement and its answer | {limits.psycopg:.3f} | | |"
    )


TEXT = """# What requests cost

Written by `make bench-costs`. It measures processor time, user and system, of all processes of the service (gunicorn
included) and of PostgreSQL, divided by requests: what else the machine does moves rates and times, and hardly this.
Statements (`BEGIN` and `COMMIT` among them) and ways to PostgreSQL and back are counted on the wire.

{setting}.

| request | service, ms | PostgreSQL, ms | wanted at most | statements | ways | a second | p99, ms |
| --- | --- | --- | --- | --- | --- | --- | --- |
{rows}

Limits of the same machine, in the same run:

| limit | client, ms | PostgreSQL, ms | a second |
| --- | --- | --- | --- |
{limits}
"""
