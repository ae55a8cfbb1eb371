"""Who waits for PostgreSQL, and until when: a database that hangs costs its callers a second, and nobody's lock all of
the service's processes.

A server that is stopped, or gone behind a network that drops what it is sent, says nothing; its client waits. So one
thread of each process looks now and then which of its connections wait for an answer. Once one has waited for a while,
it asks the database, on a new connection, who waits for a lock:

- no answer: the database hangs. Whoever waits is cut off, and until it answers again nobody is given a connection, so
  that a request fails at once, or goes on by what is remembered.
- a lock: that is waited for in a turn, of which there is one less than there are processes. Whoever gets none for a
  second has its statement cancelled; from then on, until there is one, locks are waited for so briefly that the process
  serves all others.

Nothing is asked or noted for each statement. See docs/decisions/0026-a-database-that-hangs.md.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary, WeakSet

import psycopg

from service.database.driver import CheckoutConnection
from service.turns import Turns

T = TypeVar("T")

LOOK_SECONDS = 0.1
SLOW_SECONDS = 0.2
"""A statement of a checkout takes a hundredth of that."""

ANSWER_SECONDS = 0.8
"""How long a database may take to say that it is there, connecting included."""

LAST_SECONDS = 0.8
"""How long a lock is waited for without a turn: so long may an upgrade take for a step, and no sign of life waits
for longer."""

CROWDED_SECONDS = 0.02
"""How long it is once that was in vain, until there is a turn."""

_LOCKED = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s) AND wait_event_type = 'Lock'"
_CANCEL = "SELECT pg_cancel_backend(pid) FROM unnest(%s::int[]) AS pid"


class Hanging(psycopg.OperationalError):
    """The database does not answer."""

    def __init__(self) -> None:
        super().__init__("The database does not answer.")


def within(seconds: float, work: Callable[[], T], *, let_go: Callable[[T], object]) -> T:
    """What `work` returns, which runs in a thread of its own, since nothing else bounds what a driver waits for.

    let_go: is given what came too late. Raises TimeoutError, and what `work` raises.
    """
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    def too_late(future: Future[T]) -> None:
        if future.exception() is None:
            let_go(future.result())

    threading.Thread(target=run, name="orchard-within", daemon=True).start()
    try:
        return done.result(seconds)
    except TimeoutError:
        if not done.done():
            done.add_done_callback(too_late)
        raise


class Watch:
    """Looks after the connections of one process."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]]) -> None:
        """connect: makes a connection for the watch's own questions."""
        self.is_away = False
        self.is_crowded = False
        self._connect = connect
        self._connections: WeakSet[CheckoutConnection] = WeakSet()
        self._since: WeakKeyDictionary[CheckoutConnection, float] = WeakKeyDictionary()
        self._changing = threading.Lock()
        self._turns: Turns | None = None
        self._turn: int | None = None

    def start(self, turns: Turns) -> None:
        """Look, from now on, for as long as this process lives."""
        self._turns = turns

        def look() -> None:
            while True:
                time.sleep(LOOK_SECONDS)
                self.look(time.monotonic())

        threading.Thread(target=look, name="orchard-watch", daemon=True).start()

    def admit(self) -> None:
        """Raise Hanging where the database is known to."""
        if self.is_away:
            raise Hanging

    def add(self, connection: CheckoutConnection) -> None:
        """Look after this connection too."""
        with self._changing:
            self._connections.add(connection)

    def missed(self) -> None:
        """Somebody waited in vain for a connection. Where nobody looks, everybody goes on trying."""
        self.is_away = self._turns is not None

    def look(self, now: float) -> None:
        """One look. now: in seconds, by a clock that only goes on."""
        waiting = self._waiting(now)
        slow = [connection for connection in waiting if now - self._since[connection] >= SLOW_SECONDS]
        if not slow and not self.is_away:
            self._rest()
            return
        since = {connection.pgconn.backend_pid: self._since[connection] for connection in slow}
        locked = self._locked(list(since))
        self.is_away = locked is None
        if locked is None:
            for connection in waiting:
                connection.cut_off()
        else:
            self._queue(locked, [pid for pid in locked if now - since[pid] >= LAST_SECONDS])

    def _waiting(self, now: float) -> Sequence[CheckoutConnection]:
        """The connections that wait for an answer. Since when each does is noted."""
        with self._changing:
            known = list(self._connections)
        waiting = [connection for connection in known if connection.is_waiting]
        for connection in known:
            if connection in waiting:
                self._since.setdefault(connection, now)
            else:
                self._since.pop(connection, None)
        return waiting

    def _locked(self, pids: Sequence[int]) -> Sequence[int] | None:
        """Which of these wait for a lock; None where the database does not answer."""
        try:
            return within(ANSWER_SECONDS, lambda: self._asked(_LOCKED, pids), let_go=lambda _: None)
        except TimeoutError:
            return None
        except psycopg.Error:  # which is an answer: whoever asks it gets one of their own
            return []

    def _asked(self, query: str, pids: Sequence[int]) -> Sequence[int]:
        with self._connect() as own:
            return [row[0] for row in own.execute(query, [list(pids)]).fetchall()]

    def _queue(self, locked: Sequence[int], too_long: Sequence[int]) -> None:
        """Wait for these locks in a turn, or for some of them no longer."""
        turns = self._turns
        if turns is None:
            return
        if not locked:
            self._give_back()
        elif self._turn is None:
            self._turn = turns.take()
            if self._turn is None and too_long:
                self.is_crowded = True
                with suppress(TimeoutError, psycopg.Error):
                    within(ANSWER_SECONDS, lambda: self._asked(_CANCEL, too_long), let_go=lambda _: None)

    def _rest(self) -> None:
        """Nobody waits."""
        self._give_back()
        if self.is_crowded and self._turns is not None:
            self._turn = self._turns.take()
            self.is_crowded = self._turn is None
            self._give_back()

    def _give_back(self) -> None:
        if self._turn is not None and self._turns is not None:
            self._turns.give_back(self._turn)
            self._turn = None
