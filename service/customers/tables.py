"""Customers: people, named by the merchant's own ids."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    Index,
    Select,
    String,
    UniqueConstraint,
    bindparam,
    delete,
    false,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.database.lists import Page, matching, read_newest
from service.database.tables import Base
from service.database.writing import insertion, numbered
from service.merchants.tables import Merchant


class Customer(Base):
    """An account at one merchant.

    owner_id: the opaque name of this customer in the books, which keep nothing personal.
    folded_email: the e-mail in the form in which two spellings of one mailbox are equal.
    person_id: of the person whom this customer is together with others; None where there are no others.
    since: the first order before Orchard, where the merchant told us.
    erased_at: when all that told who this is was taken away. The id is one of ours from then on.
    keeps_balance: whether what is open then stays in the books, and does not lapse.
    merged_into: whom this one became one with: nothing else is said of it any more, and its id means the other one.
    """

    __tablename__ = "customer"
    __table_args__ = (
        UniqueConstraint("merchant_id", "owner_id"),
        Index(
            "ix_customer_folded_email",
            "merchant_id",
            "folded_email",
            postgresql_where=text("folded_email IS NOT NULL"),
            sqlite_where=text("folded_email IS NOT NULL"),
        ),
        Index(
            "ix_customer_person_id",
            "merchant_id",
            "person_id",
            postgresql_where=text("person_id IS NOT NULL"),
            sqlite_where=text("person_id IS NOT NULL"),
        ),
        Index(
            "ix_customer_merged_into",
            "merchant_id",
            "merged_into",
            postgresql_where=text("merged_into IS NOT NULL"),
            sqlite_where=text("merged_into IS NOT NULL"),
        ),
    )

    merchant_id: Mapped[UUID] = mapped_column(ForeignKey(Merchant.merchant_id), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    owner_id: Mapped[UUID]
    first_name: Mapped[str | None] = mapped_column(String(80))
    email: Mapped[str | None] = mapped_column(String(254))
    folded_email: Mapped[str | None] = mapped_column(String(800))
    person_id: Mapped[UUID | None]
    locale: Mapped[str | None] = mapped_column(String(35))
    since: Mapped[datetime | None]
    created_at: Mapped[datetime]
    shop_metadata: Mapped[dict[str, str] | None]
    erased_at: Mapped[datetime | None]
    keeps_balance: Mapped[bool] = mapped_column(server_default=false())
    merged_into: Mapped[str | None] = mapped_column(String(255))


_ADD = insertion(Customer.__table__, "ON CONFLICT (merchant_id, customer_id) DO NOTHING")
_c = Customer.__table__.c
_READ = (
    select(
        _c.customer_id,
        _c.owner_id,
        _c.first_name,
        _c.email,
        _c.folded_email,
        _c.person_id,
        _c.locale,
        _c.merged_into,
        _c.keeps_balance,
        _c.erased_at,
    )
    .where(_c.merchant_id == bindparam("merchant"), _c.customer_id.in_(bindparam("ids", expanding=True)))
    .order_by(_c.customer_id)
    .execution_options(prepared=True)
)
_LOCK = _READ.with_for_update(key_share=True)
_WITH_MAILBOX = (
    select(_c.customer_id)
    .where(_c.merchant_id == bindparam("merchant"), _c.folded_email == bindparam("mailbox"))
    .limit(bindparam("most"))
)
_OF_PERSON = select(_c.customer_id).where(_c.merchant_id == bindparam("merchant"), _c.person_id == bindparam("person"))


@dataclass(frozen=True, slots=True)
class KnownCustomer:
    """A customer as it stands; for as long as the transaction lasts, where it was read by `lock`."""

    customer_id: str
    owner_id: UUID
    first_name: str | None = None
    email: str | None = None
    folded_email: str | None = None
    person_id: UUID | None = None
    locale: str | None = None
    erased_at: datetime | None = None
    keeps_balance: bool = False
    merged_into: str | None = None

    @property
    def owner(self) -> str:
        """How the books name this customer."""
        return self.owner_id.hex


@dataclass(frozen=True, slots=True)
class CustomerFilter:
    """Which customers; None for any. folded_email: of the mailbox."""

    folded_email: str | None = None


def get(session: Session, merchant_id: UUID, customer_id: str) -> Customer | None:
    """The merchant's customer, or None."""
    return session.get(Customer, (merchant_id, customer_id), populate_existing=True)


def page(session: Session, merchant_id: UUID, which: Page, wanted: CustomerFilter) -> Sequence[Customer]:
    """The merchant's customers, newest first."""
    of_merchant = (Customer.merchant_id == merchant_id, Customer.merged_into.is_(None))
    query = matching(select(Customer).where(*of_merchant), Customer, wanted)
    return read_newest(session, Customer, query, Customer.owner_id, which, at=Customer.created_at)


