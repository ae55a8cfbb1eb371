"""What goes over the wire to PostgreSQL: a proxy of its socket that counts statements, and ways there and back."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
RUNS = (b"E"[0], b"Q"[0])
"""The messages that run something: Execute and Query."""


@dataclass
class Counted:
    """How many statements were run, BEGIN and COMMIT among them, and how often somebody waited for an answer."""

    statements: int = 0
    ways: int = 0


@contextmanager
def counting(postgres: Path, folder: Path) -> Iterator[Counted]:
    """A socket in `folder` that leads to the one in `postgres`, for as long as it is needed, for few connections."""
    counted = Counted()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / SOCKET))
    (folder / SOCKET).chmod(0o777)
    listener.listen()

    def accept() -> None:
        with suppress(OSError):  # until the listener is closed
            while True:
                client, _ = listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(postgres / SOCKET))
                asked = _Asked(counted)
                for source, target, seen in ((client, server, asked.ask), (server, client, asked.answer)):
                    threading.Thread(target=_pass_on, args=(source, target, seen), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield counted
    finally:
        listener.close()
        (folder / SOCKET).unlink()


class _Asked:
    """One connection, whose first message has no letter."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted
        self._rest = b""
        self._has_begun = False
        self._is_answered = True

    def ask(self, sent: bytes) -> None:
        if self._is_answered:
            self._counted.ways += 1
            self._is_answered = False
        self._rest += sent
        while len(self._rest) >= 5:
            letter = 1 if self._has_begun else 0
            (length,) = struct.unpack_from("!i", self._rest, letter)
            if len(self._rest) < length + letter:
                return
            if letter and self._rest[0] in RUNS:
                self._counted.statements += 1
            self._has_begun = True
            self._rest = self._rest[length + letter :]

    def answer(self, _sent: bytes) -> None:
        self._is_answered = True


def _pass_on(source: socket.socket, target: socket.socket, seen: Callable[[bytes], None]) -> None:
    with suppress(OSError):
        while sent := source.recv(65536):
            seen(sent)
            target.sendall(sent)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
