"""Erasure: nothing tells any more who somebody was, while the books, the statistics and other people's rewards stay.

The customer gets a name of ours, in one transaction with everything that was said of them. What a receipt says is the
same for ever; the id, of which only a digest stays, is free for whoever comes with it next.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import forgetting as orders
from service.conversions.tables import conversions
from service.customers import known_mailboxes, persons
from service.customers import tables as customers
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.database.writing import write_now
from service.errors import Unknown
from service.events import events
from service.events.events import Happened
from service.events.kinds import Kind
from service.ids import new_id
from service.ledger import books
from service.links import forgetting as links
from service.merchants import tables as merchants
from service.merchants.tables import Merchant
from service.privacy import tables as storage
from service.privacy.tables import BalanceChoice, Erasure
from service.programs import tables as programs
from service.rewards import adjustments, redemptions, upkeep
from service.rewards.adjustments import NewAdjustment
from service.rewards.tables import people
from service.rewards.tables import redemptions as reservations
from service.web import answers

LAPSED, WRITTEN_OFF = "Lapsed with an erasure", "Written off with an erasure"
_NAME = re.compile(r"erased-([0-9a-f]{32})")
Forgetter = Callable[[Session, UUID, Collection[UUID]], None]
"""forget(session, merchant, links): takes away what else is kept of these links, which have ended."""


@dataclass(frozen=True, slots=True)
class Erased:
    """An erasure, and which links ended by it: what is remembered of them elsewhere is to be forgotten too."""

    erasure: Erasure
    link_ids: Collection[UUID] = ()


def name_of(erasure_id: UUID) -> str:
    """The customer's id after an erasure."""
    return f"erased-{erasure_id.hex}"


def erase(
    session: Session,
    merchant_id: UUID,
    customer_id: str,
    *,
    balance: BalanceChoice,
    also: Sequence[Forgetter] = (),
    now: datetime,
) -> Erased:
    """Forget a customer. Doing it again answers the same.

    balance: whether what is open of theirs lapses, debts too, or stays in the books. also: what others do for it.
    Raises Unknown.
    """
    merchant = merchants.get(session, merchant_id)
    customer = _hold(session, merchant, customer_id)
    if customer is None or customer.erased_at is not None:
        return Erased(_before(session, merchant, customer_id))
    upkeep.catch_up(session, merchant_id, customer, now=now)
    erasure = Erasure(
        merchant_id=merchant_id,
        customer_digest=_digest(merchant, customer_id),
        erasure_id=new_id(),
        erased_at=now,
        balance=balance,
        balances=_open(session, merchant_id, customer),
    )
    people.forget_texts(session, merchant_id, customer_id, note=orders.ERASED)
    if balance == "lapse":
        _end(session, merchant_id, customer, now=now)
    link_ids = _forget(session, merchant, customer, name_of(erasure.erasure_id), now=now)
    for forget in also:
        forget(session, merchant_id, link_ids)
    session.add(erasure)
    erased = Happened(Kind.CUSTOMER_ERASED, customer.owner_id)
    events.record(session, merchant_id, [erased], now=now)
    return Erased(erasure, link_ids)


def _hold(session: Session, merchant: Merchant, customer_id: str) -> KnownCustomer | None:
    """The customer, locked, and nobody else comes with their mailbox meanwhile; None for nobody. Raises RaceLost."""
    merchant_id = merchant.merchant_id
    seen = customers.known(session, merchant_id, [customer_id]).get(customer_id)
    if seen is None:
        return None
    if seen.folded_email is not None:
        known_mailboxes.hold(session, merchant_id, persons.mailbox_id_of(merchant, seen.folded_email))
    locked = customers.lock(session, merchant_id, [customer_id]).get(customer_id)
    if locked is None or locked.folded_email != seen.folded_email:
        raise RaceLost
    return locked


