"""Processor time and memory of processes, from /proc, which the noise of other processes does not move."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Used:
    """What two trees of processes, a service's and a database's, use from now on."""

    def __init__(self, service: int, database: int) -> None:
        self._roots = service, database
        self._before = [seconds_of(root) for root in self._roots]

    def milliseconds_each(self, requests: int) -> tuple[float, float]:
        """Milliseconds of a processor for each of so many requests, of the service and of the database."""
        now = [seconds_of(root) for root in self._roots]
        service, database = (after - before for after, before in zip(now, self._before, strict=True))
        return service / requests * 1000, database / requests * 1000


def seconds_of(root: int) -> float:
    """User and system seconds that a process and all that it started have used, those that ended included."""
    return sum(_own(process) for process in _tree(root))


def _tree(root: int) -> list[int]:
    found = [root]
    for process in found:
        try:
            children = Path(f"/proc/{process}/task/{process}/children").read_text()
        except FileNotFoundError:
            continue
        found += [int(child) for child in children.split()]
    return found


def _own(process: int) -> float:
    """What it used itself, and what those used who ended and for whom it waited."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def peak_megabytes(process: int) -> float:
    """The most memory that a process has had; not what the one that started it had, which getrusage counts along."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024
