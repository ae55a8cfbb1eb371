"""PURE: the bytes that are hashed, so that whoever holds an export can prove the chain without this code.

Every field is written as its length in bytes, a colon, and its UTF-8 text, so no two lists of fields encode alike.
All hashes are SHA-256, and appear in other encodings as 64 small hexadecimal digits. docs/auditors.md has the same in
words, with a verifier.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

Line = tuple[str, int, str, str, str, int]
"""A posting: id of its transaction, its line, debit account, credit account, currency, amount in minor units."""


def moment(at: datetime) -> str:
    """A time as it is hashed, such as `2026-03-01T09:30:00.500000+00:00`; without a fraction where that is zero."""
    return at.astimezone(UTC).isoformat()


def encoded(*fields: str) -> bytes:
    """The fields, each after its length."""
    return b"".join([b"%d:%s" % (len(raw), raw) for raw in map(str.encode, fields)])


def fingerprint(event: str, effective_at: str, lines: Sequence[Line]) -> bytes:
    """The hash of what a transaction says."""
    return hashlib.sha256(_said(event, effective_at, lines)).digest()


def digest(
    transaction_id: str,
    reference: str,
    recorded_at: str,
    content: bytes,
    event: str,
    effective_at: str,
    lines: Sequence[Line],
) -> bytes:
    """The hash of all that is stored of a transaction, as a block holds it. content: its fingerprint."""
    name = transaction_id.replace("-", "")
    text = f"32:{name}{len(reference)}:{reference}{len(recorded_at)}:{recorded_at}64:{content.hex()}"
    stored = text.encode() if text.isascii() else encoded(name, reference, recorded_at, content.hex())
    return hashlib.sha256(stored + _said(event, effective_at, lines)).digest()


def _said(event: str, effective_at: str, lines: Sequence[Line]) -> bytes:
    """Event, time and postings, encoded; the common case without a detour over a list of fields."""
    text = f"{len(event)}:{event}{len(effective_at)}:{effective_at}"
    for _, _, debit, credit, currency, number in lines:
        amount = str(number)
        text += f"{len(debit)}:{debit}{len(credit)}:{credit}{len(currency)}:{currency}{len(amount)}:{amount}"
    if text.isascii():
        return text.encode()
    return encoded(event, effective_at, *(str(field) for line in lines for field in line[2:]))


def genesis(merchant_id: str) -> bytes:
    """What stands where the first block names its predecessor."""
    return hashlib.sha256(encoded("orchard ledger", merchant_id)).digest()


def block_hash(previous: bytes, number: int, sealed_at: str, digests: Sequence[bytes]) -> bytes:
    """The hash of a block. digests: of its transactions in the order of their ids; written as one field."""
    return hashlib.sha256(encoded(previous.hex(), str(number), sealed_at, b"".join(digests).hex())).digest()
