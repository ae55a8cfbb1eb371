"""The worker and the web processes as services: they wait for their database, end when told, and say how they are."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service import signs
from tests.functional.conftest import ORCHARD, CommandLine
from tests.postgres import running
from tests.serving import SECRET, Server, children_of, serving

QUICKLY = 5
"""Seconds."""


def lines_of(log: Path) -> list[dict[str, Any]]:
    """What was logged: all of it is JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until this holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Worker:
    """A worker that runs, and what it logs."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def rounds(self, event: str = "round") -> int:
        """How many rounds went well."""
        return len([line for line in lines_of(self._log) if line["event"] == event])

    def works_on(self) -> None:
        """Wait for another round."""
        before = self.rounds()
        until(lambda: self.rounds() > before)

    def fails(self) -> None:
        """Wait for another round that fails."""
        before = self.rounds("round failed")
        until(lambda: self.rounds("round failed") > before)


@contextmanager
def working(database_url: str, folder: Path, *, under: Sequence[str] = (), log: str = "worker.log") -> Iterator[Worker]:
    """A worker on this database, a round each second. under: what starts it. log: the file that it fills."""
    settings = {"ORCHARD_DATABASE_URL": database_url, "ORCHARD_SECRET_KEYS": SECRET}
    with (folder / log).open("wb") as output:
        process = subprocess.Popen(
            [*under, ORCHARD, "worker", "--every", "1"], env={**os.environ, **settings}, cwd=folder, stderr=output
        )
    try:
        yield Worker(process, folder / log)
    finally:
        process.kill()
        process.wait()


def test_the_worker_waits_for_a_database_that_is_not_there_yet_and_outlives_its_restart(tmp_path: Path) -> None:
    with running() as postgres:
        orchard = CommandLine(postgres.url(postgres.create()), tmp_path)
        postgres.stop()
        with working(orchard.database_url, tmp_path) as worker:
            worker.fails()
            silent_for_long(tmp_path)
            worker.fails()
            assert "well" in orchard("health")  # it is, and the database is not
            postgres.start()
            worker.fails()  # there are no tables yet
            orchard("db", "upgrade")
            worker.works_on()
            postgres.stop()
            worker.fails()
            postgres.start()
            worker.works_on()
            assert worker.process.poll() is None


def silent_for_long(folder: Path) -> None:
    """As if the worker of this folder had done nothing for long."""
    (note,) = (folder / "var").glob("worker-*.json")
    long_ago = time.time() - signs.LONGEST_SILENCE_SECONDS - 10
    os.utime(note, (long_ago, long_ago))


def catches(process: int, number: signal.Signals) -> bool:
    """Whether the process has asked for this signal, without which process 1 never gets it."""
    status = Path(f"/proc/{process}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_ends_when_it_is_told_to(
    backend: str, migrated_database_url: Callable[[str], str], tmp_path: Path, number: signal.Signals
) -> None:
    url = migrated_database_url(backend)
    with working(url, tmp_path) as worker:
        worker.works_on()
        assert catches(worker.process.pid, number)
        worker.process.send_signal(number)
        worker.process.send_signal(number)  # somebody is impatient
        assert worker.process.wait(QUICKLY) == 0
    assert [line["event"] for line in lines_of(tmp_path / "worker.log")][-1] == "ending"
    assert "Nothing of Orchard runs" in CommandLine(url, tmp_path)("health", status=1)


def test_as_process_one_the_worker_ends_when_it_is_told_to(
    migrated_database_url: Callable[[str], str], tmp_path: Path
) -> None:
    under = ["unshare", "--pid", "--fork", "--kill-child"]
    if shutil.which("unshare") is None or subprocess.run([*under, "true"], capture_output=True, check=False).returncode:
        pytest.skip(
            "NO PROCESS 1 HERE: `unshare --pid` is not permitted; that SIGTERM is caught is tested all the same"
        )
    with working(migrated_database_url("sqlite"), tmp_path, under=under) as worker:
        worker.works_on()
        (first,) = children_of(worker.process.pid)
        assert "NSpid:" in (status := Path(f"/proc/{first}/status").read_text())
        assert next(line.split()[-1] for line in status.splitlines() if line.startswith("NSpid")) == "1"
        os.kill(first, signal.SIGTERM)
        assert worker.process.wait(QUICKLY) == 0


def test_a_worker_that_does_nothing_is_unwell(migrated_database_url: Callable[[str], str], tmp_path: Path) -> None:
    orchard = CommandLine(migrated_database_url("sqlite"), tmp_path)
    with working(orchard.database_url, tmp_path) as worker:
        worker.works_on()
        assert "well" in orchard("health")
        worker.process.send_signal(signal.SIGSTOP)
        silent_for_long(tmp_path)
        assert "has done nothing for" in orchard("health", status=1)
        worker.process.send_signal(signal.SIGCONT)
        worker.works_on()
        assert "well" in orchard("health")


def stop_all(server: Server, number: signal.Signals) -> None:
    """Send this to all processes of the service."""
    for process in [server.process.pid, *server.workers()]:
        os.kill(process, number)


def test_a_service_that_does_not_answer_is_unwell(migrated_database_url: Callable[[str], str], tmp_path: Path) -> None:
    orchard = CommandLine(migrated_database_url("sqlite"), tmp_path)
    with serving(orchard.database_url, tmp_path, workers=1) as server:
        assert "well" in orchard("health")
        stop_all(server, signal.SIGSTOP)
        assert "does not answer" in orchard("health", status=1)
        stop_all(server, signal.SIGCONT)
        assert "well" in orchard("health")
        server.process.kill()
        server.process.wait()
    assert "Nothing of Orchard runs" in orchard("health", status=1)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of its own, and a socket there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "orchard.sock"


def test_a_service_on_a_socket_is_asked_there(
    migrated_database_url: Callable[[str], str], tmp_path: Path, answering: Path
) -> None:
    orchard = CommandLine(migrated_database_url("sqlite"), tmp_path)
    settings = {"ORCHARD_DATABASE_URL": orchard.database_url, "ORCHARD_SECRET_KEYS": SECRET}
    command = [str(ORCHARD), "serve", "--bind", f"unix:{answering}", "--workers", "1"]
    process = subprocess.Popen(command, env={**os.environ, **settings}, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        until(lambda: bool(list((tmp_path / "var").glob("serve-*.json"))))
        assert "well" in orchard("health")
    finally:
        process.terminate()
        process.wait(QUICKLY * 4)


def test_of_several_workers_in_a_folder_each_says_how_it_is(
    migrated_database_url: Callable[[str], str], tmp_path: Path
) -> None:
    orchard = CommandLine(migrated_database_url("postgresql"), tmp_path)
    with working(orchard.database_url, tmp_path) as one:
        one.works_on()
        with working(orchard.database_url, tmp_path, log="other.log") as other:
            other.works_on()
            other.process.terminate()
            assert other.process.wait(QUICKLY) == 0
        assert "well" in orchard("health")
        one.process.kill()
        one.process.wait()
        assert "Nothing of Orchard runs" in orchard("health", status=1)
        with working(orchard.database_url, tmp_path, log="third.log") as third:
            third.works_on()
            assert len(list((tmp_path / "var").glob("worker-*.json"))) == 1  # what was left of the dead is cleared away


@pytest.mark.parametrize(
    "note",
    [
        "", "null", "[1]", '"x"', "5", "{}", "[" * 100_000, '{"address": null, "every_seconds": "x"}',
        '{"address": null, "every_seconds": Infinity}', '{"address": null, "every_seconds": NaN}',
    ],
)  # fmt: skip
def test_a_note_that_says_nothing_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, note: str) -> None:
    monkeypatch.chdir(tmp_path)
    signs.leave("worker", every_seconds=1)
    assert signs.faults() == []
    (path,) = Path("var").glob("worker-*.json")
    path.write_text(note)
    assert signs.faults() == ["Nothing of Orchard runs here."]


@pytest.mark.parametrize("address", [5, [], ["127.0.0.1"], ["127.0.0.1", "x"], {}, None])
def test_an_address_that_is_none_is_not_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: object) -> None:
    monkeypatch.chdir(tmp_path)
    signs.leave("serve", address=address)  # type: ignore[arg-type]
    assert signs.faults() == ["Nothing of Orchard runs here."]


@pytest.mark.parametrize("address", [("." * 300, 1), ("127.0.0.1", 1), ("127.0.0.1", 10**9), "/nowhere"])
def test_where_nobody_answers_it_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: tuple[str, int] | str
) -> None:
    monkeypatch.chdir(tmp_path)
    signs.leave("serve", address=address)
    (fault,) = signs.faults()
    assert "does not answer" in fault


@pytest.mark.parametrize("pid", ["-1", "0", "x", "99999999999999999999", "2147483647"])
def test_of_who_does_not_run_nothing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pid: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("var").mkdir()
    Path(f"var/worker-{socket.gethostname()}-{pid}.json").write_text('{"address": null, "every_seconds": 1}')
    assert signs.faults() == ["Nothing of Orchard runs here."]


def test_an_answer_that_is_none_is_a_fault(answering: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(answering))
        listener.listen()
        signs.leave("serve", address=str(answering))
        signs.ANSWER_SECONDS, kept = 0, signs.ANSWER_SECONDS
        try:
            (fault,) = signs.faults()
        finally:
            signs.ANSWER_SECONDS = kept
    assert "does not answer" in fault


def test_where_nothing_can_be_written_it_runs_without_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path("var").write_text("no folder")
    signs.leave("worker", every_seconds=1)
    signs.Heart().beat()
    assert signs.faults() == ["Nothing of Orchard runs here."]
    signs.take_away("worker")
