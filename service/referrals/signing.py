"""Signed tokens: what a link and a visit say of themselves, without a database and without personal data.

Source: HMAC-SHA-256-128 (RFC 4868) by itsdangerous, a salt for each purpose, a list of keys for rotation.
"""

import hashlib
import struct
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from itsdangerous import BadData, HMACAlgorithm, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from service.referrals.codes import fold

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_TOKEN = 1000
_SIGNATURE_BYTES = 16
_LINK = struct.Struct(">16s16s")
_VISIT = struct.Struct(">16s16s16sq")


@dataclass(frozen=True, slots=True)
class VisitEvidence:
    """The friend followed this link at this time."""

    merchant_id: UUID
    link_id: UUID
    visit_id: UUID
    visited_at: datetime


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """The friend has this link. Nothing says when it was followed."""

    merchant_id: UUID
    link_id: UUID


@dataclass(frozen=True, slots=True)
class CodeEvidence:
    """The friend typed a code, here in the form in which codes are matched."""

    folded_code: str


Evidence = VisitEvidence | LinkEvidence | CodeEvidence


class _Hmac128(HMACAlgorithm):
    """HMAC-SHA-256 truncated to its left half, as RFC 4868 names it: the URL stays short enough to type a QR of."""

    def __init__(self) -> None:
        super().__init__(hashlib.sha256)

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """The left 16 bytes of the HMAC."""
        return super().get_signature(key, value)[:_SIGNATURE_BYTES]


class TokenSigner:
    """Signs and reads tokens. keys: oldest first; the last one signs, all of them verify."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._links = _signer(keys, b"orchard.link")
        self._visits = _signer(keys, b"orchard.visit")
        self._cursors = _signer(keys, b"orchard.cursor")

    def link(self, merchant_id: UUID, link_id: UUID) -> str:
        """The token of a link: 66 characters, the same each time while the newest key stays."""
        return _write(self._links, _LINK.pack(merchant_id.bytes, link_id.bytes))

    def visit(self, evidence: VisitEvidence) -> str:
        """The token of a visit: 98 characters."""
        microseconds = (evidence.visited_at - EPOCH) // timedelta(microseconds=1)
        ids = (evidence.merchant_id.bytes, evidence.link_id.bytes, evidence.visit_id.bytes)
        return _write(self._visits, _VISIT.pack(*ids, microseconds))

    def read_link(self, token: str) -> LinkEvidence | None:
        """What a link's token says, or None if we did not sign it."""
        payload = _read(self._links, token, _LINK.size)
        if payload is None:
            return None
        merchant, link = _LINK.unpack(payload)
        return LinkEvidence(UUID(bytes=merchant), UUID(bytes=link))

    def read_visit(self, token: str) -> VisitEvidence | None:
        """What a visit's token says, or None if we did not sign it."""
        payload = _read(self._visits, token, _VISIT.size)
        if payload is None:
            return None
        merchant, link, visit, microseconds = _VISIT.unpack(payload)
        visited_at = EPOCH + timedelta(microseconds=microseconds)
        return VisitEvidence(UUID(bytes=merchant), UUID(bytes=link), UUID(bytes=visit), visited_at)

    def seal(self, position: str) -> str:
        """A reader's position in a list, as a cursor that only we can make."""
        return _write(self._cursors, position.encode())

    def unseal(self, cursor: str) -> str | None:
        """The position of a cursor, or None if we did not make it."""
        payload = _read(self._cursors, cursor)
        return None if payload is None else payload.decode()

    def read(self, referral: str, merchant_id: UUID) -> Evidence | None:
        """What a shop sent as `referral` proves to this merchant: a visit token, a link token or a code.

        None if it is none of them, or another merchant's.
        """
        referral = referral.strip()
        if "." not in referral:
            folded = fold(referral)
            return CodeEvidence(folded) if folded else None
        evidence = self.read_visit(referral) or self.read_link(referral)
        return evidence if evidence is not None and evidence.merchant_id == merchant_id else None


def canonical(evidence: Evidence | None, referral: str | None) -> str:
    """One spelling for each thing that a referral can say, so that a replay under a rotated key is still one."""
    match evidence:
        case VisitEvidence():
            return f"visit:{evidence.link_id}:{evidence.visit_id}"
        case LinkEvidence():
            return f"link:{evidence.link_id}"
        case CodeEvidence():
            return f"code:{evidence.folded_code}"
    return "" if referral is None else f"unreadable:{unicodedata.normalize('NFC', referral)}"


def _signer(keys: Sequence[str], salt: bytes) -> Signer:
    return Signer(list(keys), salt=salt, key_derivation="hmac", digest_method=hashlib.sha256, algorithm=_Hmac128())


def _write(signer: Signer, payload: bytes) -> str:
    return signer.sign(base64_encode(payload)).decode("ascii")


def _read(signer: Signer, token: str, size: int | None = None) -> bytes | None:
    if len(token) > LONGEST_TOKEN or not token.isascii():
        return None
    try:
        value = signer.unsign(token)
        payload = base64_decode(value)
        signature = token.encode().rpartition(b".")[2]
        spelled_as_we_do = base64_encode(base64_decode(signature)) == signature
    except BadData:
        return None
    return payload if spelled_as_we_do and size in (None, len(payload)) else None
