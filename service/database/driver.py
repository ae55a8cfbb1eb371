"""PostgreSQL's driver for the statements of a checkout: sent prepared, and inserts together.

psycopg makes a cursor for each statement, which looks up how to send its values and how to read its answer. The
statements of a checkout say that themselves, so they go by psycopg's own layer beneath its cursors (`psycopg.pq`),
which costs a third. Inserts and updates of which nobody awaits an answer wait, and travel as one statement, ahead of
whatever is asked next. See docs/decisions/0013-inserts-travel-together.md.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.types.json import Json

from service.database.line import Line

Values = Sequence[Any]
"""Each as PostgreSQL writes it, in bytes, or None."""

MOST_KEPT = 300
"""So many statements are kept prepared by one connection: those that were used last."""

STALE = ("26000", "0A000")
"""invalid_sql_statement_name: somebody let go of what was prepared, as psycopg does after a table was dropped.
feature_not_supported: what was prepared answers with other types since a column was changed."""

_NUMBER = re.compile(r"\$([0-9]+)")
_TABLE = re.compile(r"(?:INSERT INTO|UPDATE) (\w+)")
_ANSWERED = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


def _text(text: str) -> bytes:
    """Raises psycopg.DataError for what would end in its middle there."""
    if "\0" in text:
        raise psycopg.DataError("PostgreSQL's text holds no NUL.")
    return text.encode()


_WRITERS: dict[type, Callable[[Any], bytes]] = {
    str: _text,
    int: lambda number: b"%d" % number,
    bool: lambda flag: b"t" if flag else b"f",
    bytes: lambda raw: b"\\x" + raw.hex().encode(),
    UUID: lambda name: name.hex.encode(),
    datetime: lambda moment: moment.isoformat().encode(),
    Json: lambda document: json.dumps(document.obj).encode(),
}


class CheckoutConnection(psycopg.Connection[Any]):
    """A connection on which prepared statements can be asked and put, and all others run as ever.

    Who asks for a cursor has what waits sent first, so that everything runs in the order in which it was said. For one
    thread at a time, but for `waits_for` and `cut_off`. A statement blocks until it is answered, signals too: the
    server's statement_timeout bounds it, and where that does not answer, who cuts it off.

    is_of_many: whether the database is one of many machines, which who makes the connection finds out.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._waiting: dict[str, tuple[str, Values]] = {}
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._made = 0
        self._asked = 0
        self._is_doubtful = False
        self._reader = Transformer(self)
        self.is_of_many = False
        self._line = Line(self.pgconn.socket)

    @property
    def waits_for(self) -> int | None:
        """Which of all that was asked here is not answered yet, by its number; None where nothing is asked."""
        is_waiting = not self.closed and self.pgconn.transaction_status == TransactionStatus.ACTIVE
        return self._asked if is_waiting else None

    def cut_off(self) -> None:
        """From another thread: whoever waits for an answer here has an error instead."""
        self._line.cut()

    def close(self) -> None:
        """As psycopg's."""
        super().close()
        self._line.close()

    def ask(self, text: str, values: Sequence[object]) -> Sequence[tuple[Any, ...]]:
        """The rows that this statement, with $1 and so on, answers with. Raises psycopg.Error."""
        self.send_waiting()
        result = self._run(text, as_text(values))
        if not result.ntuples:
            return ()
        self._reader.set_pgresult(result, set_loaders=True, format=Format.TEXT)
        return self._reader.load_rows(0, result.ntuples, tuple)

    def put(self, text: str, values: Sequence[object]) -> None:
        """Let this insert of given values, or this update by a key, wait; what it raises is raised by what sends it.

        What travels in one statement sees nothing of its companions, so only one of each table waits. Raises
        ValueError for any other statement.
        """
        written = _TABLE.match(text)
        if written is None:
            raise ValueError(f"Only an insert or an update can wait, not {text[:40]!r}.")
        table = written[1]
        if table in self._waiting:
            self.send_waiting()
        self._waiting[table] = text, as_text(values)

    def send_waiting(self) -> None:
        """Run what waits. Raises psycopg.Error."""
        if not self._waiting:
            return
        texts, values = zip(*self._waiting.values(), strict=True)
        self._waiting = {}
        numbers = tuple(len(of_one) for of_one in values)
        self._run(_together(texts, numbers), [value for of_one in values for value in of_one])

    def forget_part(self) -> None:
        """Drop what waits, with the part of the transaction that is about to be undone.

        psycopg lets go of everything that is prepared then, if it has prepared something itself.
        """
        self._waiting = {}
        self._is_doubtful = True

    def cursor(self, *arguments: Any, **more: Any) -> Any:
        """As psycopg's."""
        self.send_waiting()
        self._asked += 1
        return super().cursor(*arguments, **more)

    def commit(self) -> None:
        """As psycopg's."""
        self.send_waiting()
        self._asked += 1
        super().commit()

    def rollback(self) -> None:
        """As psycopg's, which would let go of all that is prepared, though preparing is in no transaction."""
        self._waiting = {}
        self._asked += 1
        if self.pgconn.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            self._checked(self.pgconn.exec_(b"ROLLBACK"))
        else:
            super().rollback()

    def _run(self, text: str, values: Values) -> PGresult:
        is_first = self.pgconn.transaction_status == TransactionStatus.IDLE
        if is_first:
            self._begin()
        try:
            return self._executed(text, values)
        except psycopg.Error as error:
            if error.sqlstate not in STALE:
                raise
            self._kept.clear()
            if not is_first:
                raise
        self.rollback()
        self._begin()
        return self._executed(text, values)

    def _begin(self) -> None:
        if not self.autocommit:
            level = self.isolation_level
            begin = f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}" if level else "BEGIN"
            self._checked(self.pgconn.exec_(begin.encode()))

    def _executed(self, text: str, values: Values) -> PGresult:
        self._asked += 1
        if self._is_doubtful:
            self._look_what_is_kept()
        name = self._kept.get(text)
        if name is None:
            name = self._prepare(text)
        else:
            self._kept.move_to_end(text)
        return self._checked(self.pgconn.exec_prepared(name, values))

    def _look_what_is_kept(self) -> None:
        found = self._checked(self.pgconn.exec_(b"SELECT name FROM pg_prepared_statements"))
        there = {found.get_value(row, 0) for row in range(found.ntuples)}
        self._kept = OrderedDict((text, name) for text, name in self._kept.items() if name in there)
        self._is_doubtful = False

    def _prepare(self, text: str) -> bytes:
        if len(self._kept) == MOST_KEPT:
            _, unused = self._kept.popitem(last=False)
            self._checked(self.pgconn.close_prepared(unused))
        self._made += 1
        name = f"checkout_{self._made}".encode()
        self._checked(self.pgconn.prepare(name, text.encode()))
        self._kept[text] = name
        return name

    def _checked(self, result: PGresult) -> PGresult:
        if result.status in _ANSWERED:
            return result
        if not result.error_field(DiagnosticField.SQLSTATE):  # not the server's, which cannot be heard any more
            self.close()
            raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
        raise psycopg.errors.error_from_result(result, "utf-8")


def as_text(values: Sequence[object]) -> Values:
    """The values as PostgreSQL writes them; the statement says of which type each is.

    Raises psycopg.DataError for what it does not write.
    """
    return [None if value is None else (_WRITERS.get(type(value)) or _writer_of(value))(value) for value in values]


def _writer_of(value: object) -> Callable[[Any], bytes]:
    """How what is derived from one of these is written."""
    for base in type(value).__mro__:
        if base in _WRITERS:
            return _WRITERS[base]
    raise psycopg.DataError(f"A {type(value).__name__} is no value of a prepared statement.")


@lru_cache(maxsize=MOST_KEPT)
def _together(texts: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    """One statement of these, of as many values each."""
    renumbered, before = [], 0
    for text, number in zip(texts, numbers, strict=True):
        renumbered.append(_renumbered(text, before))
        before += number
    *first, last = renumbered
    if not first:
        return last
    named = ", ".join(f"part_{place} AS ({text})" for place, text in enumerate(first))
    return f"WITH {named} {last}"


def _renumbered(text: str, before: int) -> str:
    """The statement with so many values before its own."""
    return _NUMBER.sub(lambda found: f"${int(found[1]) + before}", text)
