"""Who waits for PostgreSQL, and until when: a database that hangs costs its callers a second, and nobody's lock all of
the service's processes.

A server that is stopped, or gone behind a network that drops what it is sent, says nothing; its client waits. So one
thread of each process looks now and then which of its connections wait for an answer. Once one has waited for a while,
it asks the database, on a connection of its own, who waits for a lock:

- no answer: the database hangs. Whoever waits is cut off, and until it answers again nobody is given a connection, so
  that a request fails at once, or goes on by what is remembered.
- an answer: whoever waits goes on in a turn, of which there is one less than there are processes. Whoever gets none for
  a second waits no longer: a statement that waits for a lock is cancelled, any other one is cut off (a commit that a
  disk or a standby keeps is not to be told as done). From then on, until there is a turn, such a process waits for next
  to nothing, and serves all others.

Nothing is asked or noted for each statement. See docs/decisions/0026-a-database-that-hangs.md.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar
from weakref import ReferenceType, WeakKeyDictionary, WeakSet, ref

import psycopg

from service.database.driver import CheckoutConnection
from service.turns import Turns

T = TypeVar("T")

LOOK_SECONDS = 0.1
SLOW_SECONDS = 0.2
"""A statement of a checkout takes a hundredth of that."""

ANSWER_SECONDS = 1.2
"""How long a database may take to say that it is there, be it as busy as it wants."""

LAST_SECONDS = 1.3
"""How long one may wait without a turn: longer than PostgreSQL takes to see that two wait for each other, as who buys
and who upgrades, and to let one of them go first (`deadlock_timeout`, a second)."""

CROWDED_SECONDS = 0.02
"""How long a lock is waited for once that was in vain, until there is a turn."""

_OURS = "FROM pg_stat_activity WHERE pid = ANY($1) AND wait_event_type = 'Lock' AND application_name = 'orchard'"
_LOCKED = f"SELECT pid {_OURS}"
_CANCEL = f"SELECT pid, pg_cancel_backend(pid) {_OURS}"
log = logging.getLogger("orchard.database")


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
        done.add_done_callback(too_late)
        raise


class Watch:
    """Looks after the connections of one process."""

    def __init__(self, connect: Callable[[], CheckoutConnection]) -> None:
        """connect: makes a connection for the watch's own questions."""
        self.is_away = False
        self.is_crowded = False
        self._connect = connect
        self._own: CheckoutConnection | None = None
        self._connections: WeakSet[CheckoutConnection] = WeakSet()
        self._since: WeakKeyDictionary[CheckoutConnection, tuple[int, float]] = WeakKeyDictionary()
        self._changing = threading.Lock()
        self._turns: Turns | None = None
        self._turn: int | None = None

    def __del__(self) -> None:
        if self._own is not None:
            self._own.close()

    def start(self, turns: Turns) -> None:
        """Look, from now on, for as long as somebody has this watch."""
        self._turns = turns
        threading.Thread(target=_go_on_looking, args=(ref(self),), name="orchard-watch", daemon=True).start()

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
        slow = {connection: since for connection, since in waiting.items() if now - since >= SLOW_SECONDS}
        if not slow and not self.is_away:
            self._rest()
            return
        locked = self._answered(_LOCKED, [connection.pgconn.backend_pid for connection in slow])
        self.is_away = locked is None
        if locked is None:
            self._cut_off(waiting)
        elif slow and not self._has_a_turn():
            longest = SLOW_SECONDS if self.is_crowded else LAST_SECONDS
            too_long = {connection: since for connection, since in slow.items() if now - since >= longest}
            self._wait_no_longer(too_long, locked)
        elif not slow:
            self._rest()

    def _waiting(self, now: float) -> dict[CheckoutConnection, float]:
        """The connections that wait for an answer, and since when each was seen to."""
        with self._changing:
            known = list(self._connections)
        waiting = {}
        for connection in known:
            number = connection.waits_for
            if number is None:
                self._since.pop(connection, None)
                continue
            before, since = self._since.get(connection, (None, now))
            if number != before:  # what is asked here without a rest is not slow
                self._since[connection] = number, since = number, now
            waiting[connection] = since
        return waiting

    def _answered(self, query: str, pids: Sequence[int]) -> Sequence[int] | None:
        """Which of these pids the query finds; none where the database refuses to say, None where it says nothing."""
        own, self._own = self._own, None  # whose question is not answered keeps it, and nobody else may ask there
        try:
            self._own, found = within(
                ANSWER_SECONDS, lambda: self._asked(own, query, pids), let_go=lambda late: late[0].close()
            )
        except TimeoutError:
            if own is not None:
                own.cut_off()
            return None
        except psycopg.Error:  # which is an answer: whoever asks it gets one of their own
            return []
        return found

    def _asked(
        self, own: CheckoutConnection | None, query: str, pids: Sequence[int]
    ) -> tuple[CheckoutConnection, Sequence[int]]:
        if own is None or own.closed:
            own = self._connect()
        try:
            rows = own.ask(query, [f"{{{', '.join(map(str, pids))}}}"])
        except psycopg.Error:
            own.close()
            raise
        return own, [row[0] for row in rows]

    def _has_a_turn(self) -> bool:
        """Whether this process may go on waiting: where nobody counts turns, it may."""
        if self._turns is not None and self._turn is None:
            self._turn = self._turns.take()
        if self._turn is not None:
            self.is_crowded = False
        return self._turn is not None or self._turns is None

    def _wait_no_longer(self, waiting: Mapping[CheckoutConnection, float], locked: Sequence[int]) -> None:
        if waiting:
            self.is_crowded = True
            for_locks = [connection for connection in waiting if connection.pgconn.backend_pid in locked]
            if for_locks:
                self._answered(_CANCEL, [connection.pgconn.backend_pid for connection in for_locks])
            self._cut_off({connection: waiting[connection] for connection in waiting if connection not in for_locks})

    def _cut_off(self, waiting: Mapping[CheckoutConnection, float]) -> None:
        """Cut off who waits still: whoever was answered meanwhile waits for something else, if at all."""
        still = self._waiting(time.monotonic())
        for connection, since in waiting.items():
            if still.get(connection) == since:
                connection.cut_off()

    def _rest(self) -> None:
        """Nobody waits."""
        if self.is_crowded:
            self._has_a_turn()
        self._give_back()

    def _give_back(self) -> None:
        if self._turn is not None and self._turns is not None:
            self._turns.give_back(self._turn)
            self._turn = None


def _go_on_looking(watched: "ReferenceType[Watch]") -> None:
    """Look until nobody has the watch any more."""
    while (watch := watched()) is not None:
        try:
            watch.look(time.monotonic())
        except Exception:  # whatever it is, nobody is to be kept out by who looks
            log.exception("a look at the database failed")
            watch.is_away = False
        del watch
        time.sleep(LOOK_SECONDS)
