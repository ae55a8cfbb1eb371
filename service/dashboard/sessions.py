"""Signing in, being known, and signing out. A session is as good as its key: where that is revoked, it is over."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from service.dashboard.tables import DashboardSession
from service.merchants.tables import ApiKey, Merchant, Scope

IDLE = timedelta(hours=1)
LONGEST = timedelta(hours=12)
NOTED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a browser last asked: a page that is read need not write."""

UNSYNCHRONIZED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose dashboard it is, and what the key is for with which somebody signed in. seen_at: when they last asked."""

    merchant_id: UUID
    merchant_name: str
    key_id: UUID
    scope: Scope
    seen_at: datetime

    @property
    def is_admin(self) -> bool:
        """Whether they may change something."""
        return self.scope == "admin"


def begin(session: Session, merchant_id: UUID, key_id: UUID, *, now: datetime) -> str:
    """Sign a browser in. Returns the secret by which it is known from now on."""
    secret = secrets.token_urlsafe(32)
    row = DashboardSession(
        merchant_id=merchant_id, session_hash=_hash(secret), key_id=key_id, began_at=now, seen_at=now
    )
    session.add(row)
    return secret


def find(session: Session, merchant_id: UUID, secret: str, *, now: datetime) -> SignedIn | None:
    """Who is known by this secret; None where nobody is, or no longer."""
    s = DashboardSession
    of_key = (ApiKey.merchant_id == s.merchant_id) & (ApiKey.key_id == s.key_id)
    query = select(Merchant.name, s.key_id, ApiKey.scope, s.seen_at).join(ApiKey, of_key)
    query = query.join(Merchant, Merchant.merchant_id == s.merchant_id)
    query = query.where(s.merchant_id == merchant_id, s.session_hash == _hash(secret), ApiKey.revoked_at.is_(None))
    row = session.execute(query.where(s.began_at > now - LONGEST, s.seen_at > now - IDLE)).one_or_none()
    return None if row is None else SignedIn(merchant_id, *row)


def note(session: Session, merchant_id: UUID, secret: str, *, now: datetime) -> None:
    """Remember that the browser asked for a page."""
    s = DashboardSession
    seen = update(s).where(s.merchant_id == merchant_id, s.session_hash == _hash(secret)).values(seen_at=now)
    session.execute(seen, execution_options=UNSYNCHRONIZED)


def end(session: Session, merchant_id: UUID, secret: str) -> None:
    """Sign a browser out; the secret is good for nothing from now on."""
    s = DashboardSession
    gone = delete(s).where(s.merchant_id == merchant_id, s.session_hash == _hash(secret))
    session.execute(gone, execution_options=UNSYNCHRONIZED)


def forget_old(session: Session, *, now: datetime) -> None:
    """Drop what nobody can be known by any more."""
    s = DashboardSession
    gone = delete(s).where(or_(s.began_at <= now - LONGEST, s.seen_at <= now - IDLE))
    session.execute(gone, execution_options=UNSYNCHRONIZED)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
