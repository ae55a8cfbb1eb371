"""What merchants say of their brands, and their logos."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base
from service.merchants.tables import Merchant


class Brand(Base):
    """What is said of one brand. of_id: the program whose it is, or the merchant, for all programs."""

    __tablename__ = "brand"
    __table_args__ = (ForeignKeyConstraint(["merchant_id", "logo_digest"], ["logo.merchant_id", "logo.digest"]),)

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    of_id: Mapped[UUID] = mapped_column(primary_key=True)
    said: Mapped[dict[str, Any]]
    logo_digest: Mapped[str | None] = mapped_column(String(32))
    changed_at: Mapped[datetime]


class Logo(Base):
    """An image that we wrote, by what it shows, for as long as a brand has it."""

    __tablename__ = "logo"

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    digest: Mapped[str] = mapped_column(String(32), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


def get(session: Session, merchant_id: UUID, of_id: UUID, *, lock: bool = False) -> Brand | None:
    """What is said of this brand, if anything."""
    return session.get(Brand, (merchant_id, of_id), with_for_update=lock, populate_existing=lock)


def logo(session: Session, merchant_id: UUID, digest: str) -> Logo | None:
    """The merchant's logo of this digest, or None."""
    return session.get(Logo, (merchant_id, digest))


def used(session: Session, merchant_id: UUID) -> Sequence[str]:
    """The digests of all logos that are in use."""
    query = select(Brand.logo_digest).where(Brand.merchant_id == merchant_id, Brand.logo_digest.is_not(None))
    return [digest for digest in session.scalars(query) if digest]
