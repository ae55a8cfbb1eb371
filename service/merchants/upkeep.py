"""What time asks of merchants: that they keep nothing longer than they chose."""

from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from service.database.engine import Database
from service.events import events
from service.merchants import retention
from service.merchants.retention import Due
from service.web import answers


def forget_old(database: Database, now: datetime) -> int:
    """Drop events and answers that are too old, once a day for each merchant. Brings nobody up to date: 0."""
    with database.reading() as session:
        due = retention.due(session, now=now)
    for one in due:
        database.write(partial(_forget, one=one, now=now))
    return 0


def _forget(session: Session, one: Due, now: datetime) -> None:
    events.forget_before(session, one.merchant_id, one.events)
    answers.forget_before(session, one.merchant_id, one.answers)
    retention.forgotten(session, one.merchant_id, now=now)
