"""Quotes: what a referral would earn the friend, asked before the order. Nothing is written."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import situation
from service.conversions.situation import Asked
from service.conversions.standing import Sighting
from service.customers import tables as customers
from service.customers.customers import Contact
from service.customers.mailboxes import fold
from service.customers.tables import KnownCustomer
from service.links.evidence import read_referral
from service.tokens import TokenSigner

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Question:
    """What a shop asks. amount: minor units. customer: None while the shop does not know who will order."""

    referral: str
    amount: int
    currency: str
    customer: Contact | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What the answer would be. friend_reward: (minor units, credit or discount), or None."""

    eligible: bool
    reasons: tuple[str, ...]
    advocate_first_name: str | None
    friend_reward: tuple[int, str] | None
    program_id: UUID | None


def quote(session: Session, signer: TokenSigner, merchant_id: UUID, asked: Question, *, now: datetime) -> Quote:
    """Decide as a conversion would, for an order placed now.

    A friend whose rewarded orders are used up is told `existing_customer`: a no always has its reason.
    """
    evidence = read_referral(signer, asked.referral, merchant_id)
    friend_id = asked.customer.customer_id if asked.customer else None
    seen = situation.sight(session, merchant_id, evidence, order_id=None, friend_id=friend_id)
    people = _people(session, merchant_id, asked.customer, seen)
    friend = people.get(friend_id) if friend_id else None
    question = Asked(evidence, True, now, asked.amount, asked.currency)
    found = situation.read(session, merchant_id, seen, question, friend=friend, people=people)
    eligible = found.attribution.status == "attributed"
    advocate = people.get(found.advocate_id) if found.advocate_id else None
    terms = found.terms.friend_reward if eligible and found.terms else None
    amount = terms.of(asked.amount) if terms else 0
    return Quote(
        eligible=eligible,
        reasons=found.attribution.reasons or (() if eligible else ("existing_customer",)),
        advocate_first_name=advocate.first_name if advocate else None,
        friend_reward=(amount, terms.given_as) if terms and amount else None,
        program_id=found.program_id,
    )


def _people(session: Session, merchant_id: UUID, friend: Contact | None, seen: Sighting) -> dict[str, KnownCustomer]:
    names = {name for name in (seen.referral_advocate_id, seen.link_advocate_id) if name is not None}
    people = customers.read(session, merchant_id, {*names, friend.customer_id} if friend else names)
    if friend:
        known = people.get(friend.customer_id) or KnownCustomer(friend.customer_id, NOBODY)
        email = fold(friend.email) if friend.email else known.folded_email
        people[friend.customer_id] = replace(known, folded_email=email)
    return people
