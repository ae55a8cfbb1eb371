"""Merchants, and the keys by which their shops are known."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    LargeBinary,
    String,
    UniqueConstraint,
    bindparam,
    false,
    select,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.engine import Database
from service.database.tables import Base
from service.database.writing import insertion, numbered

Scope = Literal["admin", "checkout", "marketing", "public"]
"""public: of a publishable key, which may stand in a page."""


class Merchant(Base):
    """One e-commerce site: the tenant. time_zone: of IANA; its days are the merchant's days. slug: in addresses.

    guest_key: with which ids of guests are made, so that nobody can tell a mailbox by them.
    remembers_erased: whether who was erased and comes back is known not to be new, by a digest alone.
    """

    __tablename__ = "merchant"

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[datetime]
    time_zone: Mapped[str] = mapped_column(String(64))
    slug: Mapped[str] = mapped_column(String(40))
    guest_key: Mapped[bytes] = mapped_column(LargeBinary(32))
    remembers_erased: Mapped[bool] = mapped_column(server_default=false())

    def keyed(self, text: str) -> bytes:
        """SHA-256 of this under the merchant's key: who does not have the key cannot tell what it is of."""
        return hmac.digest(self.guest_key, text.encode(), "sha256")


class Slug(Base):
    """Whose a slug is: a directory, by which an address without an id finds its merchant. What was printed stays."""

    __tablename__ = "slug"

    slug: Mapped[str] = mapped_column(String(40), primary_key=True)
    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id))


class MerchantCurrency(Base):
    """A currency in which the merchant has books, with its decimals: it may be withdrawn, and lists forget it."""

    __tablename__ = "merchant_currency"
    __table_args__ = (CheckConstraint("exponent BETWEEN 0 AND 6", name="exponent"),)

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    exponent: Mapped[int]


class ApiKey(Base):
    """A key of one merchant and one scope. Only its hash is kept; `hint` is enough to recognise it by."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("merchant_id", "key_id"),
        CheckConstraint("scope IN ('checkout', 'marketing', 'admin', 'public')", name="scope"),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    key_id: Mapped[UUID]
    scope: Mapped[Scope] = mapped_column(String(12))
    hint: Mapped[str] = mapped_column(String(24))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


_c = ApiKey.__table__.c
_KEY_IN_USE = (
    select(_c.key_id, _c.scope)
    .where(_c.merchant_id == bindparam("merchant"), _c.key_hash == bindparam("hash"), _c.revoked_at.is_(None))
    .execution_options(prepared=True)
)


def key_in_use(database: Database, merchant_id: UUID, key_hash: bytes) -> tuple[UUID, Scope] | None:
    """(id, scope) of a key that is in use, or None. Asked ahead of every request, so as cheaply as it goes."""
    given = {"merchant": merchant_id, "hash": key_hash}
    try:
        row = database.at_once(_KEY_IN_USE, given).one_or_none()
    except OperationalError:  # a connection from before the database went away; a new one tells whether it is
        row = database.at_once(_KEY_IN_USE, given).one_or_none()
    return None if row is None else (row.key_id, row.scope)


def revocation(session: Session, merchant_id: UUID, key_hash: bytes) -> datetime | None:
    """When this key was revoked; None where it was not, or is none."""
    row = session.get(ApiKey, (merchant_id, key_hash))
    return None if row is None else row.revoked_at


def keys(session: Session, merchant_id: UUID) -> Sequence[ApiKey]:
    """All keys of the merchant, revoked ones too, oldest first."""
    return session.scalars(select(ApiKey).where(ApiKey.merchant_id == merchant_id).order_by(ApiKey.key_id)).all()


def merchants(session: Session) -> Sequence[Merchant]:
    """Every merchant, oldest first. For operators; no request of a merchant ever asks this."""
    return session.scalars(select(Merchant).order_by(Merchant.merchant_id)).all()


def get(session: Session, merchant_id: UUID) -> Merchant:
    """The merchant, who exists."""
    return session.get_one(Merchant, merchant_id)


def of_slug(session: Session, slug: str) -> UUID | None:
    """The id of the merchant whose slug this is or was, or None."""
    return session.scalar(select(Slug.merchant_id).where(Slug.slug == slug))


_KEEP_CURRENCY = insertion(MerchantCurrency.__table__, "ON CONFLICT (merchant_id, currency) DO NOTHING")


def keep_currency(session: Session, merchant_id: UUID, currency: str, exponent: int) -> None:
    """Keep how many decimals a currency of the merchant's books has; what was kept before stays."""
    kept = {"merchant_id": merchant_id, "currency": currency, "exponent": exponent}
    session.execute(_KEEP_CURRENCY, numbered([kept]))


def currencies(session: Session, merchant_id: UUID) -> dict[str, int]:
    """currency -> its decimals, of the merchant's books."""
    query = select(MerchantCurrency).where(MerchantCurrency.merchant_id == merchant_id)
    return {kept.currency: kept.exponent for kept in session.scalars(query)}


def time_zone(database: Database, merchant_id: UUID) -> ZoneInfo:
    """The zone of the merchant's days."""
    with database.reading() as session:
        return ZoneInfo(get(session, merchant_id).time_zone)
