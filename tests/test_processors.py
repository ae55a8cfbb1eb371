import os
from pathlib import Path

import pytest

from service import processors


@pytest.fixture(autouse=True)
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight processors, by affinity."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)))


def written(root: Path, **files: str) -> Path:
    """A file system with these files; / is __ in their names."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_a_limit_it_is_the_affinity(tmp_path: Path) -> None:
    assert processors.count(tmp_path) == 8
    assert processors.count(written(tmp_path, proc__self__cgroup="0::/\n")) == 8


@pytest.mark.parametrize(
    ("quota", "processors_there"),
    [("max 100000", 8), ("200000 100000", 2), ("250000 100000", 3), ("50000 100000", 1), ("1600000 100000", 8)],
)
def test_a_container_gives_what_its_group_has_rounded_up(tmp_path: Path, quota: str, processors_there: int) -> None:
    root = written(tmp_path, proc__self__cgroup="0::/\n")
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/cpu.max").write_text(quota)
    assert processors.count(root) == processors_there


def test_the_narrowest_of_the_groups_around_counts(tmp_path: Path) -> None:
    root = written(tmp_path, proc__self__cgroup="12:pids:/other\n0::/kube/pod/web\n")
    for group, quota in (("kube", "600000 100000"), ("kube/pod", "300000 100000"), ("kube/pod/web", "max 100000")):
        (root / "sys/fs/cgroup" / group).mkdir(parents=True, exist_ok=True)
        (root / "sys/fs/cgroup" / group / "cpu.max").write_text(quota)
    assert processors.count(root) == 3


@pytest.mark.parametrize(("quota", "processors_there"), [("-1", 8), ("150000", 2)])
def test_the_first_version_of_groups_says_it_in_two_files(tmp_path: Path, quota: str, processors_there: int) -> None:
    root = written(tmp_path, proc__self__cgroup="3:cpu,cpuacct:/docker/abc\n")
    group = root / "sys/fs/cgroup/cpu/docker/abc"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text(quota)
    (group / "cpu.cfs_period_us").write_text("100000")
    assert processors.count(root) == processors_there


def test_what_cannot_be_read_limits_nothing(tmp_path: Path) -> None:
    root = written(tmp_path, proc__self__cgroup="0::/\n")
    (root / "sys/fs/cgroup").mkdir(parents=True)
    (root / "sys/fs/cgroup/cpu.max").write_text("a lot")
    assert processors.count(root) == 8


def test_where_there_is_no_affinity_all_processors_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert processors.count(tmp_path) == (os.cpu_count() or 1)
