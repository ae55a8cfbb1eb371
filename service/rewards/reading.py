"""Before what a customer has is read, what is due to them is booked."""

from datetime import datetime
from uuid import UUID

from service.customers import customers
from service.database.engine import Database
from service.rewards import upkeep


def catch_up_first(database: Database, merchant_id: UUID, customer_id: str, *, now: datetime) -> None:
    """Book what time has done to this customer, where there is something, so that what is read is right."""
    with database.reading() as session:
        customer_id = customers.current_id(session, merchant_id, customer_id)
        due = upkeep.is_due(session, merchant_id, customer_id, now=now)
    if due:
        upkeep.catch_up_in_steps(database, merchant_id, customer_id, now=now)
