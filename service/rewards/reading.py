"""Before what a customer has is read, what is due to them is booked."""

from datetime import datetime
from uuid import UUID

from service.database.engine import Database
from service.rewards import upkeep
from service.rewards.tables import due


def catch_up_first(database: Database, merchant_id: UUID, customer_id: str, *, now: datetime) -> None:
    """Book what time has done to this customer, where there is something, so that what is read is right."""
    whose = due.due_by_any_id(database, merchant_id, customer_id, now=now)
    if whose is not None:
        upkeep.catch_up_in_steps(database, merchant_id, whose, now=now)
