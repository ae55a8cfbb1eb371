"""What time asks of the dashboard: sessions that are over are forgotten."""

from datetime import datetime

from service.dashboard import sessions
from service.database.engine import Database


def forget_sessions(database: Database, now: datetime) -> int:
    """Drop the sessions that have timed out. Brings nobody up to date: 0."""
    database.write(lambda session: sessions.forget_old(session, now=now))
    return 0
