"""From a key to its merchant and scope."""

from uuid import UUID

from service.database.engine import Database
from service.merchants import keys
from service.merchants.tables import scope_of_key


class KeyMissing(Exception):
    """No key, or none that is known."""


class ScopeMissing(Exception):
    """The key is good, and not for this."""


def authenticate(database: Database, authorization: str, scopes: frozenset[str]) -> UUID:
    """The merchant of a request's key.

    authorization: `Bearer <key>`, as the header has it. scopes: those that may do this; admin may do everything.
    Raises KeyMissing and ScopeMissing.
    """
    scheme, _, key = authorization.partition(" ")
    parsed = keys.parse_key(key.strip()) if scheme.lower() == "bearer" else None
    if parsed is None:
        raise KeyMissing
    scope = scope_of_key(database, parsed.merchant_id, parsed.key_hash)
    if scope is None:
        raise KeyMissing
    if scope != "admin" and scope not in scopes:
        raise ScopeMissing
    return parsed.merchant_id