def _before(session: Session, merchant: Merchant, customer_id: str) -> Erasure:
    """What a customer was answered with who is erased already, by the id of before or the one since. Raises Unknown."""
    erasure = storage.last_of(session, merchant.merchant_id, _digest(merchant, customer_id))
    if erasure is None and (named := _NAME.fullmatch(customer_id)):
        erasure = storage.get(session, merchant.merchant_id, UUID(named[1]))
    if erasure is None:
        raise Unknown("customer", customer_id)
    return erasure


def _digest(merchant: Merchant, customer_id: str) -> bytes:
    return merchant.keyed(f"customer:{customer_id}")


def _open(session: Session, merchant_id: UUID, customer: KnownCustomer) -> list[dict[str, Any]]:
    """What is open of the customer's balance, in minor units."""
    return [
        {
            "currency": currency,
            "pending": held.pending,
            "available": held.available,
            "reserved": held.reserved,
            "owed": held.owed,
        }
        for currency, held in sorted(books.owner_balances(session, merchant_id, customer.owner).items())
        if held.pending or held.available or held.reserved or held.owed
    ]


def _end(session: Session, merchant_id: UUID, customer: KnownCustomer, *, now: datetime) -> None:
    """Let everything lapse: what is set aside is given back first, what is not ripe lapses as soon as it is."""
    for redemption_id in reservations.reserved_of(session, merchant_id, customer.customer_id):
        redemptions.void(session, merchant_id, redemption_id, now=now)
    write_now(session)
    people.end_all(session, merchant_id, customer.customer_id, now=now)
    session.expire_all()
    upkeep.catch_up(session, merchant_id, customer, now=now)
    # goodwill has no time that could be over, and debts have no reward to come that would pay them
    for currency, held in sorted(books.owner_balances(session, merchant_id, customer.owner).items()):
        if held.available:
            taken = NewAdjustment(customer.customer_id, "debit", held.available, currency, LAPSED)
            adjustments.adjust(session, merchant_id, taken, now=now)
        if held.owed:
            waived = NewAdjustment(customer.customer_id, "credit", held.owed, currency, WRITTEN_OFF)
            adjustments.adjust(session, merchant_id, waived, now=now)
    write_now(session)


def _forget(
    session: Session, merchant: Merchant, customer: KnownCustomer, name: str, *, now: datetime
) -> Collection[UUID]:
    """Give the customer this name everywhere, and take away all that was said of them. Returns their links."""
    merchant_id, before = merchant.merchant_id, customer.customer_id
    made = customers.get(session, merchant_id, before)
    assert made is not None
    # the books' name of the customer is free for the new row once the old one is gone, and that one only when nothing
    # points to it any more
    customers.add(session, merchant_id, name, owner_id=new_id(), created_at=made.created_at)
    forgotten = links.forget(session, merchant, before, name, now=now)
    orders.forget(session, merchant_id, before, name, codes=forgotten.codes)
    people.hand_over(
        session,
        merchant_id,
        before,
        name,
        programs=programs.ids(session, merchant_id),
        orders=conversions.ordered_by(merchant_id, name),
    )
    if customer.folded_email is not None:
        _forget_mailbox(session, merchant, customer.folded_email, now=now)
    customers.remove(session, merchant_id, before)
    customers.change(session, merchant_id, name, {"owner_id": customer.owner_id, "erased_at": now})
    said = (before, customer.email, *forgotten.shown_codes)
    answers.forget_those_with(session, merchant_id, [text for text in said if text])
    return forgotten.link_ids


def _forget_mailbox(session: Session, merchant: Merchant, folded_email: str, *, now: datetime) -> None:
    """Forget the mailbox, where nobody else has it; remember a digest, where the merchant wants to."""
    if customers.is_alone_with(session, merchant.merchant_id, folded_email):
        mailbox_id = persons.mailbox_id_of(merchant, folded_email)
        remembered_at = now if merchant.remembers_erased else None
        known_mailboxes.forget(session, merchant.merchant_id, mailbox_id, erased_at=remembered_at)
