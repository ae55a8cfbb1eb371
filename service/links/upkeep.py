"""What time asks of the visits: a partition for each month, before it comes; and keys that go with their day."""

from datetime import datetime

from service.database.engine import Database
from service.links import visitor_keys, visits


def prepare_partitions(database: Database, now: datetime) -> int:
    """Make the partitions of this month and the next ones, where they are missing. Brings nobody up to date: 0."""
    with database.engine.begin() as connection:
        visits.prepare_partitions(connection, now=now)
    return 0


def forget_visitor_keys(database: Database, now: datetime) -> int:
    """Throw away the keys of visitors of days that are over. Brings nobody up to date: 0."""
    database.write(lambda session: visitor_keys.forget(session, now=now))
    return 0
