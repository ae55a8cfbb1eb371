"""Who else is being served: long work in the service's processes gives way to it."""

import mmap
import struct
import time

RECENT_SECONDS = 0.2
PATIENCE = 6
"""How many times as long as it worked long work waits while others come: they keep most of what there is."""

PAUSE_SECONDS = (0.012, 0.5)
"""The shortest and the longest: the database goes on for a while by itself, and somebody waits for the file."""


class Traffic:
    """When somebody last came, known to this process and to those that it forks."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)

    def note(self) -> None:
        """Somebody comes."""
        struct.pack_into("d", self._page, 0, time.monotonic())

    def is_recent(self) -> bool:
        """Whether somebody came just now."""
        last: float = struct.unpack_from("d", self._page)[0]
        return time.monotonic() - last < RECENT_SECONDS


traffic = Traffic()


class Courtesy:
    """One piece of long work, which pauses now and then for as long as others come."""

    def __init__(self) -> None:
        self.resume()

    def resume(self) -> None:
        """The work goes on from here."""
        self._since = time.monotonic()

    def give_way(self) -> None:
        """Pause, where others come."""
        if traffic.is_recent():
            shortest, longest = PAUSE_SECONDS
            time.sleep(min(max(PATIENCE * (time.monotonic() - self._since), shortest), longest))
        self.resume()
