"""Ids: made by us, ordered by time, without a sequence to share."""

import threading
from datetime import datetime
from uuid import UUID

import uuid_utils.compat

FURTHEST = 24 * 3_600_000
"""Milliseconds: what is further ahead than a day is no clock's, and is not followed."""


class Clock:
    """What makes the ids of this process: after all that it made or met, whatever the machine's clock says."""

    def __init__(self) -> None:
        self._last, self._lock = 0, threading.Lock()

    def new_id(self) -> UUID:
        """A new id, by the machine's clock; while that is behind what was met, the next one after it."""
        made = self.now()
        if made.int > self._last:
            return made
        with self._lock:
            self._last = max(self._last + 1, made.int)
            return UUID(int=self._last)

    def go_past(self, other: UUID) -> bool:
        """Let all that follow be after this one. False, doing nothing, where that is too far ahead to be a time."""
        if (other.int >> 80) > (self.now().int >> 80) + FURTHEST:
            return False
        with self._lock:
            self._last = max(self._last, other.int)
        return True

    def now(self) -> UUID:
        """An id by the machine's clock."""
        return uuid_utils.compat.uuid7()


_clock = Clock()


def new_id() -> UUID:
    """A new UUIDv7, after all that this process made before. Source: RFC 9562."""
    return _clock.new_id()


def go_past(other: UUID) -> bool:
    """Let all ids that this process makes from now on be after this one, of a machine whose clock is ahead of ours.

    Until our clock is there, they are made one by one after it. False where it is a day ahead: that is no clock's.
    """
    return _clock.go_past(other)


def first_id_at(moment: datetime) -> UUID:
    """What no id is below that was made at this time or later, by the clock that made it."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
