"""Signs of life: each process that serves leaves a note beside its state, from which another one tells how it is.

A web process is asked at `/livez`, where it listens. The worker touches its note whenever it is done with something in
the database; that it cannot get there is no fault of its own, and goes into its note as well.
"""

import http.client
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from service.settings import STATE

Role = Literal["serve", "worker"]
ROLES: tuple[Role, ...] = ("serve", "worker")

ANSWER_SECONDS = 2
LONGEST_SILENCE_SECONDS = 300
"""Between two touches of a worker's note, its pauses apart: what it does at once takes a fraction of that."""

BEAT_SECONDS = 1
EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Where somebody is reached who listens on every address."""


def _note(role: Role) -> Path:
    return STATE / f"{role}-{socket.gethostname()}.json"


def leave(role: Role, **more: Any) -> None:
    """Leave a note that this process runs. Where nothing can be written, there is none."""
    with suppress(OSError):
        STATE.mkdir(mode=0o700, exist_ok=True)
        draft = _note(role).with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps({"pid": os.getpid(), **more}))
        draft.replace(_note(role))


def take_away(role: Role) -> None:
    """This process runs no longer."""
    with suppress(OSError):
        _note(role).unlink()


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
                os.utime(_note("worker"))


def faults() -> list[str]:
    """What is wrong with what runs here, a line each."""
    notes = [(role, note, touched) for role in ROLES for note, touched in _left_by(role)]
    if not notes:
        return ["Nothing of Orchard runs here."]
    return [fault for role, note, touched in notes if (fault := _fault(role, note, touched))]


def _left_by(role: Role) -> list[tuple[dict[str, Any], float]]:
    """The note of a process that is still there, and when it was touched."""
    try:
        note = json.loads(_note(role).read_text())
        touched = _note(role).stat().st_mtime
        os.kill(note["pid"], 0)
    except PermissionError:  # it is there, and somebody else's
        pass
    except (OSError, ValueError):
        return []
    return [(note, touched)]


def _fault(role: Role, note: dict[str, Any], touched: float) -> str | None:
    if role == "worker":
        silent = time.time() - touched
        longest = LONGEST_SILENCE_SECONDS + note["every_seconds"]
        return f"The worker has done nothing for {silent:.0f} seconds." if silent > longest else None
    try:
        status = _asked(note["address"])
    except (OSError, http.client.HTTPException) as error:
        return f"The service does not answer: {error}."
    return None if status == http.HTTPStatus.OK else f"The service answers {status}."


def _asked(address: str | list[Any]) -> int:
    """The status of /livez there. address: a host and a port, or the path of a socket. Raises OSError."""
    host, port = ("localhost", 80) if isinstance(address, str) else (EVERYWHERE.get(address[0], address[0]), address[1])
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    if isinstance(address, str):
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(ANSWER_SECONDS)
        connection.sock.connect(address)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status
    finally:
        connection.close()
