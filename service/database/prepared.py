"""Statements that are built once, run past what SQLAlchemy does for each execution.

A statement costs the driver some 0.02 ms, and SQLAlchemy another 0.06: it looks up what it compiled, wraps the cursor,
and describes the answer. The statements of a checkout are constants, so what they compile to is kept beside them. Who
builds one says so with `execution_options(prepared=True)`; every other session runs it as any statement.
See docs/decisions/0024-where-a-checkouts-time-goes.md.
"""

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from sqlalchemy import BindParameter, Connection, Dialect, Engine, Executable, SelectBase
from sqlalchemy.dialects.postgresql import psycopg as postgresql
from sqlalchemy.exc import DBAPIError, MultipleResultsFound, NoResultFound
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.sql.compiler import SQLCompiler

from service.database.driver import CheckoutConnection

MOST_VALUES = 8
"""Lists of more values than that are run as any statement, since each length is another text."""

ERRORS = (psycopg.Error, sqlite3.Error)
Driver = sqlite3.Connection | CheckoutConnection
Process = Callable[[Any], Any]
Lengths = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What a statement compiled to: its text, and how values go in and rows come out.

    takes: for each value of the text, in order: its parameter, which of a list's values it is, what it is if nothing is
    given, and how it is bound. row: makes one of its columns; None where there is no answer.
    """

    text: str
    takes: Sequence[tuple[str, int | None, Any, Process | None]]
    row: Callable[[Sequence[Any]], Any] | None
    reads: Sequence[Process | None] | None

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """What goes in, in the order of the text. Raises KeyError for what is missing."""
        values = []
        for name, place, default, bind in self.takes:
            value = given[name] if default is _REQUIRED else given.get(name, default)
            if place is not None:
                value = value[place]
            values.append(value if bind is None else bind(value))
        return values

    def run(self, driver: Driver, given: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """What the driver answers. Raises its errors."""
        values = self.values(given)
        if isinstance(driver, sqlite3.Connection):
            return driver.execute(self.text, values).fetchall()
        if self.row is None:
            driver.put(self.text, values)
            return ()
        return driver.ask(self.text, values)

    def answer(self, rows: Sequence[Sequence[Any]]) -> "Answer":
        """The rows as they are read."""
        if self.reads is not None:
            rows = [
                [value if read is None else read(value) for value, read in zip(row, self.reads, strict=True)]
                for row in rows
            ]
        return Answer() if self.row is None else Answer(map(self.row, rows))


_row_class: Callable[..., Any] = namedtuple


class Answer(list[Any]):
    """The rows of an answer, named as SQLAlchemy's are, with what is asked of its results."""

    def all(self) -> list[Any]:
        """All rows."""
        return self

    def first(self) -> Any:
        """The first row, or None."""
        return self[0] if self else None

    def one_or_none(self) -> Any:
        """The only row, or None. Raises MultipleResultsFound."""
        if len(self) > 1:
            raise MultipleResultsFound
        return self.first()

    def one(self) -> Any:
        """The only row. Raises NoResultFound and MultipleResultsFound."""
        if not self:
            raise NoResultFound
        return self.one_or_none()


