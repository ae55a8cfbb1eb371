"""Ids: made by us, ordered by time, without a sequence to share."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A new UUIDv7. Source: RFC 9562."""
    return uuid_utils.compat.uuid7()


def first_id_at(moment: datetime) -> UUID:
    """What no id is below that was made at this time or later, by the clock that made it."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
