"""API keys: how they look, and what is kept of them.

`ok_<scope>_<random><checksum>`: the merchant's id is part of the random part, so that a key knows its shard, and the
checksum lets a scanner tell a real key from noise without asking us. Source: GitHub's token format.
"""

import hashlib
import secrets
import zlib
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import get_args
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy.orm import Session

from service.currencies import fault_of_currency
from service.database.engine import RaceLost
from service.database.writing import write_now
from service.errors import BadValues, Unknown, refuse_faults
from service.ids import new_id
from service.merchants import tables as storage
from service.merchants.slugs import fault_of_slug, next_to, slug_of
from service.merchants.tables import ApiKey, Merchant, Scope, Slug

SCOPES: tuple[Scope, ...] = get_args(Scope)
SECRET: tuple[Scope, ...] = ("admin", "checkout", "marketing")
"""Those of the keys that every merchant is given."""

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LONGEST_NAME = 120
_SECRET_BYTES = 20
_RANDOM_LENGTH = 49
_CHECKSUM_LENGTH = 6


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """What a well-formed key says before the database is asked."""

    merchant_id: UUID
    key_hash: bytes


def generate(merchant_id: UUID, scope: Scope) -> str:
    """A new key, to be shown once."""
    number = int.from_bytes(merchant_id.bytes + secrets.token_bytes(_SECRET_BYTES))
    body = f"ok_{scope}_{_base62(number, _RANDOM_LENGTH)}"
    return body + _checksum(body)


def parse_key(key: str) -> ParsedKey | None:
    """What a key says, or None if it cannot be one of ours."""
    body, checksum = key[:-_CHECKSUM_LENGTH], key[-_CHECKSUM_LENGTH:]
    random = body.rpartition("_")[2]
    if not key.isascii() or len(random) != _RANDOM_LENGTH or _checksum(body) != checksum:
        return None
    try:
        number = _number(random).to_bytes(16 + _SECRET_BYTES)
    except (ValueError, OverflowError):
        return None
    return ParsedKey(UUID(bytes=number[:16]), _hash(key))


def create_merchant(
    session: Session, name: str, currency: str, *, now: datetime, time_zone: str = "UTC", slug: str | None = None
) -> tuple[Merchant, dict[Scope, str]]:
    """A new merchant, and a secret key for each scope that has one: scope -> key.

    time_zone: of IANA. slug: None for one of the name. Raises BadValues.
    """
    faults = {"name": _fault_of_name(name), "time_zone": _fault_of_time_zone(time_zone)}
    refuse_faults({**faults, "currency": fault_of_currency(currency)})
    given, slug = slug, _free_slug(session, name) if slug is None else slug
    merchant = Merchant(
        merchant_id=new_id(),
        name=name,
        currency=currency,
        created_at=now,
        time_zone=time_zone,
        slug=slug,
        guest_key=secrets.token_bytes(32),
    )
    write_now(session, merchant)
    try:
        _give_slug(session, merchant, slug)
    except BadValues as error:
        if given is None:  # somebody else with that name was quicker
            raise RaceLost from error
        raise
    return merchant, {scope: create(session, merchant.merchant_id, scope, now=now)[1] for scope in SECRET}


def change_merchant(
    session: Session,
    merchant_id: UUID,
    *,
    name: str | None = None,
    time_zone: str | None = None,
    slug: str | None = None,
    remembers_erased: bool | None = None,
) -> Merchant:
    """Change what is said of a merchant who exists; None leaves as it is. Addresses with the old slug go on leading.

    Raises BadValues.
    """
    merchant = storage.get(session, merchant_id)
    name = merchant.name if name is None else name
    time_zone = merchant.time_zone if time_zone is None else time_zone
    refuse_faults({"name": _fault_of_name(name), "time_zone": _fault_of_time_zone(time_zone)})
    merchant.name, merchant.time_zone = name, time_zone
    if remembers_erased is not None:
        merchant.remembers_erased = remembers_erased
    if slug is not None:
        _give_slug(session, merchant, slug)
    write_now(session)
    return merchant


def _give_slug(session: Session, merchant: Merchant, slug: str) -> None:
    refuse_faults({"slug": fault_of_slug(slug)})
    holder = storage.of_slug(session, slug)
    if holder is None:
        write_now(session, Slug(slug=slug, merchant_id=merchant.merchant_id))
    elif holder != merchant.merchant_id:
        raise BadValues({"slug": f"{slug} belongs to another shop."})
    merchant.slug = slug


def _free_slug(session: Session, name: str) -> str:
    wanted = slug_of(name)
    candidates = (wanted if number == 1 else next_to(wanted, number) for number in count(1))
    return next(slug for slug in candidates if storage.of_slug(session, slug) is None)


def _fault_of_name(name: str) -> str | None:
    is_good = 0 < len(name.strip()) <= LONGEST_NAME and name.isprintable()
    return None if is_good else f"It must have 1 to {LONGEST_NAME} printable characters."


def _fault_of_time_zone(name: str) -> str | None:
    return None if name in available_timezones() else "It is not a time zone of IANA, such as Europe/Berlin."


def create(session: Session, merchant_id: UUID, scope: Scope, *, now: datetime) -> tuple[ApiKey, str]:
    """A new key of the merchant: what is kept of it, and the key itself. Raises Unknown."""
    if session.get(Merchant, merchant_id) is None:
        raise Unknown("merchant", merchant_id)
    key = generate(merchant_id, scope)
    row = ApiKey(
        merchant_id=merchant_id,
        key_hash=_hash(key),
        key_id=new_id(),
        scope=scope,
        hint=f"ok_{scope}_...{key[-4:]}",
        created_at=now,
        revoked_at=None,
    )
    session.add(row)
    return row, key


def revoke(session: Session, merchant_id: UUID, key_id: UUID, *, now: datetime) -> ApiKey:
    """Make a key useless from now on; one that is already stays as it is. Raises Unknown."""
    for key in storage.keys(session, merchant_id):
        if key.key_id == key_id:
            key.revoked_at = key.revoked_at or now
            return key
    raise Unknown("key", key_id)


def _hash(key: str) -> bytes:
    """SHA-256: the keys have 160 random bits, so a slow hash would protect nothing more."""
    return hashlib.sha256(key.encode()).digest()


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return number
