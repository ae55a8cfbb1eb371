"""Customers: what the shop tells us about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import tables as storage
from service.customers.mailboxes import fold
from service.customers.tables import Customer, KnownCustomer
from service.errors import Unknown, refuse_faults
from service.ids import new_id
from service.values import LONGEST_FIRST_NAME, fault_of_locale, fault_of_name, fault_of_text


@dataclass(frozen=True, slots=True)
class Contact:
    """A customer as a checkout names them. What is None is not said, and changes nothing. Raises BadValues.

    left_out: what was said and cannot be used, and why.
    """

    customer_id: str
    first_name: str | None = None
    email: str | None = None
    locale: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def says_more(self) -> bool:
        """Whether it says anything of the customer besides who it is."""
        return any(value is not None for value in (self.first_name, self.email, self.locale))

    def __post_init__(self) -> None:
        faults = {
            "customer_id": fault_of_name(self.customer_id),
            "first_name": None if self.first_name is None else fault_of_text(self.first_name, most=LONGEST_FIRST_NAME),
            "locale": None if self.locale is None else fault_of_locale(self.locale),
        }
        refuse_faults(faults)


class ProfileFields(TypedDict, total=False):
    """What a shop says about a customer: a field that is missing is not said, None clears it."""

    first_name: str | None
    email: str | None
    locale: str | None
    since: datetime | None
    metadata: dict[str, str] | None


def put(
    session: Session, merchant_id: UUID, customer_id: str, said: ProfileFields, *, now: datetime
) -> tuple[Customer, bool]:
    """Create or update a customer; fields that are not said stay. Returns the customer, and whether they are new."""
    is_new = storage.get(session, merchant_id, customer_id) is None
    if is_new:
        storage.add(session, merchant_id, customer_id, owner_id=new_id(), created_at=now)
    storage.lock(session, merchant_id, [customer_id])
    columns: dict[str, object] = {**said}
    if "metadata" in said:
        columns["shop_metadata"] = columns.pop("metadata")
    if "email" in said:
        columns["folded_email"] = fold(said["email"]) if said["email"] else None
    if columns:
        storage.change(session, merchant_id, customer_id, columns)
    return get(session, merchant_id, customer_id), is_new


def get(session: Session, merchant_id: UUID, customer_id: str) -> Customer:
    """The merchant's customer. Raises Unknown."""
    customer = storage.get(session, merchant_id, customer_id)
    if customer is None:
        raise Unknown("customer", customer_id)
    return customer


def introduce(session: Session, merchant_id: UUID, contact: Contact, *, now: datetime) -> KnownCustomer:
    """Make sure that this customer is known as the contact says, and lock them."""
    storage.add(session, merchant_id, contact.customer_id, owner_id=new_id(), created_at=now)
    locked = storage.lock(session, merchant_id, [contact.customer_id])[contact.customer_id]
    return learn(session, merchant_id, locked, contact)


def lock(session: Session, merchant_id: UUID, customer_id: str) -> KnownCustomer:
    """The customer, locked until the transaction ends. Raises Unknown."""
    return lock_all(session, merchant_id, [customer_id])[customer_id]


def lock_all(session: Session, merchant_id: UUID, customer_ids: Sequence[str]) -> dict[str, KnownCustomer]:
    """These customers, locked until the transaction ends. Raises Unknown for one that there is not."""
    locked = storage.lock(session, merchant_id, customer_ids)
    for name in customer_ids:
        if name not in locked:
            raise Unknown("customer", name)
    return locked


def learn(session: Session, merchant_id: UUID, known: KnownCustomer, contact: Contact) -> KnownCustomer:
    """Take over what the contact says beyond what is known. Returns the customer as it is then."""
    said = {"first_name": contact.first_name, "email": contact.email, "locale": contact.locale}
    new: dict[str, Any] = {
        name: value for name, value in said.items() if value is not None and value != getattr(known, name)
    }
    if "email" in new:
        new["folded_email"] = fold(new["email"])
    if not new:
        return known
    storage.change(session, merchant_id, known.customer_id, new)
    return replace(known, **new)
