"""PURE: what a shop can send as a referral, and what it proves: tokens of links and visits, and codes.

Tokens say what they say without a database and without personal data.
"""

import struct
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from service.links.codes import fold
from service.tokens import TokenSigner

LONGEST_REFERRAL = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


def link_token(signer: TokenSigner, merchant_id: UUID, link_id: UUID) -> str:
    """The token of a link: 66 characters, the same each time while the newest key stays."""
    return signer.write("link", _LINK.pack(merchant_id.bytes, link_id.bytes))


def visit_token(signer: TokenSigner, visit: VisitEvidence) -> str:
    """The token of a visit: 98 characters."""
    microseconds = (visit.visited_at - EPOCH) // timedelta(microseconds=1)
    ids = (visit.merchant_id.bytes, visit.link_id.bytes, visit.visit_id.bytes)
    return signer.write("visit", _VISIT.pack(*ids, microseconds))


def read_link(signer: TokenSigner, token: str) -> LinkEvidence | None:
    """What a link's token says, or None if we did not sign it."""
    payload = signer.read("link", token, size=_LINK.size)
    if payload is None:
        return None
    merchant, link = _LINK.unpack(payload)
    return LinkEvidence(UUID(bytes=merchant), UUID(bytes=link))


def read_visit(signer: TokenSigner, token: str) -> VisitEvidence | None:
    """What a visit's token says, or None if we did not sign it."""
    payload = signer.read("visit", token, size=_VISIT.size)
    if payload is None:
        return None
    merchant, link, visit, microseconds = _VISIT.unpack(payload)
    visited_at = EPOCH + timedelta(microseconds=microseconds)
    return VisitEvidence(UUID(bytes=merchant), UUID(bytes=link), UUID(bytes=visit), visited_at)


def read_referral(signer: TokenSigner, referral: str, merchant_id: UUID) -> Evidence | None:
    """What a shop sent as `referral` proves to this merchant: a visit token, a link token or a code.

    None if it is none of them, or another merchant's.
    """
    if len(referral) > LONGEST_REFERRAL:
        return None
    referral = referral.strip()
    if "." not in referral:
        folded = fold(referral)
        return CodeEvidence(folded) if folded else None
    evidence = read_visit(signer, referral) or read_link(signer, referral)
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
    if referral is None:
        return ""
    if len(referral) > LONGEST_REFERRAL:  # putting marks in order costs the square of their number
        return f"unreadable:{referral}"
    return f"unreadable:{unicodedata.normalize('NFC', referral)}"
