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

from service.conversions.looks import NOBODY, NOTHING, OF_ONE, OF_SEVERAL, Looks
from service.customers import persons
from service.customers import tables as customers
from service.customers.contacts import Contact
from service.customers.persons import Meeting
from service.customers.tables import KnownCustomer
from service.database.engine import RaceLost
from service.links.evidence import CodeEvidence, Evidence
from service.merchants import tables as merchants


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is known before any lock is taken: enough to tell a replay, and whom to lock.

    friend: as the order says it, by the id that means them now. friends: all customers who are the friend.
    advocates: the same of each advocate who is a person with others.
    meeting: whom the friend meets by what is said of them now; None where that changes nothing.
    """

    conversion_id: UUID | None
    friend_is_known: bool
    friend_email: str | None
    friend_mailbox: str | None
    friend_person_id: UUID | None
    friend_merged_into: str | None
    link_person_id: UUID | None
    referral_person_id: UUID | None
    referral_advocate_id: str | None
    referral_program_id: UUID | None
    referral_link_id: UUID | None
    link_id: UUID | None
    link_advocate_id: str | None
    link_program_id: UUID | None
    friend: Contact | None = None
    friends: frozenset[str] = frozenset()
    advocates: Mapping[str, frozenset[str]] = field(default_factory=dict)
    meeting: Meeting | None = None

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
        """Whether somebody concerned is, was or becomes a person with several customers."""
        return len(self.friends) > 1 or bool(self.advocates) or self.friend_person_id is not None

    def all_of(self, advocate_id: str) -> frozenset[str]:
        """All customers who are this advocate."""
        return self.advocates.get(advocate_id, frozenset({advocate_id}))

    @property
    def concerned(self) -> set[str]:
        """Whom to lock besides the friend."""
        met = self.meeting.others if self.meeting else ()
        return set(self.person_ids).union(
            met, *(persons.first(one) for one in (self.friends, *self.advocates.values()))
        )

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
    """What is known of the order, its customer and the referral that came with it.

    is_told: the order is to be recorded, so that what it says of the friend will hold from now on, and the mailbox with
    which they come is held.
    """
    friend_id = friend.customer_id if friend else None
    keys: dict[str, Any] = {"merchant": merchant_id, "order": order_id or NOBODY, "friend": friend_id or NOBODY}
    seen = Glimpse(**_look(session, OF_ONE, merchant_id, evidence, keys)._mapping)
    if friend is not None and seen.friend_merged_into is not None:
        merged = replace(friend, customer_id=seen.friend_merged_into)
        return glimpse(session, merchant_id, evidence, order_id=order_id, friend=merged, is_told=is_told)
    if seen.conversion_id is not None or friend_id is None:
        return replace(seen, friend=friend, advocates=_advocates(session, merchant_id, seen))
    before = (seen.friend_email, seen.friend_mailbox)
    said = friend.email if friend else None
    meeting = persons.meet(session, merchant_id, said, before=before, is_told=is_told)
    friends = frozenset({friend_id})
    if meeting is not None:
        friends |= meeting.others
    elif seen.friend_person_id is not None:
        friends |= customers.of_person(session, merchant_id, seen.friend_person_id)
    if meeting is not None or len(friends) > 1:  # somebody came meanwhile, or was parted from others, or is several
        looks = OF_SEVERAL if len(friends) > 1 else OF_ONE
        seen = Glimpse(**_look(session, looks, merchant_id, evidence, {**keys, "friends": sorted(friends)})._mapping)
    advocates = _advocates(session, merchant_id, seen)
    if meeting is not None:  # whoever takes another mailbox is no longer one with those who have the old one
        advocates = {name: friends if name in friends else group - {friend_id} for name, group in advocates.items()}
    return replace(seen, friend=friend, friends=friends, advocates=advocates, meeting=meeting)


def _advocates(session: Session, merchant_id: UUID, seen: Glimpse) -> dict[str, frozenset[str]]:
    """All customers of each advocate who is a person with others."""
    return {
        name: frozenset(customers.of_person(session, merchant_id, person_id))
        for name, person_id in seen.person_ids.items()
        if person_id is not None
    }


def _look(
    session: Session, looks: Looks, merchant_id: UUID, evidence: Evidence | None, keys: Mapping[str, Any]
) -> Row[Any]:
    if isinstance(evidence, CodeEvidence):
        named = None if evidence.slug is None else merchants.of_slug(session, evidence.slug)
        is_ours = named in (None, merchant_id)  # what nobody is called names no other shop
        return session.execute(looks.by_code, {**keys, "code": evidence.folded_code if is_ours else NOBODY}).one()
    return session.execute(looks.by_link, {**keys, "link": evidence.link_id if evidence else NOTHING}).one()


def lock(session: Session, merchant_id: UUID, seen: Glimpse, friend_id: str | None = None) -> dict[str, KnownCustomer]:
    """Everybody whom what was seen concerns, locked, and the friend. Raises RaceLost where they changed meanwhile."""
    wanted = seen.concerned | ({friend_id} if friend_id else set())
    people = customers.lock(session, merchant_id, wanted)
    if wanted - people.keys() or any(person.merged_into for person in people.values()):
        raise RaceLost  # somebody was erased meanwhile, or became one with another
    seen.refuse_changed(people[friend_id] if friend_id else None, people)
    return people


def refuse_newcomers(session: Session, merchant_id: UUID, seen: Glimpse, friend: KnownCustomer | None) -> None:
    """Raise RaceLost where others became one of the persons concerned before their first customer was locked.

    friend: as they are after what the order says of them.
    """
    groups = [(of, seen.all_of(name)) for name, of in seen.person_ids.items() if name not in seen.friends]
    for person_id, group in [*groups, (friend.person_id if friend else None, seen.friends)]:
        if person_id is not None and customers.of_person(session, merchant_id, person_id) != group:
            raise RaceLost
