"""What the service asks the database, so that a test can count it."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from sqlalchemy import event

from service.database.engine import Database
from service.database.prepared import _Prepared


def asked_by(database: Database, work: Callable[[], object]) -> list[str]:
    """The statements that the database is asked while this is done, those past SQLAlchemy too."""
    asked: list[str] = []
    run = _Prepared.run

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    def note_prepared(prepared: _Prepared, driver: Any, given: Any) -> Any:
        asked.append(prepared.text)
        return run(prepared, driver, given)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        with patch.object(_Prepared, "run", note_prepared):
            work()
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return asked
