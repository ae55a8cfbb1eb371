"""Record an order: decide whether a referral earned credit for it, and book what it earned."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import situation
from service.conversions.attribution import Attribution
from service.conversions.situation import Asked, Situation
from service.conversions.standing import Sighting
from service.conversions.tables import conversions as storage
from service.conversions.tables.conversions import Conversion, Referral
from service.customers import tables as customers
from service.customers.customers import Contact, learn
from service.customers.tables import KnownCustomer
from service.database.tables import add_at_once
from service.errors import ReferralError, Unknown
from service.ids import new_id
from service.links.evidence import Evidence, canonical, read_referral
from service.programs import terms
from service.rewards import postings
from service.rewards.tables import rewards
from service.rewards.tables.rewards import Reward
from service.tokens import TokenSigner


class OrderContradicted(ReferralError):
    """The order was recorded before, with other content."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"Order {order_id} was recorded before with other content.")
        self.order_id = order_id


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the shop reports it.

    amount: what was paid, in minor units. referral: a visit token, a link token or a code.
    ordered_at: None for now.
    """

    order_id: str
    amount: int
    currency: str
    customer: Contact
    referral: str | None = None
    ordered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded order with the rewards that it earned. is_new: whether this call recorded it."""

    conversion: Conversion
    rewards: Sequence[Reward]
    is_new: bool = False


def record(session: Session, signer: TokenSigner, merchant_id: UUID, order: Order, *, now: datetime) -> Recorded:
    """Record an order once, whatever its referral is worth.

    A bad referral never fails an order: it is recorded as declined, with every reason.
    Returns the stored conversion, also on a replay.
    Raises OrderContradicted if the order was recorded before with other content.
    """
    evidence = read_referral(signer, order.referral, merchant_id) if order.referral else None
    content = _fingerprint(order, evidence)
    friend_id = order.customer.customer_id
    seen = situation.sight(session, merchant_id, evidence, order_id=order.order_id, friend_id=friend_id)
    if seen.conversion_id is not None:
        return _replay(session, merchant_id, seen.conversion_id, content)
    people = _lock(session, merchant_id, order.customer, seen, now=now)
    asked = Asked(evidence, bool(order.referral), order.ordered_at or now, order.amount, order.currency)
    found = situation.read(session, merchant_id, seen, asked, friend=people[friend_id], people=people)
    conversion, earned = _outcome(merchant_id, order, content, found, now=now)
    _write(session, conversion, earned, found)
    owners = {name: person.owner for name, person in people.items()}
    postings.earn(session, earned, owners, ordered_at=conversion.ordered_at, recorded_at=now)
    return Recorded(conversion, earned, is_new=True)


def get(session: Session, merchant_id: UUID, conversion_id: UUID) -> Recorded:
    """The merchant's conversion with its rewards. Raises Unknown."""
    conversion = storage.get(session, merchant_id, conversion_id)
    if conversion is None:
        raise Unknown("conversion", conversion_id)
    return Recorded(conversion, rewards.of_conversions(session, merchant_id, [conversion_id]))


def page(session: Session, merchant_id: UUID, **filters: Any) -> list[Recorded]:
    """The merchant's conversions with their rewards, newest first. filters: as storage.conversions.page."""
    found = storage.page(session, merchant_id, **filters)
    earned: dict[UUID, list[Reward]] = {conversion.conversion_id: [] for conversion in found}
    for reward in rewards.of_conversions(session, merchant_id, list(earned)):
        earned[reward.conversion_id].append(reward)
    return [Recorded(conversion, earned[conversion.conversion_id]) for conversion in found]


def _fingerprint(order: Order, evidence: Evidence | None) -> bytes:
    """SHA-256 of what was reported. The time is part of it only where the shop gave one."""
    fields = [
        order.order_id,
        str(order.amount),
        order.currency,
        order.customer.customer_id,
        canonical(evidence, order.referral or None),
        order.ordered_at.isoformat() if order.ordered_at else "",
    ]
    encoded = [field.encode() for field in fields]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(field), field) for field in encoded)).digest()


