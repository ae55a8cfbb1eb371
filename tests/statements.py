"""What the service asks the database, so that a test can count it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from service.database.engine import Database


def asked_by(database: Database, work: Callable[[], object]) -> list[str]:
    """The statements that the database is asked while this is done."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return asked
