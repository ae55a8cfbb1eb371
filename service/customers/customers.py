"""Customers: what the shop tells us about them."""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import persons
from service.customers import tables as storage
from service.customers.contacts import Buyer, Contact, ProfileFields
from service.customers.mailboxes import fold
from service.customers.persons import Meeting
from service.customers.tables import Customer, KnownCustomer
from service.database.engine import RaceLost
from service.errors import Unknown
from service.ids import new_id
from service.merchants import tables as merchants

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

GUEST_BYTES = 15
"""Of the digest by which a guest is named: enough that no two mailboxes share one."""


def put(
    session: Session, merchant_id: UUID, customer_id: str, said: ProfileFields, *, now: datetime
) -> tuple[Customer, bool]:
    """Create or update a customer; fields that are not said stay. Returns the customer, and whether they are new.

    Raises Unknown for one who was erased.
    """
    customer_id = current_id(session, merchant_id, customer_id)
    seen = storage.known(session, merchant_id, [customer_id]).get(customer_id)
    if seen is not None and seen.erased_at is not None:
        raise Unknown("customer", customer_id)
    known, meeting = _lock_meeting(session, merchant_id, customer_id, seen, said.get("email"), now=now)
    columns: dict[str, object] = {**said}
    if "metadata" in said:
        columns["shop_metadata"] = columns.pop("metadata")
    if "email" in said and said["email"] is None:
        meeting = Meeting()
    columns |= _of_meeting(session, merchant_id, said.get("email"), meeting)
    if columns:
        storage.change(session, merchant_id, known.customer_id, columns)
    _greet_again(session, merchant_id, known, meeting)
    return get(session, merchant_id, customer_id), seen is None


def get(session: Session, merchant_id: UUID, customer_id: str) -> Customer:
    """The merchant's customer, also by an id of before they became one with another. Raises Unknown."""
    customer = storage.get(session, merchant_id, customer_id)
    if customer is not None and customer.merged_into is not None:
        customer = storage.get(session, merchant_id, customer.merged_into)
    if customer is None:
        raise Unknown("customer", customer_id)
    return customer


def current_id(session: Session, merchant_id: UUID, customer_id: str) -> str:
    """The id of the customer whom this id means: another one where two became one. An unknown one means itself."""
    known = storage.known(session, merchant_id, [customer_id]).get(customer_id)
    return known.merged_into or customer_id if known else customer_id


Wanted = TypeVar("Wanted", bound="DataclassInstance")


def meant(session: Session, merchant_id: UUID, wanted: Wanted) -> Wanted:
    """What is wanted of a list, with customers by the ids that mean them now."""
    said = {name: getattr(wanted, name, None) for name in ("customer_id", "advocate_id")}
    return replace(wanted, **{name: current_id(session, merchant_id, of) for name, of in said.items() if of})


def contact_of(session: Session, merchant_id: UUID, buyer: Buyer) -> Contact | None:
    """Who orders, by an id: a guest has one of their mailbox, always the same. None where nobody can say who it is."""
    if isinstance(buyer, Contact):
        return buyer
    mailbox = persons.mailbox_of(session, merchant_id, buyer.email)
    if mailbox is None:
        return None
    key = merchants.get(session, merchant_id).guest_key
    return Contact(guest_id(key, mailbox), buyer.first_name, buyer.email, buyer.locale, buyer.left_out)


def guest_id(guest_key: bytes, mailbox: str) -> str:
    """The id of a guest with this mailbox, which tells nobody what it is."""
    return (
        f"guest-{base64.b32encode(hmac.digest(guest_key, mailbox.encode(), 'sha256')[:GUEST_BYTES]).decode().lower()}"
    )


def introduce(session: Session, merchant_id: UUID, contact: Contact, *, now: datetime) -> KnownCustomer:
    """Make sure that this customer is known as the contact says, and lock them."""
    seen = storage.known(session, merchant_id, [contact.customer_id]).get(contact.customer_id)
    if seen is not None and seen.merged_into is not None:
        seen = storage.known(session, merchant_id, [seen.merged_into])[seen.merged_into]
    customer_id = seen.customer_id if seen else contact.customer_id
    known, meeting = _lock_meeting(session, merchant_id, customer_id, seen, contact.email, now=now)
    return learn(session, merchant_id, known, contact, meeting)


