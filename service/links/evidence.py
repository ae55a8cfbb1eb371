"""PURE: what a shop can send as a referral, and what it proves: tokens of quotes, visits and links, and codes.

Tokens say what they say without a database and without personal data.
"""

import hashlib
import re
import struct
import unicodedata
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from service.links.addresses import bare, inside, leading_code, leading_token
from service.links.codes import fold
from service.tokens import TokenSigner

LONGEST_REFERRAL = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MERCHANT = re.compile("[A-Za-z0-9_-]{22}")
_LINK = struct.Struct(">16s16s")
_VISIT = struct.Struct(">16s16s16sq")
_QUOTE = struct.Struct(">16s16sqqI3sQ")
QUOTES_HOLD = timedelta(days=1)
_NEVER = -(2**63)
_MICROSECOND = timedelta(microseconds=1)


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
    """The friend typed a code, here in the form in which codes are matched. slug: of the shop that its URL names."""

    folded_code: str
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class QuoteEvidence:
    """We promised this to the friend, for a day. discount_amount: minor units that the shop was to take off.

    visited_at: when the link was followed, None where nothing says so.
    """

    merchant_id: UUID
    link_id: UUID
    visited_at: datetime | None
    quoted_at: datetime
    terms_version: int
    currency: str
    discount_amount: int

    @property
    def expires_at(self) -> datetime:
        """Until when the promise holds, exclusive."""
        return self.quoted_at + QUOTES_HOLD


Evidence = VisitEvidence | LinkEvidence | CodeEvidence | QuoteEvidence


def link_token(signer: TokenSigner, merchant_id: UUID, link_id: UUID) -> str:
    """The token of a link: 66 characters, the same each time while the newest key stays."""
    return signer.write("link", _LINK.pack(merchant_id.bytes, link_id.bytes))


def visit_token(signer: TokenSigner, visit: VisitEvidence) -> str:
    """The token of a visit: 98 characters."""
    ids = (visit.merchant_id.bytes, visit.link_id.bytes, visit.visit_id.bytes)
    return signer.write("visit", _VISIT.pack(*ids, _microseconds(visit.visited_at)))


def quote_token(signer: TokenSigner, quote: QuoteEvidence) -> str:
    """The token of a quote: 107 characters, without anything about a person."""
    times = (_NEVER if quote.visited_at is None else _microseconds(quote.visited_at), _microseconds(quote.quoted_at))
    promised = (quote.terms_version, quote.currency.encode(), quote.discount_amount)
    return signer.write("quote", _QUOTE.pack(quote.merchant_id.bytes, quote.link_id.bytes, *times, *promised))


def read_link(signer: TokenSigner, token: str) -> LinkEvidence | None:
    """What a link's token says, or None if we did not sign it."""
    payload = signer.read("link", token, size=_LINK.size)
    if payload is None:
        return None
    merchant, link = _LINK.unpack(payload)
    return LinkEvidence(UUID(bytes=merchant), UUID(bytes=link))


def claimed_merchant(token: str) -> UUID | None:
    """Whose a broken token says that it is: enough to lead somebody to a shop's own page, and proof of nothing."""
    start = _MERCHANT.match(token)
    return UUID(bytes=urlsafe_b64decode(f"{start[0]}==")) if start else None


def read_visit(signer: TokenSigner, token: str) -> VisitEvidence | None:
    """What a visit's token says, or None if we did not sign it."""
    payload = signer.read("visit", token, size=_VISIT.size)
    if payload is None:
        return None
    merchant, link, visit, microseconds = _VISIT.unpack(payload)
    return VisitEvidence(UUID(bytes=merchant), UUID(bytes=link), UUID(bytes=visit), _moment(microseconds))