def _replay(session: Session, merchant_id: UUID, conversion_id: UUID, content: bytes) -> Recorded:
    recorded = get(session, merchant_id, conversion_id)
    if bytes(recorded.conversion.fingerprint) != content:
        raise OrderContradicted(recorded.conversion.order_id)
    return recorded


def _lock(
    session: Session, merchant_id: UUID, friend: Contact, seen: Sighting, *, now: datetime
) -> dict[str, KnownCustomer]:
    """Everybody whom this order may concern, locked; the friend made known and up to date."""
    if not seen.friend_is_known:
        customers.add(session, merchant_id, friend.customer_id, owner_id=new_id(), created_at=now)
    concerned = {friend.customer_id, seen.referral_advocate_id, seen.link_advocate_id}
    people = customers.lock(session, merchant_id, (name for name in concerned if name is not None))
    return {**people, friend.customer_id: learn(session, merchant_id, people[friend.customer_id], friend)}


def _outcome(
    merchant_id: UUID, order: Order, content: bytes, found: Situation, *, now: datetime
) -> tuple[Conversion, list[Reward]]:
    decided = found.attribution
    conversion = Conversion(
        merchant_id=merchant_id,
        conversion_id=new_id(),
        order_id=order.order_id,
        fingerprint=content,
        amount=order.amount,
        refunded_amount=0,
        currency=order.currency,
        customer_id=order.customer.customer_id,
        status=decided.status,
        reasons=list(decided.reasons),
        decisions=[decision.as_stored() for decision in decided.decisions],
        program_id=found.program_id,
        terms_version=found.terms_version,
        link_id=found.link_id,
        advocate_id=found.advocate_id,
        ordered_at=order.ordered_at or now,
        recorded_at=now,
    )
    return conversion, _rewards(conversion, found, decided)


def _rewards(conversion: Conversion, found: Situation, decided: Attribution) -> list[Reward]:
    """What each side earned; a reward of 0 is no reward."""
    if decided.status != "attributed" or found.terms is None:
        return []
    sides = {
        "advocate": found.terms.advocate_reward_for(found.rewarded_friends + 1),
        "friend": found.terms.friend_reward,
    }
    earned = [
        _reward(conversion, found.terms, side, terms_of_side.given_as, amount)
        for side, terms_of_side in sides.items()
        if terms_of_side is not None and (amount := terms_of_side.of(conversion.amount))
    ]
    for reward in earned[:1]:
        reward.counted = True
    return earned


def _reward(conversion: Conversion, applied: terms.Terms, side: str, given_as: str, amount: int) -> Reward:
    at_once = given_as == "discount"
    available_at = conversion.ordered_at if at_once else applied.available_at(conversion.ordered_at)
    return Reward(
        merchant_id=conversion.merchant_id,
        reward_id=new_id(),
        conversion_id=conversion.conversion_id,
        program_id=conversion.program_id,
        terms_version=conversion.terms_version,
        side=side,
        customer_id=conversion.advocate_id if side == "advocate" else conversion.customer_id,
        advocate_id=conversion.advocate_id,
        friend_id=conversion.customer_id,
        counted=False,
        amount=amount,
        reversed_amount=0,
        lapsed_amount=None,
        currency=conversion.currency,
        given_as=given_as,
        status="available" if at_once else "pending",
        available_at=available_at,
        expires_at=None if at_once else applied.expires_at(available_at),
        review_note=None,
        created_at=conversion.recorded_at,
    )


def _write(session: Session, conversion: Conversion, earned: list[Reward], found: Situation) -> None:
    add_at_once(session, [conversion])
    if found.is_new_referral:
        add_at_once(session, [_referral(conversion)])
    if earned:
        add_at_once(session, earned)


def _referral(conversion: Conversion) -> Referral:
    return Referral(
        merchant_id=conversion.merchant_id,
        friend_id=conversion.customer_id,
        advocate_id=conversion.advocate_id,
        program_id=conversion.program_id,
        link_id=conversion.link_id,
        created_at=conversion.recorded_at,
    )
