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

from sqlalchemy import text
from sqlalchemy.orm import Session

from service.conversions import forgetting as orders
from service.conversions.tables import people as orders_of
from service.customers import known_mailboxes, persons
from service.customers import tables as customers
from service.customers.customers import current_id
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
from service.people import tables as storage
from service.people.tables import BalanceChoice, Erasure
from service.programs import tables as programs
from service.rewards import redemptions, upkeep
from service.rewards.tables import people
from service.rewards.tables import redemptions as reservations
from service.web import answers

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
    customer_id = current_id(session, merchant_id, customer_id)
    customer = _hold(session, merchant, customer_id)
    if customer is None or customer.erased_at is not None:
        return Erased(_before(session, merchant, customer_id))
    _take_time(session)
    upkeep.catch_up(session, merchant_id, customer, now=now)
    erasure = Erasure(
        merchant_id=merchant_id,
        customer_digest=_digest(merchant, customer_id),
        erasure_id=new_id(),
        erased_at=now,
        balance=balance,
        balances=open_balances(session, merchant_id, customer),
    )
    former = customers.former_ids(session, merchant_id, customer_id)
    link_ids = _forget(session, merchant, customer, former, erasure, now=now)
    for forget in also:
        forget(session, merchant_id, link_ids)
    if balance == "lapse":
        _end(session, merchant_id, name_of(erasure.erasure_id), now=now)
    session.add_all([erasure, *_of_former(merchant, erasure, former)])
    erased = Happened(Kind.CUSTOMER_ERASED, customer.owner_id)
    events.record(session, merchant_id, [erased], now=now)
    return Erased(erasure, link_ids)


def _take_time(session: Session) -> None:
    """All orders are looked at: as long as that takes, since somebody who asks again would wait as long."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL statement_timeout = 0"))


def _hold(session: Session, merchant: Merchant, customer_id: str) -> KnownCustomer | None:
    """The customer, locked, and nobody else comes with their mailbox meanwhile; None for nobody. Raises RaceLost."""
    merchant_id = merchant.merchant_id
    seen = customers.known(session, merchant_id, [customer_id]).get(customer_id)
    if seen is None:
        return None
    if seen.folded_email is not None:
        known_mailboxes.hold(session, merchant_id, persons.mailbox_id_of(merchant, seen.folded_email))
    locked = customers.lock(session, merchant_id, [customer_id]).get(customer_id)
    if locked is None or locked.merged_into is not None or locked.folded_email != seen.folded_email:
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


def _of_former(merchant: Merchant, erasure: Erasure, former: Sequence[str]) -> list[Erasure]:
    """The same receipt, for those who ask with an id of before."""
    return [
        Erasure(
            merchant_id=erasure.merchant_id,
            customer_digest=_digest(merchant, former_id),
            erasure_id=erasure.erasure_id,
            erased_at=erasure.erased_at,
            balance=erasure.balance,
            balances=erasure.balances,
        )
        for former_id in former
    ]


def _digest(merchant: Merchant, customer_id: str) -> bytes:
    return merchant.keyed(f"customer:{customer_id}")


def open_balances(session: Session, merchant_id: UUID, customer: KnownCustomer) -> list[dict[str, Any]]:
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


def _end(session: Session, merchant_id: UUID, name: str, *, now: datetime) -> None:
    """Let everything lapse: what is set aside is given back first, what is not ripe lapses as soon as it is.

    Under the new name, and last of all: it books on the merchant's accounts, for which others wait.
    """
    for redemption_id in reservations.reserved_of(session, merchant_id, name):
        redemptions.void(session, merchant_id, redemption_id, now=now)
    write_now(session)
    people.end_all(session, merchant_id, name, now=now)
    session.expire_all()
    upkeep.catch_up_at_once(session, merchant_id, customers.lock(session, merchant_id, [name])[name], now=now)
    write_now(session)


def _forget(
    session: Session,
    merchant: Merchant,
    customer: KnownCustomer,
    former: Sequence[str],
    erasure: Erasure,
    *,
    now: datetime,
) -> Collection[UUID]:
    """Give the customer another name everywhere, and take away all that was said of them. Returns their links.

    former: the ids of those who had become one with them.
    """
    merchant_id, before, name = merchant.merchant_id, customer.customer_id, name_of(erasure.erasure_id)
    made = customers.get(session, merchant_id, before)
    assert made is not None
    # the books' name of the customer is free for the new row once the old one is gone, and that one only when nothing
    # points to it any more
    customers.add(session, merchant_id, name, owner_id=new_id(), created_at=made.created_at)
    forgotten = links.forget(session, merchant, before, name, now=now)
    orders.forget(session, merchant_id, before, name, codes=forgotten.codes)
    concerned = people.Concerned(programs.ids(session, merchant_id), orders_of.ordered_by(merchant_id, name))
    people.hand_over(session, merchant_id, before, name, concerned)
    people.forget_texts(session, merchant_id, name, concerned, note=orders.ERASED)
    people.forget_former_ids(session, merchant_id, name)
    if customer.folded_email is not None:
        _forget_mailbox(session, merchant, customer.folded_email, now=now)
    for former_id in former:
        customers.remove(session, merchant_id, former_id)
    customers.remove(session, merchant_id, before)
    keeps = {"keeps_balance": erasure.balance == "keep"}
    customers.change(session, merchant_id, name, {"owner_id": customer.owner_id, "erased_at": now, **keeps})
    said = [("_id", one) for one in (before, *former)]
    said += [("email", customer.email)] if customer.email else []
    said += [("code", code) for code in forgotten.shown_codes]
    answers.forget_those_with(session, merchant_id, said)
    return forgotten.link_ids


def _forget_mailbox(session: Session, merchant: Merchant, folded_email: str, *, now: datetime) -> None:
    """Forget the mailbox, where nobody else has it; remember a digest, where the merchant wants to."""
    if customers.is_alone_with(session, merchant.merchant_id, folded_email):
        mailbox_id = persons.mailbox_id_of(merchant, folded_email)
        remembered_at = now if merchant.remembers_erased else None
        known_mailboxes.forget(session, merchant.merchant_id, mailbox_id, erased_at=remembered_at)
