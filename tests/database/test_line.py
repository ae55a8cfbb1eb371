import os
import socket
from collections.abc import Iterator

import pytest

from service.database.line import Line


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that are connected."""
    one, other = socket.socketpair()
    with one, other:
        other.settimeout(5)
        yield one, other


def test_a_line_that_was_cut_ends_at_both_ends(ends: tuple[socket.socket, socket.socket]) -> None:
    one, other = ends
    line = Line(one.fileno())
    line.cut()
    line.cut()
    assert other.recv(1) == b""
    assert one.recv(1) == b""
    line.close()


def test_what_took_the_number_of_a_line_that_is_gone_is_not_cut(ends: tuple[socket.socket, socket.socket]) -> None:
    one, other = ends
    line = Line(one.fileno())
    line.close()
    line.close()
    os.dup2(one.fileno(), line._own)
    line.cut()
    one.send(b"7")
    assert other.recv(1) == b"7"
    os.close(line._own)


def test_a_line_that_nobody_has_is_given_up(ends: tuple[socket.socket, socket.socket]) -> None:
    line = Line(ends[0].fileno())
    number = line._own
    del line
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
