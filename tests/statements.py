"""What the service asks the database and what that reads, so that a test can count it."""

import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from sqlalchemy import event, text

from service.database.engine import Database
from service.database.prepared import _Prepared

READ = text(
    "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes) + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)"
)

OTHERS = text(
    "SELECT pid FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)


def rows_read(database: Database) -> int:
    """By all tables and indexes of a PostgreSQL until now: a connection tells what it read when it ends."""
    database.dispose()
    limit = time.monotonic() + 10
    with database.statements() as connection:  # each a transaction of its own, which sees who is there now
        while others := connection.execute(OTHERS).scalars().all():
            assert time.monotonic() < limit, f"connections {others} do not end"
            time.sleep(0.005)
        return int(connection.execute(READ).scalar_one())


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
