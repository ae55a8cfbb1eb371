"""The service as it really runs: gunicorn with several workers, in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

SECRET = "a-secret-for-tests-that-is-long-enough-000"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def children_of(process: int) -> list[int]:
    """The ids of the processes that this one has started."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


@dataclass
class Server:
    """A running service."""

    base_url: str
    process: subprocess.Popen[bytes]
    log: Path

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        return children_of(self.process.pid)

    def kill_workers(self) -> None:
        """End all workers as a crash would; gunicorn starts new ones."""
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)

    def wait(self, seconds: float = 20) -> float:
        """Wait for the first answer, and return how long it took."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            try:
                requests.get(f"{self.base_url}/livez", timeout=2)
                return time.monotonic() - started
            except requests.ConnectionError:
                time.sleep(0.02)
        raise AssertionError(f"the service does not answer: {self.log.read_text()[-2000:]}")


@contextmanager
def serving(database_url: str, folder: Path, *, workers: int = 4, **environment: str) -> Iterator[Server]:
    """The service on this database, with its own folder for local state."""
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    settings = {
        "ORCHARD_DATABASE_URL": database_url,
        "ORCHARD_SECRET_KEYS": SECRET,
        "ORCHARD_BASE_URL": base_url,
        **environment,
    }
    orchard = Path(sys.executable).parent / "orchard"
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [orchard, "serve", "--bind", f"127.0.0.1:{port}", "--workers", str(workers)],
            env={**os.environ, **settings},
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(base_url, process, log)
    try:
        server.wait()
        yield server
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
