"""Turns: how many of something may go on at once, over all processes of the service."""

import fcntl
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """So many turns, shared by this process and those that it forks. A process that dies gives its turns back.

    Each turn is a byte of a file without a name, on which its holder has a lock.
    """

    def __init__(self, most: int) -> None:
        self._file, name = tempfile.mkstemp()
        os.unlink(name)
        self._free = set(range(most))
        self._lock = threading.Lock()

    def take(self) -> int | None:
        """A turn; None where all are taken."""
        with self._lock:
            for turn in sorted(self._free):
                try:
                    fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, turn)
                except OSError:
                    continue
                self._free.discard(turn)
                return turn
        return None

    @contextmanager
    def turn(self, otherwise: type[Exception]) -> Iterator[None]:
        """A turn for as long as this lasts. Raises `otherwise` where all are taken."""
        taken = self.take()
        if taken is None:
            raise otherwise
        try:
            yield
        finally:
            self.give_back(taken)

    def give_back(self, turn: int) -> None:
        """Let others have it."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, turn)
            self._free.add(turn)
