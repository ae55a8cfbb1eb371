"""What an order and a redemption are, as bytes: with all that happened to each, and without names, addresses and texts.

A digest outlives this code: what is added later makes a new version, or is left out where there is none of it, so that
seals of before stay what they are.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import DeclarativeBase, Session

from service.books.tables import RecordNoun
from service.conversions.tables.amendments import Amendment
from service.conversions.tables.conversions import Conversion
from service.conversions.tables.refunds import Refund, RefundReversal
from service.rewards.tables.lots import RedemptionPart
from service.rewards.tables.redemptions import Redemption, RedemptionReturn

OF_AN_ORDER = (
    "order_id",
    "customer_id",
    "currency",
    "amount",
    "discount_amount",
    "eligible_amount",
    "refunded_amount",
    "status",
    "reasons",
    "program_id",
    "terms_version",
    "link_id",
    "advocate_id",
    "ordered_at",
    "recorded_at",
    "reported",
    "voided_at",
    "void_reason",
    "late_attribution",
)
VERSION = 1
OF_A_REFUND = ("entry_id", "refund_id", "amount", "eligible_amount", "refunded_at", "recorded_at")
OF_AN_AMENDMENT = ("entry_id", "amendment_id", "amount", "discount_amount", "eligible_amount", "recorded_at")
OF_A_REVERSAL = ("refund_entry_id", "entry_id", "recorded_at")
OF_A_REDEMPTION = (
    "customer_id",
    "amount",
    "captured_amount",
    "returned_amount",
    "currency",
    "order_id",
    "status",
    "expires_at",
    "created_at",
)
OF_A_RETURN = ("entry_id", "return_id", "amount", "recorded_at")
OF_A_PART = ("reward_id", "amount", "given_back")
Parts = dict[UUID, list[dict[str, Any]]]


def digests(session: Session, merchant_id: UUID, noun: RecordNoun, ids: Sequence[UUID]) -> dict[UUID, bytes]:
    """SHA-256 of each of these records as it stands; those that are not there are left out."""
    records = _orders(session, merchant_id, ids) if noun == "conversion" else _redemptions(session, merchant_id, ids)
    return {record_id: hashlib.sha256(_encoded(record)).digest() for record_id, record in records.items()}


def _orders(session: Session, merchant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    c, r, v, a = Conversion, Refund, RefundReversal, Amendment
    orders = select(c.conversion_id, *_columns(c, OF_AN_ORDER)).where(c.merchant_id == merchant_id)
    refunds = select(r.conversion_id, *_columns(r, OF_A_REFUND)).where(r.merchant_id == merchant_id)
    reversals = (
        select(r.conversion_id, *_columns(v, OF_A_REVERSAL))
        .join(v, (v.merchant_id == r.merchant_id) & (v.refund_entry_id == r.entry_id))
        .where(r.merchant_id == merchant_id)
    )
    amendments = select(a.conversion_id, *_columns(a, OF_AN_AMENDMENT)).where(a.merchant_id == merchant_id)
    parts = {
        "refunds": _parts(session, refunds.where(r.conversion_id.in_(ids)).order_by(r.entry_id)),
        "reversals": _parts(session, reversals.where(r.conversion_id.in_(ids)).order_by(v.refund_entry_id)),
        "amendments": _parts(session, amendments.where(a.conversion_id.in_(ids)).order_by(a.entry_id)),
    }
    whole = _whole(session, orders.where(c.conversion_id.in_(ids)), parts)
    for order in whole.values():
        if order["late_attribution"] is not None:  # its note may be erased with a person
            order["late_attribution"] = {name: order["late_attribution"][name] for name in ("referral", "overrule")}
    return whole


def _redemptions(session: Session, merchant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    d, b, p = Redemption, RedemptionReturn, RedemptionPart
    redemptions = select(d.redemption_id, *_columns(d, OF_A_REDEMPTION)).where(d.merchant_id == merchant_id)
    returns = select(b.redemption_id, *_columns(b, OF_A_RETURN)).where(b.merchant_id == merchant_id)
    rewards = select(p.redemption_id, *_columns(p, OF_A_PART)).where(p.merchant_id == merchant_id)
    parts = {
        "returns": _parts(session, returns.where(b.redemption_id.in_(ids)).order_by(b.entry_id)),
        "rewards": _parts(session, rewards.where(p.redemption_id.in_(ids)).order_by(p.reward_id)),
    }
    whole = _whole(session, redemptions.where(d.redemption_id.in_(ids)), parts)
    for redemption in whole.values():
        if not redemption["rewards"]:  # as of those that were sealed before it was known what they took
            del redemption["rewards"]
    return whole


def _columns(table: type[DeclarativeBase], names: Sequence[str]) -> list[Any]:
    return [getattr(table, name) for name in names]


def _parts(session: Session, query: Select[Any]) -> Parts:
    parts: Parts = defaultdict(list)
    for owner, *values in session.execute(query):
        parts[owner].append(dict(zip(query.selected_columns.keys()[1:], values, strict=True)))
    return parts


def _whole(session: Session, query: Select[Any], parts: dict[str, Parts]) -> dict[UUID, dict[str, Any]]:
    names = query.selected_columns.keys()[1:]
    return {
        record_id: dict(zip(names, values, strict=True)) | {name: of[record_id] for name, of in parts.items()}
        for record_id, *values in session.execute(query)
    }


def _encoded(record: dict[str, Any]) -> bytes:
    return json.dumps(record, default=_plain, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
