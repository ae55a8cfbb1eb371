"""PostgreSQL's driver for the statements of a checkout: sent prepared, and inserts together.

psycopg makes a cursor for each statement, which looks up how to send its values and how to read its answer. The
statements of a checkout say that themselves, so they go by psycopg's own layer beneath its cursors (`psycopg.pq`),
which costs a third. Inserts and updates of which nobody awaits an answer wait, and travel as one statement, ahead of
whatever is asked next. See docs/decisions/0013-inserts-travel-together.md.
"""

import json
import re
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

Values = Sequence[Any]
"""Each as PostgreSQL writes it, in bytes, or None."""

MOST_KEPT = 300
"""So many statements are kept prepared by one connection."""

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

    Who asks for a cursor has what waits sent first, so that everything runs in the order in which it was said.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._waiting: dict[str, tuple[str, Values]] = {}
        self._kept: dict[str, bytes] = {}
        self._made = 0
        self._reader = Transformer(self)

    def ask(self, text: str, values: Sequence[object]) -> Sequence[tuple[Any, ...]]:
        """The rows that this statement, with $1 and so on, answers with. Raises psycopg.Error."""
        self.send_waiting()
        result = self._run(text, as_text(values))
        if not result.ntuples:
            return ()
        self._reader.set_pgresult(result, set_loaders=True, format=Format.TEXT)
        return self._reader.load_rows(0, result.ntuples, tuple)

    def put(self, text: str, values: Sequence[object]) -> None:
        """Let this insert or update wait; what it raises is raised by what sends it.

        What travels in one statement sees nothing of its companions, so only one of each table waits.
        """
        written = _TABLE.match(text)
        assert written is not None, text
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

    def forget_waiting(self) -> None:
        """Drop what waits, with the transaction or the part of it to which it belonged."""
        self._waiting = {}

    def cursor(self, *arguments: Any, **more: Any) -> Any:
        """As psycopg's."""
        self.send_waiting()
        return super().cursor(*arguments, **more)

    def commit(self) -> None:
        """As psycopg's."""
        self.send_waiting()
        super().commit()

    def rollback(self) -> None:
        """As psycopg's, which would let go of all that is prepared, though preparing is in no transaction."""
        self.forget_waiting()
        if self.pgconn.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            self._checked(self.pgconn.exec_(b"ROLLBACK"))
        else:
            super().rollback()

    def _run(self, text: str, values: Values) -> PGresult:
        if not self.autocommit and self.pgconn.transaction_status == TransactionStatus.IDLE:
            self._checked(self.pgconn.exec_(self._begin()))
        name = self._kept.get(text) or self._prepare(text)
        return self._checked(self.pgconn.exec_prepared(name, values))

    def _begin(self) -> bytes:
        level = self.isolation_level
        return f"BEGIN ISOLATION LEVEL {level.name.replace('_', ' ')}".encode() if level else b"BEGIN"

    def _prepare(self, text: str) -> bytes:
        if len(self._kept) == MOST_KEPT:
            oldest = next(iter(self._kept))
            self._checked(self.pgconn.exec_(b"DEALLOCATE " + self._kept.pop(oldest)))
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
        error = psycopg.errors.error_from_result(result, "utf-8")
        if isinstance(error, psycopg.errors.InvalidSqlStatementName):
            self._kept.clear()  # somebody let go of all of them, as psycopg does after a table was dropped
        raise error


def as_text(values: Sequence[object]) -> Values:
    """The values as PostgreSQL writes them; the statement says of which type each is."""
    return [None if value is None else (_WRITERS.get(type(value)) or _writer_of(value))(value) for value in values]


def _writer_of(value: object) -> Callable[[Any], bytes]:
    """How what is derived from one of these is written."""
    return next(_WRITERS[base] for base in type(value).__mro__ if base in _WRITERS)


@lru_cache(maxsize=MOST_KEPT)
def _together(texts: tuple[str, ...], numbers: tuple[int, ...]) -> str:
    """One statement of these, of as many values each."""
    renumbered, before = [], 0
    for text, number in zip(texts, numbers, strict=True):
        renumbered.append(_NUMBER.sub(lambda found, by=before: f"${int(found[1]) + by}", text))  # type: ignore[misc]
        before += number
    *first, last = renumbered
    if not first:
        return last
    named = ", ".join(f"part_{place} AS ({text})" for place, text in enumerate(first))
    return f"WITH {named} {last}"
