"""Writing at another moment than the unit of work would, in one place.

`write_now` is for order: the session writes when its own queries ask something or the transaction ends, not when a
prepared statement does, and orders its rows by relationships, which these tables do not declare. So a row that others
point to, and a change that a later statement reads back, are written by name.

The rest steps around the unit of work on the path of every checkout, where it was measured to pay.
The unit of work sorts, batches and counts what it writes, and SQLAlchemy compiles its own ON CONFLICT constructs anew
at each execution: a third of what a conversion costs. What is written here is not seen by the session, so it is for
rows that nobody reads through the session in the same transaction, or that are read with `populate_existing`.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import FromClause, Table, TextClause, bindparam, text
from sqlalchemy.orm import Session

from service.database.tables import Base


def write_now(session: Session, *rows: Base) -> None:
    """Write these new rows and all that was changed before, ahead of what follows in the same transaction."""
    session.add_all(rows)
    session.flush()


@cache
def insertion(table: FromClause, ending: str = "", *, rows: int = 1) -> TextClause:
    """An insert of whole rows, with an ON CONFLICT ending that both databases write alike.

    As text, since SQLAlchemy compiles its own ON CONFLICT constructs anew at each execution; with all rows in one
    statement, since each statement costs its way to the server. Its values come from `numbered`.
    """
    names = [column.key for column in table.columns]
    values = ", ".join("(" + ", ".join(f":{name}_{row}" for name in names) + ")" for row in range(rows))
    types = [bindparam(f"{column.key}_{row}", type_=column.type) for column in table.columns for row in range(rows)]
    sql = f"INSERT INTO {table.description} ({', '.join(names)}) VALUES {values} {ending}"
    return text(sql).bindparams(*types).execution_options(prepared=" RETURNING " not in ending)


def numbered(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The values of these rows, whole ones, as `insertion` names them."""
    return {f"{name}_{number}": value for number, row in enumerate(rows) for name, value in row.items()}


def add_at_once(session: Session, rows: Sequence[Base]) -> None:
    """Insert these new rows of one class in one statement, past the unit of work: for the path of every checkout."""
    names = [column.key for column in rows[0].__table__.columns]
    values = numbered([{name: getattr(row, name) for name in names} for row in rows])
    session.execute(insertion(rows[0].__table__, rows=len(rows)), values)


def insert_many(session: Session, table: Table, rows: Sequence[Mapping[str, Any]], ending: str = "") -> None:
    """Insert these rows, all of the same columns, past the unit of work; `ending` is an ON CONFLICT, if any.

    PostgreSQL copies them, or gets them as one document where some may be there: a statement a row costs several times
    as much.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if session.get_bind().dialect.name != "postgresql":
        session.execute(_of_values(table, names, ending), rows)
    elif ending:
        session.execute(_of_document(table, names, ending), {"rows": json.dumps(rows, default=str)})
    else:
        _copy(session, table, names, rows)


def _copy(session: Session, table: Table, names: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> None:
    columns = ", ".join(f'"{name}"' for name in names)
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([json.dumps(value) if isinstance(value, dict | list) else value for value in row.values()])


@cache
def _of_document(table: Table, names: tuple[str, ...], ending: str) -> TextClause:
    columns = ", ".join(f'"{name}"' for name in names)
    rows = f"json_populate_recordset(CAST(NULL AS {table.name}), CAST(:rows AS json))"
    return text(f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {rows} {ending}")


@cache
def _of_values(table: Table, names: tuple[str, ...], ending: str) -> TextClause:
    columns, values = ", ".join(f'"{name}"' for name in names), ", ".join(f":{name}" for name in names)
    types = [bindparam(name, type_=table.c[name].type) for name in names]
    return text(f"INSERT INTO {table.name} ({columns}) VALUES ({values}) {ending}").bindparams(*types)
