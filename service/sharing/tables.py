"""Share pages: addresses that were handed out, each for a day."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.tables import Base


class SharePage(Base):
    """One address of a customer's page, by their link. return_url: where the page leads back to, at the shop."""

    __tablename__ = "share_page"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "link_id"], ["link.merchant_id", "link.link_id"]),
        Index("ix_share_page_expires_at", "expires_at"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    share_page_id: Mapped[UUID] = mapped_column(primary_key=True)
    link_id: Mapped[UUID]
    return_url: Mapped[str | None] = mapped_column(String(2000))
    expires_at: Mapped[datetime]


def get(session: Session, merchant_id: UUID, share_page_id: UUID) -> SharePage | None:
    """The share page, or None."""
    return session.get(SharePage, (merchant_id, share_page_id))


def forget_old(session: Session, *, now: datetime) -> None:
    """Drop those of all merchants whose time is over. For the worker."""
    session.execute(delete(SharePage).where(SharePage.expires_at <= now))


def forget_links(session: Session, merchant_id: UUID, link_ids: Collection[UUID]) -> None:
    """Drop the addresses of the pages of these links, which have ended."""
    gone = delete(SharePage).where(SharePage.merchant_id == merchant_id, SharePage.link_id.in_(link_ids))
    session.execute(gone, execution_options={"synchronize_session": False})
