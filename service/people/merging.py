"""Two customers become one: what is said of the one is said of the other, and the one's id means the other for ever.

What the two earned from each other is denied while it is pending, as nobody refers themselves; the rest is named, for
a human to look at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.conversions import merging as orders
from service.conversions.tables import people as orders_of
from service.customers import customers, known_mailboxes, persons
from service.customers import tables as storage
from service.customers.customers import current_id
from service.customers.tables import Customer, KnownCustomer
from service.database.engine import RaceLost
from service.database.writing import write_now
from service.errors import BadValues, Unknown
from service.events import events
from service.events.events import Happened
from service.events.kinds import Kind
from service.ids import new_id
from service.ledger import books
from service.ledger.books import OwnerBalance
from service.links import merging as links
from service.merchants import tables as merchants
from service.people.erasing import open_balances
from service.programs import tables as programs
from service.rewards import lots, postings, reviews, upkeep
from service.rewards.tables import merges, people, rewards
from service.rewards.tables.merges import Merge
from service.rewards.tables.rewards import Reward

NOTE = "Two customers became one, and nobody refers themselves."


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge, who the customer is then, and the rewards that the two had earned from each other: denied, and kept."""

    merge: Merge
    customer: Customer
    denied: list[Reward]
    kept: list[Reward]


def merge(session: Session, merchant_id: UUID, customer_id: str, from_id: str, *, now: datetime) -> Merged:
    """Make one customer of two: from_id means the other one from then on. Doing it again answers the same.

    Raises Unknown for either, and BadValues for a customer and themselves, or for one who was erased.
    """
    after, before = (current_id(session, merchant_id, name) for name in (customer_id, from_id))
    if after == before:
        return _again(session, merchant_id, customer_id, from_id)
    one, other = _hold(session, merchant_id, before, after)
    for customer in (one, other):
        upkeep.catch_up(session, merchant_id, customer, now=now)
    denied, kept = _between(session, merchant_id, before, after, now=now)
    made = Merge(
        merchant_id=merchant_id,
        merge_id=new_id(),
        former_id=before,
        customer_id=after,
        moved=open_balances(session, merchant_id, one),
        denied=[str(reward_id) for reward_id in denied],
        kept=[str(reward_id) for reward_id in kept],
        merged_at=now,
    )
    session.add(made)
    write_now(session)
    held = books.owner_balances(session, merchant_id, other.owner)
    paid = _paid(made, held)
    postings.merge(session, made, one.owner, other.owner, paid=paid)
    _hand_over(session, merchant_id, one, other)
    for currency, amount in paid.items():
        lots.spend(session, merchant_id, after, currency, amount)
    events.record(session, merchant_id, [Happened(Kind.CUSTOMER_MERGED, other.owner_id)], now=now)
    return _told(session, made)


def _paid(made: Merge, held: Mapping[str, OwnerBalance]) -> dict[str, int]:
    """currency -> what the one of two now pays of what they owe together, in minor units. held: by the other one."""
    paid = {}
    for moved in made.moved:
        of_other = held.get(moved["currency"], OwnerBalance(moved["currency"]))
        paid[moved["currency"]] = min(of_other.available + moved["available"], of_other.owed + moved["owed"])
    return {currency: amount for currency, amount in paid.items() if amount}


def _again(session: Session, merchant_id: UUID, customer_id: str, from_id: str) -> Merged:
    """What was answered when the two became one, or one with a third."""
    if customer_id == from_id:
        raise BadValues({"from": "It is the same customer."})
    made = merges.last_of(session, merchant_id, from_id) or merges.last_of(session, merchant_id, customer_id)
    if made is None:
        raise Unknown("customer", from_id)
    return _told(session, made)


def _told(session: Session, made: Merge) -> Merged:
    customer = customers.get(session, made.merchant_id, made.customer_id)
    denied, kept = (
        [one for reward_id in ids if (one := rewards.get(session, made.merchant_id, UUID(reward_id)))]
        for ids in (made.denied, made.kept)
    )
    return Merged(made, customer, denied, kept)


def _hold(session: Session, merchant_id: UUID, before: str, after: str) -> tuple[KnownCustomer, KnownCustomer]:
    """Both, locked, while nobody comes with the mailbox of either. Raises Unknown, BadValues and RaceLost."""
    seen = storage.known(session, merchant_id, [before, after])
    for name in (after, before):
        if name not in seen:
            raise Unknown("customer", name)
        if seen[name].erased_at is not None:
            raise BadValues({"from": f"{name} was erased."})
    merchant = merchants.get(session, merchant_id)
    mailboxes = {known.folded_email for known in seen.values() if known.folded_email}
    for mailbox_id in sorted(persons.mailbox_id_of(merchant, mailbox) for mailbox in mailboxes):
        known_mailboxes.hold(session, merchant_id, mailbox_id)
    locked = storage.lock(session, merchant_id, [before, after])
    if locked != seen:
        raise RaceLost
    return locked[before], locked[after]


def _between(
    session: Session, merchant_id: UUID, before: str, after: str, *, now: datetime
) -> tuple[list[UUID], list[UUID]]:
    """The rewards that the two earned from each other: those that are denied now, and those that were not pending."""
    denied, kept = [], []
    for reward in rewards.of_conversions(session, merchant_id, orders_of.between(session, merchant_id, before, after)):
        if reward.status == "pending":
            reviews.deny(session, merchant_id, reward.reward_id, note=NOTE, now=now)
            denied.append(reward.reward_id)
        elif reward.status in ("available", "lapsed"):
            kept.append(reward.reward_id)
    write_now(session)
    return denied, kept


def _hand_over(session: Session, merchant_id: UUID, one: KnownCustomer, other: KnownCustomer) -> None:
    before, after = one.customer_id, other.customer_id
    links.merge(session, merchant_id, before, after)
    orders.merge(session, merchant_id, before, after)
    concerned = people.Concerned(programs.ids(session, merchant_id), orders_of.ordered_by(merchant_id, after))
    people.hand_over(session, merchant_id, before, after, concerned)
    said = {row.customer_id: row for row in _both(session, merchant_id, before, after)}
    columns = _united(said[before], said[after])
    storage.merge_into(session, merchant_id, before, after)
    storage.change(session, merchant_id, after, columns)
    session.expire_all()


def _both(session: Session, merchant_id: UUID, before: str, after: str) -> list[Customer]:
    query = select(Customer).where(Customer.merchant_id == merchant_id, Customer.customer_id.in_((before, after)))
    return list(session.scalars(query, execution_options={"populate_existing": True}))


def _united(one: Customer, other: Customer) -> dict[str, Any]:
    """What is said of both together: what the other one lacks is taken over, and the earliest time of either."""
    columns: dict[str, Any] = {
        name: getattr(one, name)
        for name in ("first_name", "locale")
        if getattr(other, name) is None and getattr(one, name) is not None
    }
    if other.email is None and one.email is not None:
        columns |= {"email": one.email, "folded_email": one.folded_email, "person_id": one.person_id}
    columns["since"] = min((since for since in (one.since, other.since) if since is not None), default=None)
    columns["shop_metadata"] = {**(one.shop_metadata or {}), **(other.shop_metadata or {})} or None
    return columns
