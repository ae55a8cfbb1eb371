"""From a key to its merchant and scope."""

from uuid import UUID

from flask import Request

from service.api.problems import KeyMissing, ScopeMissing
from service.referrals import keys
from service.storage.database import Database
from service.storage.merchants import scope_of_key


def authenticate(database: Database, request: Request, scopes: frozenset[str]) -> UUID:
    """The merchant of the request's key.

    scopes: those that may do this; admin may do everything.
    Raises KeyMissing and ScopeMissing.
    """
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    read = keys.read(key.strip()) if scheme.lower() == "bearer" else None
    if read is None:
        raise KeyMissing
    scope = scope_of_key(database, read.merchant_id, read.key_hash)
    if scope is None:
        raise KeyMissing
    if scope != "admin" and scope not in scopes:
        raise ScopeMissing
    return read.merchant_id