def add(session: Session, merchant_id: UUID, customer_id: str, *, owner_id: UUID, created_at: datetime) -> None:
    """Make the customer known, if it is not yet."""
    unsaid = {**dict.fromkeys(_c.keys()), "keeps_balance": False}
    named = {"merchant_id": merchant_id, "customer_id": customer_id, "owner_id": owner_id, "created_at": created_at}
    session.execute(_ADD, numbered([{**unsaid, **named}]))


def known(session: Session, merchant_id: UUID, customer_ids: Iterable[str]) -> dict[str, KnownCustomer]:
    """These customers by their ids; the answer lacks those that do not exist."""
    return _those(session, _READ, merchant_id, customer_ids)


def lock(session: Session, merchant_id: UUID, customer_ids: Iterable[str]) -> dict[str, KnownCustomer]:
    """As `known`, and locks them in the global order until the transaction ends."""
    return _those(session, _LOCK, merchant_id, customer_ids)


def _those(
    session: Session, query: Select[Any], merchant_id: UUID, customer_ids: Iterable[str]
) -> dict[str, KnownCustomer]:
    ids = sorted(set(customer_ids))
    rows = session.execute(query, {"merchant": merchant_id, "ids": ids}) if ids else ()
    return {row.customer_id: KnownCustomer(**row._mapping) for row in rows}


def change(session: Session, merchant_id: UUID, customer_id: str, columns: Mapping[str, object]) -> None:
    """Set these columns of a customer that exists."""
    query = update(Customer).where(Customer.merchant_id == merchant_id, Customer.customer_id == customer_id)
    session.execute(query.values(**columns), execution_options={"synchronize_session": False})


def came_before(session: Session, merchant_id: UUID, customer_id: str, *, since: datetime) -> None:
    """Say of a customer, of whom nobody said since when they are one, that it is since then."""
    change(session, merchant_id, customer_id, {"since": func.coalesce(_c.since, since)})


def with_mailbox(session: Session, merchant_id: UUID, folded_email: str, *, most: int) -> set[str]:
    """The customers with this mailbox, at most so many."""
    return set(session.scalars(_WITH_MAILBOX, {"merchant": merchant_id, "mailbox": folded_email, "most": most}))


def of_person(session: Session, merchant_id: UUID, person_id: UUID) -> set[str]:
    """The customers who are this person."""
    return set(session.scalars(_OF_PERSON, {"merchant": merchant_id, "person": person_id}))


def all_of(session: Session, merchant_id: UUID, customer_id: str, person_id: UUID | None) -> set[str]:
    """All customers who are one with this one, who is this person."""
    return {customer_id} if person_id is None else of_person(session, merchant_id, person_id)


def make_one(
    session: Session, merchant_id: UUID, customer_ids: Iterable[str], folded_email: str, person_id: UUID | None
) -> None:
    """Say of those of these customers who have this mailbox still who they are; None for nobody but themselves."""
    query = update(Customer).where(
        Customer.merchant_id == merchant_id,
        Customer.customer_id.in_(sorted(customer_ids)),
        Customer.folded_email == folded_email,
        func.coalesce(Customer.person_id, UUID(int=0)) != (person_id or UUID(int=0)),
    )
    session.execute(query.values(person_id=person_id), execution_options={"synchronize_session": False})


def is_alone_with(session: Session, merchant_id: UUID, folded_email: str) -> bool:
    """Whether at most one customer has this mailbox."""
    return len(with_mailbox(session, merchant_id, folded_email, most=2)) < 2


def remove(session: Session, merchant_id: UUID, customer_id: str) -> None:
    """Let go of a customer to whom nothing points any more."""
    gone = delete(Customer).where(Customer.merchant_id == merchant_id, Customer.customer_id == customer_id)
    session.execute(gone, execution_options={"synchronize_session": False})


def former_ids(session: Session, merchant_id: UUID, customer_id: str) -> Sequence[str]:
    """The ids of those who became one with this customer."""
    query = select(_c.customer_id).where(_c.merchant_id == merchant_id, _c.merged_into == customer_id)
    return session.scalars(query.order_by(_c.customer_id)).all()


def merge_into(session: Session, merchant_id: UUID, before: str, after: str) -> None:
    """Say of the one customer, and of those who became one with it, that they are the other; nothing else of them."""
    c = Customer
    of_them = (c.merchant_id == merchant_id, or_(c.customer_id == before, c.merged_into == before))
    unsaid = dict.fromkeys(("first_name", "email", "folded_email", "person_id", "locale", "since", "shop_metadata"))
    merged = update(c).where(*of_them).values(merged_into=after, **unsaid)
    session.execute(merged, execution_options={"synchronize_session": False})


def former_owners(session: Session, merchant_id: UUID, customer_id: str) -> Sequence[UUID]:
    """What the books called those who became one with this customer."""
    query = select(_c.owner_id).where(_c.merchant_id == merchant_id, _c.merged_into == customer_id)
    return session.scalars(query.order_by(_c.customer_id)).all()
