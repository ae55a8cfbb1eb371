"""Ids: made by us, ordered by time, without a sequence to share."""

import threading
import time
from datetime import datetime
from uuid import UUID

import uuid_utils.compat

NANOSECONDS_OF_A_TICK = 1_000_000
"""The upper 48 of an id's 128 bits count milliseconds."""


class Clock:
    """The clock of this process's ids, which goes ahead of the machine's where another machine does."""

    def __init__(self, *, ahead: int = 0) -> None:
        """ahead: of the machine's clock, in nanoseconds."""
        self._ahead, self._last, self._lock = ahead, 0, threading.Lock()

    def new_id(self) -> UUID:
        """A new id, after all that were made before."""
        if not self._ahead:
            return uuid_utils.compat.uuid7()
        with self._lock:
            made = uuid_utils.compat.uuid7(nanoseconds=time.time_ns() + self._ahead)
            self._last = max(self._last + 1, made.int)
            return UUID(int=self._last)

    def go_past(self, other: UUID) -> None:
        """Let all that follow be after this one."""
        with self._lock:
            behind = ((other.int >> 80) + 1) * NANOSECONDS_OF_A_TICK - time.time_ns()
            self._last = max(self._last, other.int, uuid_utils.compat.uuid7().int)
            self._ahead = max(self._ahead, behind, 1)


_clock = Clock()


def new_id() -> UUID:
    """A new UUIDv7, after all that this process made before. Source: RFC 9562."""
    return _clock.new_id()


def go_past(other: UUID) -> None:
    """Let all ids that this process makes from now on be after this one, of a machine whose clock is ahead of ours."""
    _clock.go_past(other)


def first_id_at(moment: datetime) -> UUID:
    """What no id is below that was made at this time or later, by the clock that made it."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