def lock(session: Session, merchant_id: UUID, customer_id: str) -> KnownCustomer:
    """The customer, locked until the transaction ends. Raises Unknown."""
    return lock_all(session, merchant_id, [customer_id])[customer_id]


def lock_again(session: Session, merchant_id: UUID, customer_id: str) -> KnownCustomer:
    """As `lock`, for whom something names that is stored. Raises RaceLost where they got another name meanwhile."""
    locked = storage.lock(session, merchant_id, [customer_id]).get(customer_id)
    if locked is None or locked.merged_into is not None:
        raise RaceLost
    return locked


def lock_all(session: Session, merchant_id: UUID, customer_ids: Sequence[str]) -> dict[str, KnownCustomer]:
    """These customers by these ids, locked until the transaction ends. Raises Unknown for one that there is not.

    An id of before two became one is the other's.
    """
    locked = storage.lock(session, merchant_id, customer_ids)
    if former := {name: known.merged_into for name, known in locked.items() if known.merged_into}:
        now = storage.lock(session, merchant_id, {former.get(name, name) for name in customer_ids})
        locked = {name: now[former.get(name, name)] for name in locked}
    for name in customer_ids:
        if name not in locked:
            raise Unknown("customer", name)
    return locked


def learn(
    session: Session, merchant_id: UUID, known: KnownCustomer, contact: Contact, meeting: Meeting | None
) -> KnownCustomer:
    """Take over what the contact says beyond what is known. Returns the customer as it is then.

    meeting: whom they meet by the e-mail that is said, who are locked too.
    """
    if known.erased_at is not None:
        return known  # whoever they were, nothing is learned of them any more
    said = {"first_name": contact.first_name, "email": contact.email, "locale": contact.locale}
    new: dict[str, Any] = {
        name: value for name, value in said.items() if value is not None and value != getattr(known, name)
    }
    new |= _of_meeting(session, merchant_id, contact.email, meeting)
    if not new:
        return known
    storage.change(session, merchant_id, known.customer_id, new)
    _greet_again(session, merchant_id, known, meeting)
    return replace(known, **new)


def _greet_again(session: Session, merchant_id: UUID, known: KnownCustomer, meeting: Meeting | None) -> None:
    """Who was erased and comes back is no new customer, where the merchant wants to know this much."""
    if meeting is not None and meeting.erased_at is not None:
        storage.came_before(session, merchant_id, known.customer_id, since=meeting.erased_at)


def _of_meeting(session: Session, merchant_id: UUID, email: str | None, meeting: Meeting | None) -> dict[str, Any]:
    """The columns that follow from another mailbox."""
    if meeting is None:
        return {}
    folded = fold(email) if email else None
    return {"folded_email": folded, "person_id": persons.unite(session, merchant_id, meeting)}


def _lock_meeting(
    session: Session,
    merchant_id: UUID,
    customer_id: str,
    seen: KnownCustomer | None,
    email: str | None,
    *,
    now: datetime,
) -> tuple[KnownCustomer, Meeting | None]:
    """The customer, made known if need be and locked together with those whom they meet. Raises RaceLost."""
    before = (seen.email, seen.folded_email) if seen else (None, None)
    meeting = persons.meet(session, merchant_id, email, before=before, is_told=True)
    if seen is None:
        storage.add(session, merchant_id, customer_id, owner_id=new_id(), created_at=now)
    people = storage.lock(session, merchant_id, {customer_id, *(meeting.others if meeting else ())})
    known = people.get(customer_id)
    if known is None:
        raise RaceLost  # they were erased while we waited
    if (known.email, known.folded_email) != before or known.merged_into is not None:
        raise RaceLost  # they came with another e-mail, or became one with somebody, while we waited
    return known, meeting
