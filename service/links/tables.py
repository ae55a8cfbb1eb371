"""Share links and their codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.lists import Page, matching, newest
from service.database.tables import Base
from service.links.states import LinkStatus


class Link(Base):
    """One advocate's share link in one program and channel.

    code: as shown. folded_code: as matched, without case, blanks or dashes.
    destination_url: the link's own, or None for the program's.
    """

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("merchant_id", "program_id", "customer_id", "channel"),
        UniqueConstraint("merchant_id", "folded_code"),
        ForeignKeyConstraint(["merchant_id", "program_id"], ["program.merchant_id", "program.program_id"]),
        ForeignKeyConstraint(["merchant_id", "customer_id"], ["customer.merchant_id", "customer.customer_id"]),
        CheckConstraint("status IN ('active', 'revoked')", name="status"),
        Index(None, "merchant_id", "customer_id"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    link_id: Mapped[UUID] = mapped_column(primary_key=True)
    program_id: Mapped[UUID]
    customer_id: Mapped[str] = mapped_column(String(255))
    channel: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(40))
    folded_code: Mapped[str] = mapped_column(String(40))
    destination_url: Mapped[str | None] = mapped_column(String(2000))
    status: Mapped[LinkStatus] = mapped_column(String(8))
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    shop_metadata: Mapped[dict[str, str] | None]


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links; None for any."""

    program_id: UUID | None = None
    customer_id: str | None = None


def get(session: Session, merchant_id: UUID, link_id: UUID, *, lock: bool = False) -> Link | None:
    """The merchant's link, or None."""
    return session.get(Link, (merchant_id, link_id), with_for_update=lock, populate_existing=lock)


def by_code(session: Session, merchant_id: UUID, folded_code: str) -> Link | None:
    """The merchant's link with this code, or None."""
    return session.scalar(select(Link).where(Link.merchant_id == merchant_id, Link.folded_code == folded_code))


def of_customer(
    session: Session, merchant_id: UUID, *, program_id: UUID, customer_id: str, channel: str
) -> Link | None:
    """The one link of this advocate in this program and channel, or None."""
    query = select(Link).where(
        Link.merchant_id == merchant_id,
        Link.program_id == program_id,
        Link.customer_id == customer_id,
        Link.channel == channel,
    )
    return session.scalar(query)


def page(session: Session, merchant_id: UUID, which: Page, wanted: LinkFilter) -> Sequence[Link]:
    """The merchant's links, newest first."""
    query = matching(select(Link).where(Link.merchant_id == merchant_id), Link, wanted)
    return session.scalars(newest(query, Link.link_id, which, at=Link.created_at)).all()
