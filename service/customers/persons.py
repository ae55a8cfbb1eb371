"""Persons: all customers with one mailbox are one, so that rules look at people and not at accounts.

A customer who shares a mailbox with nobody is one by themselves, and costs nothing here. Whoever comes with a mailbox
holds it first, so that two who come with it at once see each other; then the customers are locked, in their order.
Every one of a person's customers locks the first of them too, so that two of them never act at once.
"""

import hashlib
from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import tables as storage
from service.customers.mailboxes import fold, is_nobodys

MOST_CUSTOMERS = 200
"""How many customers can be one person. A mailbox that more of them have is a till's or a marketplace's: nobody's."""


def mailbox_of(email: str | None) -> str | None:
    """The mailbox by which a person is known, or None."""
    folded = fold(email) if email else None
    return None if folded is None or is_nobodys(folded) else folded


def others(session: Session, merchant_id: UUID, mailbox: str) -> set[str]:
    """The customers with this mailbox; none where it is nobody's."""
    found = storage.with_mailbox(session, merchant_id, mailbox, most=MOST_CUSTOMERS + 1)
    return found if len(found) < MOST_CUSTOMERS else set()


def meet(session: Session, merchant_id: UUID, mailbox: str) -> set[str]:
    """As `others`, for a customer who comes with this mailbox now: no other can, until the transaction ends.

    The customer who is one too many parts those who were one.
    """
    storage.hold_mailbox(session, merchant_id, _digest(merchant_id, mailbox))
    found = storage.with_mailbox(session, merchant_id, mailbox, most=MOST_CUSTOMERS + 1)
    if len(found) < MOST_CUSTOMERS:
        return found
    if len(found) == MOST_CUSTOMERS:
        storage.make_one(session, merchant_id, found, None)
    return set()


def first(customers: Collection[str]) -> set[str]:
    """Whom of these customers to lock besides the one who acts: the first."""
    return {min(customers)} if customers else set()


def unite(session: Session, merchant_id: UUID, mailbox: str | None, met: Collection[str]) -> UUID | None:
    """The person whom a customer with this mailbox is, together with those whom they met."""
    if mailbox is None or not met:
        return None
    person_id = _digest(merchant_id, mailbox)
    storage.make_one(session, merchant_id, met, person_id)
    return person_id


def _digest(merchant_id: UUID, mailbox: str) -> UUID:
    return UUID(bytes=hashlib.sha256(merchant_id.bytes + mailbox.encode()).digest()[:16], version=5)
