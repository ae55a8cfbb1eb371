"""What time asks of the answers that are kept to be repeated: they are forgotten."""

from datetime import datetime, timedelta

from service.database.engine import Database
from service.web import answers as idempotency

ANSWERS_KEPT_FOR = timedelta(days=2)


def forget_answers(database: Database, now: datetime) -> int:
    """Drop answers under an Idempotency-Key that are older than two days. Brings nobody up to date: 0."""
    database.write(lambda session: idempotency.forget_before(session, now - ANSWERS_KEPT_FOR))
    return 0
