"""Persons: all customers with one mailbox are one, so that rules look at people and not at accounts.

A customer who shares a mailbox with nobody is one by themselves, and costs nothing here. Whoever comes with a mailbox
holds it first, so that two who come with it at once see each other; then the customers are locked, in their order: all
whom they join, so that these are one from then on. An order of one of them locks the first of them too, so that two
orders of one person are judged one after the other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.customers import known_mailboxes
from service.customers import tables as storage
from service.customers.mailboxes import fold, is_nobodys
from service.merchants import tables as merchants
from service.merchants.tables import Merchant

MOST_CUSTOMERS = 200
"""How many customers can be one person. A mailbox that more of them had is a till's or a marketplace's: nobody's."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """That a customer comes with another mailbox than before.

    mailbox: None where it is nobody's. mailbox_id: its name. others: who has it already. erased_at: when somebody with
    it was erased, of which the merchant wants to know this much.
    """

    mailbox: str | None = None
    mailbox_id: UUID | None = None
    others: frozenset[str] = frozenset()
    erased_at: datetime | None = None


def mailbox_of(session: Session, merchant_id: UUID, email: str | None) -> str | None:
    """The mailbox by which a guest is known; None where there is none, or it is nobody's."""
    folded = fold(email) if email else None
    if folded is None or is_nobodys(folded):
        return None
    mailbox_id = mailbox_id_of(merchants.get(session, merchant_id), folded)
    return None if known_mailboxes.get(session, merchant_id, mailbox_id).is_shared else folded


def meet(
    session: Session, merchant_id: UUID, email: str | None, *, before: tuple[str | None, str | None], is_told: bool
) -> Meeting | None:
    """Whom a customer meets who comes with this e-mail; None where nothing changes by it.

    before: (e-mail, mailbox) as known so far. is_told: it will hold from now on, and nobody else can come with that
    mailbox until the transaction ends.
    """
    if email is None or email == before[0]:
        return None
    mailbox = fold(email)
    if mailbox == before[1]:
        return None
    if is_nobodys(mailbox):
        return Meeting()
    mailbox_id = mailbox_id_of(merchants.get(session, merchant_id), mailbox)
    look = known_mailboxes.hold if is_told else known_mailboxes.get
    known = look(session, merchant_id, mailbox_id)
    if known.is_shared:
        return Meeting()
    others = storage.with_mailbox(session, merchant_id, mailbox, most=MOST_CUSTOMERS)
    if len(others) < MOST_CUSTOMERS:
        return Meeting(mailbox, mailbox_id, frozenset(others), known.erased_at)
    if is_told:
        known_mailboxes.share(session, merchant_id, mailbox_id)
        storage.lock(session, merchant_id, others)  # out of the order of locks, once in the life of a mailbox
        storage.make_one(session, merchant_id, others, mailbox, None)
    return Meeting()


def first(customers: Collection[str]) -> set[str]:
    """Whom of these customers to lock besides the one who acts: the first."""
    return {min(customers)} if customers else set()


def unite(session: Session, merchant_id: UUID, meeting: Meeting) -> UUID | None:
    """The person whom a customer is from then on, together with those whom they met, who are locked."""
    if meeting.mailbox is None or not meeting.others:
        return None
    storage.make_one(session, merchant_id, meeting.others, meeting.mailbox, meeting.mailbox_id)
    return meeting.mailbox_id


def mailbox_id_of(merchant: Merchant, mailbox: str) -> UUID:
    """The name of a mailbox, and of the person who are all customers with it."""
    return UUID(bytes=merchant.keyed(f"mailbox:{mailbox}")[:16], version=5)
