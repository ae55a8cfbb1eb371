"""Share links and their codes."""

import base64
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.engine import Database
from service.database.lists import Page, matching, read_newest
from service.database.tables import Base
from service.links.states import LinkStatus
from service.merchants.tables import Merchant, Slug
from service.programs.states import ProgramStatus
from service.programs.tables import Program

DIGEST_BYTES = 20
"""Of the digest of a code: enough that no two codes share one."""


class Link(Base):
    """One advocate's share link in one program and channel.

    code: the newest of its codes, as shown; all of them are in `code`.
    destination_url: the link's own, or None for the program's. destination_key: what tells two of them apart.
    """

    __tablename__ = "link"
    __table_args__ = (
        UniqueConstraint("merchant_id", "program_id", "customer_id", "channel", "destination_key", name="uq_link_one"),
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
    destination_url: Mapped[str | None] = mapped_column(String(2000))
    destination_key: Mapped[bytes] = mapped_column(LargeBinary(16))
    status: Mapped[LinkStatus] = mapped_column(String(8))
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    shop_metadata: Mapped[dict[str, str] | None]


class Code(Base):
    """A code that was given out, in the form in which codes are matched: its link's for ever."""

    __tablename__ = "code"
    __table_args__ = (
        ForeignKeyConstraint(["merchant_id", "link_id"], ["link.merchant_id", "link.link_id"]),
        Index(None, "merchant_id", "link_id"),
    )

    merchant_id: Mapped[UUID] = mapped_column(primary_key=True)
    folded_code: Mapped[str] = mapped_column(String(40), primary_key=True)
    link_id: Mapped[UUID]
    given_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """Which links; None for any."""

    program_id: UUID | None = None
    customer_id: str | None = None


def get(session: Session, merchant_id: UUID, link_id: UUID, *, lock: bool = False) -> Link | None:
    """The merchant's link, or None."""
    return session.get(Link, (merchant_id, link_id), with_for_update=lock, populate_existing=lock)


def by_code(session: Session, merchant_id: UUID, folded_code: str) -> Link | None:
    """The merchant's link that was ever given this code, or None."""
    given = and_(Code.merchant_id == Link.merchant_id, Code.link_id == Link.link_id)
    query = select(Link).join(Code, given).where(Code.merchant_id == merchant_id, Code.folded_code == folded_code)
    return session.scalar(query)


def is_free(session: Session, merchant: Merchant, folded_code: str) -> bool:
    """Whether this code was never given out: to nobody who is known, and to nobody who was forgotten."""
    named = (folded_code, digest_of(merchant, folded_code))
    query = select(Code.link_id).where(Code.merchant_id == merchant.merchant_id, Code.folded_code.in_(named))
    return session.scalar(query.limit(1)) is None


def digest_of(merchant: Merchant, folded_code: str) -> str:
    """What stays of a code that is forgotten: no code begins as it does."""
    return f"#{base64.b32encode(merchant.keyed(f'code:{folded_code}')[:DIGEST_BYTES]).decode()}"


_s, _code = Slug.__table__.c, Code.__table__.c
_BY_SLUG = select(_s.merchant_id).where(_s.slug == bindparam("slug")).execution_options(prepared=True)
_BY_CODE = (
    select(_code.link_id)
    .where(_code.merchant_id == bindparam("merchant"), _code.folded_code == bindparam("code"))
    .execution_options(prepared=True)
)
"""Two, as what is looked for in the second one is on the machine of whoever the first one finds."""


def by_slug(database: Database, slug: str, folded_code: str) -> tuple[UUID, UUID | None] | None:
    """The merchant of this slug, and the link that was ever given this code there; None where nobody has the slug."""
    named = database.at_once(_BY_SLUG, {"slug": slug}).one_or_none()
    if named is None:
        return None
    given = database.at_once(_BY_CODE, {"merchant": named.merchant_id, "code": folded_code}).one_or_none()
    return named.merchant_id, given.link_id if given else None


def number_of_codes(session: Session, link: Link) -> int:
    """How many codes the link was given."""
    query = select(func.count()).where(Code.merchant_id == link.merchant_id, Code.link_id == link.link_id)
    return session.scalar(query) or 0


def key_of(destination_url: str | None) -> bytes:
    """What tells a link's own destination from another one, for a key of the database."""
    return hashlib.blake2b(destination_url.encode(), digest_size=16).digest() if destination_url else b""


def statuses(session: Session, merchant_id: UUID, program_ids: Collection[UUID]) -> dict[UUID, ProgramStatus]:
    """program -> its status, of these programs."""
    if not program_ids:
        return {}
    query = select(Program.program_id, Program.status)
    query = query.where(Program.merchant_id == merchant_id, Program.program_id.in_(program_ids))
    return dict(session.execute(query).tuples().all())


def of_customer(
    session: Session,
    merchant_id: UUID,
    *,
    program_id: UUID,
    customer_id: str,
    channel: str,
    destination_url: str | None,
) -> Link | None:
    """The one link of this advocate in this program and channel with this destination, or None."""
    query = select(Link).where(
        Link.merchant_id == merchant_id,
        Link.program_id == program_id,
        Link.customer_id == customer_id,
        Link.channel == channel,
        Link.destination_key == key_of(destination_url),
    )
    return session.scalar(query)


def page(session: Session, merchant_id: UUID, which: Page, wanted: LinkFilter) -> Sequence[Link]:
    """The merchant's links, newest first."""
    query = matching(select(Link).where(Link.merchant_id == merchant_id), Link, wanted)
    return read_newest(session, Link, query, Link.link_id, which, at=Link.created_at)


def all_of(session: Session, merchant_id: UUID, customer_id: str) -> Sequence[Link]:
    """All links of this advocate, locked until the transaction ends."""
    query = select(Link).where(Link.merchant_id == merchant_id, Link.customer_id == customer_id).order_by(Link.link_id)
    return session.scalars(query.with_for_update(), execution_options={"populate_existing": True}).all()


def codes_of(session: Session, merchant_id: UUID, link_ids: Collection[UUID]) -> Sequence[Code]:
    """All codes that these links were ever given."""
    query = select(Code).where(Code.merchant_id == merchant_id, Code.link_id.in_(link_ids))
    return session.scalars(query.order_by(Code.folded_code)).all()
