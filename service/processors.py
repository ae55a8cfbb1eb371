"""How many processors this process may use: as many as its affinity names, and no more than its container is given."""

import math
import os
from collections.abc import Iterator
from pathlib import Path


def count(root: Path = Path("/")) -> int:
    """One at least; a share of a processor counts as one. root: of the file system that /proc and /sys are in."""
    named = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([named, *(math.ceil(given) for given in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """How many processors each control group that we are in has. Source: the kernel's cgroup-v2.rst, cgroup-v1."""
    for group in _groups(root):
        version_2 = _numbers(root / "sys/fs/cgroup" / group / "cpu.max")
        version_1 = [
            *_numbers(root / "sys/fs/cgroup/cpu" / group / "cpu.cfs_quota_us"),
            *_numbers(root / "sys/fs/cgroup/cpu" / group / "cpu.cfs_period_us"),
        ]
        for numbers in (version_2, version_1):
            if len(numbers) == 2 and min(numbers) > 0:
                yield numbers[0] / numbers[1]


def _groups(root: Path) -> set[Path]:
    """Our groups with all that they are in, as paths below where groups are; in a container, it is its root."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    own = [
        Path(line.split(":", 2)[2].lstrip("/")) for line in lines if line.split(":", 2)[1] in ("", "cpu", "cpu,cpuacct")
    ]
    return {Path(), *(part for group in own for part in (group, *group.parents))}


def _numbers(file: Path) -> list[int]:
    """What is in the file, without the word that stands for no limit."""
    try:
        return [int(word) for word in file.read_text().split() if word != "max"]
    except (OSError, ValueError):
        return []