def _row(names: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """What makes a row of these columns."""
    row: Any = _row_class("Row", names)
    row._mapping = property(row._asdict)
    make: Callable[[Sequence[Any]], Any] = row._make
    return make


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept beside a statement. lists: its parameters that are lists; by: database and their lengths."""

    lists: Sequence[str]
    by: dict[tuple[str, Lengths], _Prepared] = field(default_factory=dict)


_REQUIRED = object()
"""In the place of a default."""
_KEPT: WeakKeyDictionary[Executable, _Kept] = WeakKeyDictionary()


class PreparedSession(Session):
    """A session for one transaction, which runs prepared statements by the driver itself.

    They see what was written by name, and not what the unit of work has yet to write: a row that is half changed must
    not be written by a look at another one. `info` says whether the database is one of many machines: `is_of_many`.
    """

    def __init__(self, connection: Connection, *, lost: Callable[[], None], **more: Any) -> None:
        """connection: in its transaction. lost: called where the database went away, so that nobody gets it dead."""
        super().__init__(connection, **more)
        self._lost = lost
        self._connection = connection
        self._driver: Any = connection.connection.driver_connection
        if isinstance(self._driver, CheckoutConnection) and self._driver.is_of_many:
            self.info["is_of_many"] = True

    def execute(self, statement: Any, params: Any = None, **more: Any) -> Any:
        """As Session.execute."""
        if more or not isinstance(params, dict) or not statement.get_execution_options().get("prepared"):
            return super().execute(statement, params, **more)
        connection = self._connection
        prepared = _prepared(statement, params, connection.dialect)
        if prepared is None:
            return Answer(super().execute(statement, params).all())
        try:
            return prepared.answer(prepared.run(self._driver, params))
        except ERRORS as error:
            told = _told(error, prepared.text, connection.dialect, self._driver)
            if told.connection_invalidated:
                connection.invalidate(error)
                self._lost()
            raise told from error

    def begin_nested(self) -> SessionTransaction:
        """As Session.begin_nested, and at once: what is prepared would else run ahead of the savepoint."""
        nested = super().begin_nested()
        self.connection()
        return nested

    def rollback(self) -> None:
        """As Session.rollback, of the whole transaction, whatever ran in it."""
        self.connection()
        super().rollback()


def run_alone(engine: Engine, statement: Executable, given: Mapping[str, Any]) -> Answer:
    """The answer to a prepared statement that is a transaction of its own, past SQLAlchemy's connection too.

    Raises DBAPIError.
    """
    dialect = engine.dialect
    try:
        pooled = engine.raw_connection()
    except ERRORS as error:
        raise _told(error, "", dialect, None) from error
    driver: Any = pooled.driver_connection
    prepared = _prepared(statement, given, dialect)
    assert prepared is not None
    try:
        rows = prepared.run(driver, given)
        if isinstance(driver, CheckoutConnection):
            driver.send_waiting()
        return prepared.answer(rows)
    except ERRORS as error:
        told = _told(error, prepared.text, dialect, driver)
        if told.connection_invalidated:
            pooled.invalidate(error)
        raise told from error
    finally:
        pooled.close()


def _told(error: Exception, text: str, dialect: Any, driver: Driver | None) -> DBAPIError:
    """The error as SQLAlchemy tells it."""
    is_lost = dialect.is_disconnect(error, driver, None)
    told = DBAPIError.instance(text, None, error, dialect.loaded_dbapi.Error, True, is_lost, dialect)
    assert isinstance(told, DBAPIError)
    return told


def _prepared(statement: Any, given: Mapping[str, Any], dialect: Dialect) -> _Prepared | None:
    """What this statement is for values of these lengths; None where they are too long."""
    kept = _KEPT.get(statement)
    if kept is None:
        binds = _binds(statement.compile(dialect=dialect))
        lists = [name for name, bound in binds.items() if bound.expanding and bound.value is None]
        kept = _KEPT[statement] = _Kept(lists)
    lengths = tuple([len(given[name]) for name in kept.lists])
    if lengths and (max(lengths) > MOST_VALUES or not min(lengths)):
        return None
    key = dialect.name, lengths
    prepared = kept.by.get(key)
    if prepared is None:
        prepared = kept.by[key] = _prepare(statement, given, dialect)
    return prepared


def _prepare(statement: Any, given: Mapping[str, Any], dialect: Dialect) -> _Prepared:
    if dialect.name == "postgresql":
        numbered: Callable[..., Dialect] = postgresql.dialect
        dialect = numbered(paramstyle="numeric_dollar")
    compiled: SQLCompiler = statement.compile(dialect=dialect)
    binds = _binds(compiled)
    state = compiled.construct_expanded_state({name: value for name, value in given.items() if name in binds})
    of_lists = {
        new: (name, place) for name, names in state.parameter_expansion.items() for place, new in enumerate(names)
    }
    takes = []
    for name in state.positiontup or ():
        origin, place = of_lists.get(name, (name, None))
        bound = binds[origin]
        bind = bound.type.dialect_impl(dialect).bind_processor(dialect)
        takes.append((origin, place, _REQUIRED if bound.required else bound.effective_value, bind))
    columns = list(statement.selected_columns) if isinstance(statement, SelectBase) else []
    if compiled.effective_returning:
        raise TypeError("A prepared statement that returns says which columns, as `text(...).columns(...)` does.")
    reads = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
    row = _row([str(column.key) for column in columns]) if columns else None
    return _Prepared(state.statement, takes, row, reads if any(reads) else None)


def _binds(compiled: SQLCompiler) -> dict[str, BindParameter[Any]]:
    """The parameters by their names in the text."""
    return {name: bound for bound, name in compiled.bind_names.items()}
