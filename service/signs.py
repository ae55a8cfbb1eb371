"""Signs of life: each process that serves leaves a note beside its state, from which another one tells how it is.

A web process is asked at `/livez`, where it listens. The worker touches its note whenever it is done with something in
the database, and after each round, be it in vain: that it cannot get there is no fault of its own.
"""

import http.client
import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.settings import STATE

Role = Literal["serve", "worker"]
ROLES: tuple[Role, ...] = ("serve", "worker")

ANSWER_SECONDS = 2
LONGEST_SILENCE_SECONDS = 300
"""Between two touches of a worker's note, its pauses apart: what it does at once takes a fraction of that."""

BEAT_SECONDS = 1
EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where somebody is reached who listens on every address."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a process says of itself. address: where a web process listens: a host and a port, or the path of a socket.

    every_seconds: how long a worker pauses. touched: when it was last done with something.
    """

    address: tuple[str, int] | str | None
    every_seconds: int
    touched: float


def _path(role: Role, pid: int) -> Path:
    return STATE / f"{role}-{socket.gethostname()}-{pid}.json"


def leave(role: Role, *, address: tuple[str, int] | str | None = None, every_seconds: int = 0) -> None:
    """Leave a note that this process runs, and clear away those of who runs no longer.

    Where nothing can be written, there is none.
    """
    with suppress(OSError):
        STATE.mkdir(mode=0o700, exist_ok=True)
        for note in STATE.glob(f"{role}-{socket.gethostname()}-*.json"):
            if _read(role, note) is None:
                note.unlink()
        draft = _path(role, os.getpid()).with_suffix(".draft")
        draft.write_text(json.dumps({"address": address, "every_seconds": every_seconds}))
        draft.replace(_path(role, os.getpid()))


def take_away(role: Role) -> None:
    """This process runs no longer."""
    with suppress(OSError):
        _path(role, os.getpid()).unlink()


class Heart:
    """Touches the note of a worker, at most once a second."""

    def __init__(self) -> None:
        self._last = 0.0

    def beat(self) -> None:
        """It lives."""
        now = time.monotonic()
        if now - self._last >= BEAT_SECONDS:
            self._last = now
            with suppress(OSError):
                os.utime(_path("worker", os.getpid()))


def faults() -> list[str]:
    """What is wrong with what runs here, a line each."""
    here = [
        note
        for role in ROLES
        for path in sorted(STATE.glob(f"{role}-{socket.gethostname()}-*.json"))
        if (note := _read(role, path)) is not None
    ]
    if not here:
        return ["Nothing of Orchard runs here."]
    return [fault for note in here if (fault := _fault(note))]


def _read(role: Role, path: Path) -> Note | None:
    """The note, if it is one, and of a process that runs."""
    try:
        pid = int(path.stem.removeprefix(f"{role}-{socket.gethostname()}-"))
        said = json.loads(path.read_text())
        address, every_seconds = said["address"], int(said["every_seconds"])
        if isinstance(address, list):
            address = (str(address[0]), int(address[1]))
        if pid > 0 and (role == "worker" or isinstance(address, tuple | str)) and _runs(pid):
            return Note(address, every_seconds, path.stat().st_mtime)
    except (OSError, ValueError, TypeError, LookupError, OverflowError, RecursionError):
        pass  # it is none of ours, and says nothing
    return None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # it is there, and somebody else's
        return True
    except ProcessLookupError:
        return False
    return True


def _fault(note: Note) -> str | None:
    if note.address is None:
        silent = time.time() - note.touched
        is_silent = silent > LONGEST_SILENCE_SECONDS + note.every_seconds
        return f"The worker has done nothing for {silent:.0f} seconds." if is_silent else None
    try:
        status = _asked(note.address)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"The service does not answer: {error}."
    return None if status == http.HTTPStatus.OK else f"The service answers {status}."


def _asked(address: tuple[str, int] | str) -> int:
    """The status of /livez there. address: a host and a port, or the path of a socket. Raises OSError."""
    host, port = ("localhost", 80) if isinstance(address, str) else (EVERYWHERE.get(address[0], address[0]), address[1])
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    try:
        if isinstance(address, str):
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(ANSWER_SECONDS)
            connection.sock.connect(address)
        connection.request("GET", "/livez")
        return connection.getresponse().status
    finally:
        connection.close()
