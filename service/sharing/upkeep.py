"""What time asks of share pages: addresses that are over are forgotten."""

from datetime import datetime

from service.database.engine import Database
from service.sharing import tables


def forget_share_pages(database: Database, now: datetime) -> int:
    """Drop the addresses whose day is over. Brings nobody up to date: 0."""
    database.write(lambda session: tables.forget_old(session, now=now))
    return 0
