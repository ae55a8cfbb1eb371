"""Ids: made by us, ordered by time, without a sequence to share."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A new UUIDv7. Source: RFC 9562."""
    return uuid_utils.compat.uuid7()
