"""How often somebody may try to sign in with keys that are none.

Counted by each process for itself, by the address that the tries come from: a limit against guessing and against load.
"""

import math
import time

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

ALLOWED = parse_many("10/minute; 60/hour")


class Tries:
    """The tries of the last hour that failed, by where they came from."""

    def __init__(self) -> None:
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def seconds_to_wait(self, who: str) -> int:
        """How long until they may try again; 0 where they may now."""
        spent = [limit for limit in ALLOWED if not self._window.test(limit, who)]
        return max((self._until(limit, who) for limit in spent), default=0)

    def failed(self, who: str) -> None:
        """Count one more."""
        for limit in ALLOWED:
            self._window.hit(limit, who)

    def _until(self, limit: RateLimitItem, who: str) -> int:
        return max(1, math.ceil(self._window.get_window_stats(limit, who).reset_time - time.time()))
