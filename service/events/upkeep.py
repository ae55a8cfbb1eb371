"""What time asks of the events: that those which are committed get their places."""

from datetime import datetime
from functools import partial

from service.database.engine import Database
from service.events import events


def place_events(database: Database, _now: datetime) -> int:
    """Give each event of every merchant its position. Brings nobody up to date: 0."""
    with database.reading() as session:
        waiting = events.merchants_with_unplaced(session)
    for merchant_id in waiting:
        while database.write(partial(events.place, merchant_id=merchant_id)):
            pass
    return 0
