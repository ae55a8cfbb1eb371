"""From a key to its merchant and scope."""

from dataclasses import dataclass
from uuid import UUID

from service.database.engine import Database
from service.merchants import keys
from service.merchants.tables import Scope, key_in_use


class KeyMissing(Exception):
    """No key, or none that is known."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key a request came with, which one it is, and what it is for."""

    merchant_id: UUID
    key_id: UUID
    scope: Scope


class ScopeMissing(Exception):
    """The key is good, and not for this."""

    def __init__(self, caller: Caller) -> None:
        super().__init__(f"The key is of scope {caller.scope}.")
        self.caller = caller


def authenticate(database: Database, authorization: str, scopes: frozenset[str]) -> Caller:
    """Who calls, by the key of a request.

    authorization: `Bearer <key>`, as the header has it. scopes: those that may do this; admin may do everything.
    Raises KeyMissing and ScopeMissing.
    """
    scheme, _, key = authorization.partition(" ")
    parsed = keys.parse_key(key.strip()) if scheme.lower() == "bearer" else None
    in_use = key_in_use(database, parsed.merchant_id, parsed.key_hash) if parsed else None
    if parsed is None or in_use is None:
        raise KeyMissing
    caller = Caller(parsed.merchant_id, *in_use)
    if caller.scope != "admin" and caller.scope not in scopes:
        raise ScopeMissing(caller)
    return caller
