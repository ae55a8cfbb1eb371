"""Who else is being served: long work in the service's processes gives way to it."""

import mmap
import struct
import time

RECENT_SECONDS = 0.2
PATIENCE = 6
"""How many times as long as it worked long work waits while others come: they keep most of what there is."""

WORK_SECONDS = 0.005
"""How long it works between two pauses, at least: a row is not worth one."""

LONGEST_PAUSE_SECONDS = 0.5


class Traffic:
    """When somebody last came, known to this process and to those that it forks."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)

    def note(self) -> None:
        """Somebody comes."""
        struct.pack_into("d", self._page, 0, time.monotonic())

    def last(self) -> float:
        """When somebody last came, by the clock that all processes share."""
        return float(struct.unpack_from("d", self._page)[0])


traffic = Traffic()


class Courtesy:
    """One piece of long work, which pauses now and then for as long as others come: others than who asked for it."""

    def __init__(self) -> None:
        self._asked_at = traffic.last()
        self._worked = 0.0
        self.resume()

    def resume(self) -> None:
        """The work goes on from here."""
        self._since = time.monotonic()

    def give_way(self) -> None:
        """Pause, where others come and there was enough work since the last pause."""
        self._worked += time.monotonic() - self._since
        if self._worked >= WORK_SECONDS:
            last = traffic.last()
            if last > self._asked_at and time.monotonic() - last < RECENT_SECONDS:
                time.sleep(min(PATIENCE * self._worked, LONGEST_PAUSE_SECONDS))
            self._worked = 0.0
        self.resume()