def read_quote(signer: TokenSigner, token: str) -> QuoteEvidence | None:
    """What a quote's token says, or None if we did not sign it."""
    payload = signer.read("quote", token, size=_QUOTE.size)
    if payload is None:
        return None
    merchant, link, visited, quoted, version, currency, discount = _QUOTE.unpack(payload)
    return QuoteEvidence(
        UUID(bytes=merchant),
        UUID(bytes=link),
        None if visited == _NEVER else _moment(visited),
        _moment(quoted),
        version,
        currency.decode(),
        discount,
    )


def read_referral(signer: TokenSigner, referral: str, merchant_id: UUID) -> Evidence | None:
    """What a shop sent as `referral` proves to this merchant: a quote, a visit token, a link token, a code, or a whole
    URL that holds one. Whose shop a URL's slug names is for who has the directory to say.

    None if it is none of them, or another merchant's.
    """
    if len(referral) > LONGEST_REFERRAL:
        return None
    copied, slug = inside(bare(referral))
    token, _ = leading_token(copied)
    evidence = read_visit(signer, token) or read_quote(signer, token) or read_link(signer, token)
    if evidence is not None:
        return evidence if evidence.merchant_id == merchant_id else None
    folded = fold(leading_code(copied)[0])
    return CodeEvidence(folded, slug) if folded else None


def as_document(evidence: Evidence | None, referral: str | None) -> dict[str, Any] | None:
    """How an order keeps what came with it: one spelling for each thing that a referral can say, so that a repeat under
    a rotated key is still one. None where nothing came.
    """
    match evidence:
        case VisitEvidence():
            said = {"visit_id": str(evidence.visit_id), "visited_at": evidence.visited_at.isoformat()}
            return {"kind": "visit", "link_id": str(evidence.link_id), **said}
        case QuoteEvidence():
            return {
                "kind": "quote",
                "link_id": str(evidence.link_id),
                "visited_at": evidence.visited_at and evidence.visited_at.isoformat(),
                "quoted_at": evidence.quoted_at.isoformat(),
                "terms_version": evidence.terms_version,
                "currency": evidence.currency,
                "discount_amount": evidence.discount_amount,
            }
        case LinkEvidence():
            return {"kind": "link", "link_id": str(evidence.link_id)}
        case CodeEvidence():
            return {"kind": "code", "folded_code": evidence.folded_code}
    if referral is None:
        return None
    # putting marks in order costs the square of their number
    text = referral if len(referral) > LONGEST_REFERRAL else unicodedata.normalize("NFC", referral)
    return {"kind": "unreadable", "digest": hashlib.sha256(text.encode()).hexdigest()}


def erased_code(link_id: UUID) -> dict[str, Any]:
    """How an order keeps that it came with a code of this link, where nobody may tell the code any more."""
    return {"kind": "link", "link_id": str(link_id), "is_erased": True}


def of_document(document: Mapping[str, Any] | None, merchant_id: UUID) -> Evidence | None:
    """What an order's document of its referral proves; None where it proves nothing. Documents outlive this code."""
    if document is None:
        return None
    match document:
        case {"kind": "visit", "link_id": link, "visit_id": visit, "visited_at": visited}:
            return VisitEvidence(merchant_id, UUID(link), UUID(visit), datetime.fromisoformat(visited))
        case {"kind": "quote"}:
            return _quote_of(merchant_id, document)
        case {"kind": "link", "link_id": link}:
            return LinkEvidence(merchant_id, UUID(link))
        case {"kind": "code", "folded_code": folded}:
            return CodeEvidence(folded)
        case {"kind": "unreadable"}:
            return None
    raise ValueError(f"{document!r} is not the document of a referral")


def _quote_of(merchant_id: UUID, said: Mapping[str, Any]) -> QuoteEvidence:
    visited_at = said["visited_at"] and datetime.fromisoformat(said["visited_at"])
    times = visited_at, datetime.fromisoformat(said["quoted_at"])
    promised = said["terms_version"], said["currency"], said["discount_amount"]
    return QuoteEvidence(merchant_id, UUID(said["link_id"]), *times, *promised)


def _microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return EPOCH + microseconds * _MICROSECOND
