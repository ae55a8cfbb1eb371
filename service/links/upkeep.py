"""What time asks of the visits: a partition for each month, before the month comes."""

from datetime import datetime

from service.database.engine import Database
from service.links import visits


def prepare_partitions(database: Database, now: datetime) -> int:
    """Make the partitions of this month and the next ones, where they are missing. Brings nobody up to date: 0."""
    with database.engine.begin() as connection:
        visits.prepare_partitions(connection, now=now)
    return 0
