"""From a key to its merchant and scope."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.database.engine import Database
from service.merchants import keys
from service.merchants.tables import Scope, key_in_use, revocation


class KeyRefused(Exception):
    """Root of what is wrong with a request's key."""


class KeyMissing(KeyRefused):
    """The request has no key."""

    def __init__(self) -> None:
        super().__init__("The request has no key. Send the shop's as `Authorization: Bearer ok_...`.")


class KeyUnknown(KeyRefused):
    """What came as a key is none of ours: misspelt, cut off, or made elsewhere."""

    def __init__(self) -> None:
        super().__init__("That is not a key of ours. Compare it, to its last character, with the one you were given.")


class KeyRevoked(KeyRefused):
    """The key was one of ours."""

    def __init__(self, revoked_at: datetime) -> None:
        day = revoked_at.date().isoformat()
        super().__init__(f"This key was revoked on {day}. `orchard key create` makes a new one.")
        self.revoked_at = revoked_at


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key a request came with, which one it is, and what it is for."""

    merchant_id: UUID
    key_id: UUID
    scope: Scope


class ScopeMissing(Exception):
    """The key is good, and not for this."""

    def __init__(self, caller: Caller, needed: frozenset[str]) -> None:
        wanted = " or ".join(sorted({*needed, "admin"}))
        super().__init__(f"This key's scope is {caller.scope}; what was asked needs a key of scope {wanted}.")
        self.caller = caller
        self.needed = needed


def authenticate(database: Database, authorization: str, scopes: frozenset[str]) -> Caller:
    """Who calls, by the key of a request.

    authorization: `Bearer <key>`, as the header has it. scopes: those that may do this; admin may do everything.
    Raises KeyMissing, KeyUnknown, KeyRevoked and ScopeMissing.
    """
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise KeyMissing
    parsed = keys.parse_key(key.strip())
    if parsed is None:
        raise KeyUnknown
    in_use = key_in_use(database, parsed.merchant_id, parsed.key_hash)
    if in_use is None:
        raise _refusal(database, parsed)
    caller = Caller(parsed.merchant_id, *in_use)
    if caller.scope != "admin" and caller.scope not in scopes:
        raise ScopeMissing(caller, scopes)
    return caller


def _refusal(database: Database, parsed: keys.ParsedKey) -> KeyRefused:
    """Why a key that is well-formed is not in use. Only who holds all of it is told."""
    with database.reading() as session:
        revoked_at = revocation(session, parsed.merchant_id, parsed.key_hash)
    return KeyUnknown() if revoked_at is None else KeyRevoked(revoked_at)
