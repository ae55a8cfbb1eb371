"""What is seen of an order before any lock is taken, whom it concerns, and their locks.

A person with several customers costs another look; a plain order takes one. Whoever acts locks the first of a person's
customers too, and what was seen before is refused where it changed meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from service.conversions.looks import OF_ONE, OF_SEVERAL, Looks
from service.customers import persons
from service.customers import tables as customers
from service.customers.customers import Contact
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.links.evidence import CodeEvidence, Evidence
from service.merchants import tables as merchants


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is known before any lock is taken: enough to tell a replay, and whom to lock.

    friends: all customers who are the friend. advocates: the same of each advocate concerned, where there are several.
    met: with whom the friend will be one person from now on; None where what is said of them changes nothing of that.
    """

    conversion_id: UUID | None
    friend_is_known: bool
    friend_email: str | None
    friend_mailbox: str | None
    friend_person_id: UUID | None
    link_person_id: UUID | None
    referral_person_id: UUID | None
    referral_friend_id: str | None
    referral_advocate_id: str | None
    referral_program_id: UUID | None
    referral_link_id: UUID | None
    link_id: UUID | None
    link_advocate_id: str | None
    link_program_id: UUID | None
    friends: frozenset[str] = frozenset()
    advocates: Mapping[str, frozenset[str]] = field(default_factory=dict)
    met: frozenset[str] | None = None

    def referral(self, *, is_newcomer: bool) -> tuple[str | None, UUID | None, UUID | None]:
        """(advocate, program, link) of the referral that the friend has, or else of the one that came.

        is_newcomer: of the one that came, whether or not there is another.
        """
        if self.referral_advocate_id is not None and not is_newcomer:
            return self.referral_advocate_id, self.referral_program_id, self.referral_link_id
        return self.link_advocate_id, self.link_program_id, self.link_id

    @property
    def person_ids(self) -> dict[str, UUID | None]:
        """advocate -> the person who they are with others, of those who may be concerned besides the friend.

        That is the advocate who brought them, and the one whose token came.
        """
        of = {self.referral_advocate_id: self.referral_person_id, self.link_advocate_id: self.link_person_id}
        return {name: person_id for name, person_id in of.items() if name is not None}

    @property
    def has_company(self) -> bool:
        """Whether somebody concerned is a person with several customers."""
        return len(self.friends) > 1 or bool(self.advocates)

    def all_of(self, advocate_id: str) -> frozenset[str]:
        """All customers who are this advocate."""
        return self.advocates.get(advocate_id, frozenset({advocate_id}))

    @property
    def concerned(self) -> set[str]:
        """Whom to lock besides the friend."""
        firsts = (persons.first(group) for group in (self.friends, self.met or (), *self.advocates.values()))
        return set(self.person_ids).union(*firsts)

    def refuse_changed(self, friend: KnownCustomer | None, people: Mapping[str, KnownCustomer]) -> None:
        """Raise RaceLost where somebody, who is locked now, became another person since, ahead of what they learn."""
        of = {name: people[name].person_id for name in self.person_ids}
        if of != self.person_ids or (friend and (friend.person_id, friend.folded_email) != self._friend):
            raise RaceLost

    @property
    def _friend(self) -> tuple[UUID | None, str | None]:
        return self.friend_person_id, self.friend_mailbox


def glimpse(
    session: Session,
    merchant_id: UUID,
    evidence: Evidence | None,
    *,
    order_id: str | None,
    friend: Contact | None,
    is_told: bool = False,
) -> Glimpse:
    """What is known of the order, its customer and the referral that came with it. Locks no customer.

    is_told: the order is to be recorded, so that what it says of the friend will hold from now on.
    """
    keys: dict[str, Any] = {
        "merchant": merchant_id,
        "order": order_id,
        "friend": friend.customer_id if friend else None,
    }
    seen = Glimpse(**_look(session, OF_ONE, merchant_id, evidence, keys)._mapping)
    if seen.conversion_id is not None:
        return seen
    friends, met = _friends(session, merchant_id, friend, seen, is_told=is_told)
    if len(friends) > 1:
        row = _look(session, OF_SEVERAL, merchant_id, evidence, {**keys, "friends": sorted(friends)})
        seen = Glimpse(**row._mapping)
    accounts = {
        name: frozenset(customers.of_person(session, merchant_id, person_id))
        for name, person_id in seen.person_ids.items()
        if person_id is not None
    }
    return replace(seen, friends=friends, advocates=accounts, met=met)


def _look(
    session: Session, looks: Looks, merchant_id: UUID, evidence: Evidence | None, keys: Mapping[str, Any]
) -> Row[Any]:
    if isinstance(evidence, CodeEvidence):
        named = None if evidence.slug is None else merchants.of_slug(session, evidence.slug)
        is_ours = named in (None, merchant_id)  # what nobody is called names no other shop
        return session.execute(looks.by_code, {**keys, "code": evidence.folded_code if is_ours else None}).one()
    return session.execute(looks.by_link, {**keys, "link": evidence.link_id if evidence else None}).one()


def _friends(
    session: Session, merchant_id: UUID, friend: Contact | None, seen: Glimpse, *, is_told: bool
) -> tuple[frozenset[str], frozenset[str] | None]:
    """(all customers who are the friend by what is said of them now, with whom they become one)"""
    if friend is None:
        return frozenset(), None
    themselves = frozenset({friend.customer_id})
    mailbox = persons.mailbox_of(friend.email) if friend.email not in (None, seen.friend_email) else None
    if mailbox is not None and mailbox != seen.friend_mailbox:
        meet = persons.meet if is_told else persons.others
        met = frozenset(meet(session, merchant_id, mailbox))
        return themselves | met, met
    if friend.email is not None and mailbox is None and friend.email != seen.friend_email:
        return themselves, None  # they come with a mailbox that is nobody's
    if seen.friend_person_id is None:
        return themselves, None
    return themselves | customers.of_person(session, merchant_id, seen.friend_person_id), None


def lock(session: Session, merchant_id: UUID, seen: Glimpse, friend_id: str | None = None) -> dict[str, KnownCustomer]:
    """Everybody whom what was seen concerns, locked, and the friend. Raises RaceLost where they changed meanwhile."""
    people = customers.lock(session, merchant_id, seen.concerned | ({friend_id} if friend_id else set()))
    seen.refuse_changed(people[friend_id] if friend_id else None, people)
    return people


def refuse_newcomers(session: Session, merchant_id: UUID, seen: Glimpse, friend: KnownCustomer | None) -> None:
    """Raise RaceLost where others became one of the persons concerned before their first customer was locked.

    friend: as they are after what the order says of them.
    """
    if not seen.has_company:
        return
    groups = {person_id: seen.all_of(name) for name, person_id in seen.person_ids.items()}
    groups[friend.person_id if friend else None] = seen.friends
    for person_id, group in groups.items():
        if person_id is not None and customers.of_person(session, merchant_id, person_id) != group:
            raise RaceLost
