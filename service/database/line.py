"""The line of a connection, which another thread can cut: whoever waits for an answer there has an error instead."""

import os
import socket
from contextlib import suppress
from threading import Lock
from weakref import finalize


class Line:
    """A second name of a socket, so that nobody ever cuts what took the number of a line that is gone."""

    def __init__(self, number: int) -> None:
        """number: the file descriptor of the socket."""
        self._own = os.dup(number)
        self._closing = Lock()
        self._close = finalize(self, os.close, self._own)

    def cut(self) -> None:
        """Nothing comes or goes any more. From any thread; again, or after `close`, changes nothing."""
        with self._closing, suppress(OSError):
            if self._close.alive:
                line = socket.socket(fileno=self._own)
                try:
                    line.shutdown(socket.SHUT_RDWR)
                finally:
                    line.detach()

    def close(self) -> None:
        """Give the second name up."""
        with self._closing:
            self._close()
