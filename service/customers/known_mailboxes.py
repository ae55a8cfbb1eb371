"""Mailboxes that customers came with: who comes with one holds it, and some are nobody's, or of somebody erased."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, ForeignKey, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.among import among
from service.database.tables import Base, Instant
from service.database.writing import insert_many, insertion, numbered
from service.merchants.tables import Merchant


class Mailbox(Base):
    """A mailbox that a customer came with: who comes with it at the same time waits here for the other.

    mailbox_id: a digest of its folded form, under the merchant's key. is_shared: more customers had it than can be one
    person, so it is nobody's. erased_at: when somebody with it was erased, where the merchant wants to know.
    """

    __tablename__ = "mailbox"

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    mailbox_id: Mapped[UUID] = mapped_column(primary_key=True)
    is_shared: Mapped[bool]
    erased_at: Mapped[datetime | None]


_HELD = "ON CONFLICT (merchant_id, mailbox_id) DO UPDATE SET mailbox_id = excluded.mailbox_id"
_m = Mailbox.__table__.c
_HOLD = insertion(Mailbox.__table__, f"{_HELD} RETURNING mailbox.is_shared, mailbox.erased_at").columns(
    is_shared=Boolean, erased_at=Instant
)
_MAILBOX = select(_m.is_shared, _m.erased_at).where(
    _m.merchant_id == bindparam("merchant"), _m.mailbox_id == bindparam("mailbox")
)


@dataclass(frozen=True, slots=True)
class KnownMailbox:
    """What is known of a mailbox, with the fields of a `Mailbox`."""

    is_shared: bool = False
    erased_at: datetime | None = None


def hold(session: Session, merchant_id: UUID, mailbox_id: UUID) -> KnownMailbox:
    """As `get`, and everybody else who comes with this mailbox waits until the transaction ends."""
    row = {"merchant_id": merchant_id, "mailbox_id": mailbox_id, "is_shared": False, "erased_at": None}
    return KnownMailbox(*session.execute(_HOLD, numbered([row])).one())


def get(session: Session, merchant_id: UUID, mailbox_id: UUID) -> KnownMailbox:
    """What is known of this mailbox."""
    row = session.execute(_MAILBOX, {"merchant": merchant_id, "mailbox": mailbox_id}).one_or_none()
    return KnownMailbox(*row) if row else KnownMailbox()


def share(session: Session, merchant_id: UUID, mailbox_id: UUID) -> None:
    """Say of a mailbox, which is held, that it is nobody's."""
    query = update(Mailbox).where(Mailbox.merchant_id == merchant_id, Mailbox.mailbox_id == mailbox_id)
    session.execute(query.values(is_shared=True), execution_options={"synchronize_session": False})


def hold_all(session: Session, merchant_id: UUID, mailbox_ids: Collection[UUID]) -> dict[UUID, KnownMailbox]:
    """As `hold`, for many, in their order. Returns what is known of them."""
    unsaid = {"merchant_id": merchant_id, "is_shared": False, "erased_at": None}
    rows = [{**unsaid, "mailbox_id": one} for one in sorted(mailbox_ids)]
    insert_many(session, Mailbox.metadata.tables[Mailbox.__tablename__], rows, _HELD)
    return known(session, merchant_id, mailbox_ids)


def known(session: Session, merchant_id: UUID, mailbox_ids: Collection[UUID]) -> dict[UUID, KnownMailbox]:
    """What is known of these mailboxes; the answer lacks those that nobody came with."""
    query = select(_m.mailbox_id, _m.is_shared, _m.erased_at)
    query = query.where(_m.merchant_id == merchant_id, among(session, _m.mailbox_id, mailbox_ids))
    return {row.mailbox_id: KnownMailbox(row.is_shared, row.erased_at) for row in session.execute(query)}


def forget(session: Session, merchant_id: UUID, mailbox_id: UUID, *, erased_at: datetime | None) -> None:
    """Nobody has this mailbox any more. erased_at: what is to be remembered of it all the same, if anything."""
    of = (Mailbox.merchant_id == merchant_id, Mailbox.mailbox_id == mailbox_id)
    if erased_at is None:
        # what is nobody's stays so, for whoever comes with it next
        gone = delete(Mailbox).where(*of, ~Mailbox.is_shared)
        session.execute(gone, execution_options={"synchronize_session": False})
    else:
        remembered = update(Mailbox).where(*of).values(erased_at=erased_at)
        session.execute(remembered, execution_options={"synchronize_session": False})
