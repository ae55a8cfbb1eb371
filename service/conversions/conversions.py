"""Record an order: decide whether a referral earned credit for it, and book what it earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import facts
from service.conversions.eligibility import CAP_REACHED
from service.conversions.facts import Glimpse
from service.conversions.judgement import Judgement, judge
from service.conversions.orders import Order, OrderContradicted, fingerprint_of
from service.conversions.rules import Facts
from service.conversions.tables import conversions as storage
from service.conversions.tables.conversions import Conversion, ConversionFilter, Referral
from service.customers import tables as customers
from service.customers.customers import Contact, learn
from service.customers.tables import KnownCustomer
from service.database.lists import Page
from service.database.writing import add_at_once
from service.errors import Unknown
from service.ids import new_id
from service.ledger.rewards import Given, RewardTerms
from service.links.evidence import read_referral
from service.programs.terms import Terms
from service.rewards import postings
from service.rewards.tables import rewards
from service.rewards.tables.rewards import Reward, Side
from service.tokens import TokenSigner


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
    Raises OrderContradicted if the order was recorded before with other content, BadValues for a time that cannot be.
    """
    order.refuse_bad_time(now=now)
    evidence = read_referral(signer, order.referral, merchant_id) if order.referral else None
    fingerprint = fingerprint_of(order, evidence)
    friend_id = order.customer.customer_id
    seen = facts.glimpse(session, merchant_id, evidence, order_id=order.order_id, friend_id=friend_id)
    if seen.conversion_id is not None:
        return _replay(session, merchant_id, seen.conversion_id, fingerprint)
    people = _lock(session, merchant_id, order.customer, seen, now=now)
    judged = judge(
        session,
        merchant_id,
        seen,
        evidence=evidence,
        referral_given=bool(order.referral),
        ordered_at=order.ordered_at or now,
        eligible_amount=order.eligible,
        currency=order.currency,
        friend=people[friend_id],
        people=people,
    )
    known = judged.known
    conversion = _conversion(merchant_id, order, fingerprint, judged, now=now)
    earned = _rewards(conversion, known, order) if known and conversion.status == "attributed" else []
    _write(session, conversion, earned, is_new_referral=known is not None and not known.is_referred, replaced=seen)
    owners = {name: person.owner for name, person in people.items()}
    postings.earn(session, earned, owners, ordered_at=conversion.ordered_at, recorded_at=now)
    return Recorded(conversion, earned, is_new=True)


def get(session: Session, merchant_id: UUID, conversion_id: UUID) -> Recorded:
    """The merchant's conversion with its rewards. Raises Unknown."""
    conversion = storage.get(session, merchant_id, conversion_id)
    if conversion is None:
        raise Unknown("conversion", conversion_id)
    return Recorded(conversion, rewards.of_conversions(session, merchant_id, [conversion_id]))


def page(session: Session, merchant_id: UUID, which: Page, wanted: ConversionFilter) -> list[Recorded]:
    """The merchant's conversions with their rewards, newest first."""
    recorded = storage.page(session, merchant_id, which, wanted)
    earned: dict[UUID, list[Reward]] = {conversion.conversion_id: [] for conversion in recorded}
    for reward in rewards.of_conversions(session, merchant_id, list(earned)):
        earned[reward.conversion_id].append(reward)
    return [Recorded(conversion, earned[conversion.conversion_id]) for conversion in recorded]


def _replay(session: Session, merchant_id: UUID, conversion_id: UUID, fingerprint: bytes) -> Recorded:
    recorded = get(session, merchant_id, conversion_id)
    if bytes(recorded.conversion.fingerprint) != fingerprint:
        raise OrderContradicted(recorded.conversion.order_id)
    return recorded


def _lock(
    session: Session, merchant_id: UUID, friend: Contact, seen: Glimpse, *, now: datetime
) -> dict[str, KnownCustomer]:
    """Everybody whom this order may concern, locked; the friend made known and up to date."""
    if not seen.friend_is_known:
        customers.add(session, merchant_id, friend.customer_id, owner_id=new_id(), created_at=now)
    people = customers.lock(session, merchant_id, {friend.customer_id, *seen.advocate_ids})
    return {**people, friend.customer_id: learn(session, merchant_id, people[friend.customer_id], friend)}


def _conversion(merchant_id: UUID, order: Order, fingerprint: bytes, judged: Judgement, *, now: datetime) -> Conversion:
    known, decided = judged.known, judged.decided
    return Conversion(
        merchant_id=merchant_id,
        conversion_id=new_id(),
        order_id=order.order_id,
        fingerprint=fingerprint,
        amount=order.amount,
        discount_amount=order.discount_amount or 0,
        eligible_amount=order.eligible,
        refunded_amount=0,
        currency=order.currency,
        customer_id=order.customer.customer_id,
        status=decided.status,
        reasons=list(decided.reasons),
        decisions=[decision.as_stored() for decision in decided.decisions],
        program_id=known.program_id if known else None,
        terms_version=known.terms_version if known else None,
        link_id=known.link_id if known else None,
        advocate_id=known.advocate.customer_id if known else None,
        ordered_at=order.ordered_at or now,
        recorded_at=now,
    )


def _rewards(conversion: Conversion, known: Facts, order: Order) -> list[Reward]:
    """What each side earned; a reward of 0 is no reward, and a discount is no more than the shop says it took off.

    What was attributed beyond the advocate's cap earns the friend's reward alone.
    """
    is_capped = CAP_REACHED.name in conversion.reasons
    sides: dict[Side, RewardTerms | None] = {
        "advocate": None if is_capped else known.terms.advocate_reward_for(known.rewarded_friends + 1),
        "friend": known.terms.friend_reward,
    }
    earned = [
        _reward(conversion, known.terms, side, terms_of_side.given_as, amount)
        for side, terms_of_side in sides.items()
        if terms_of_side is not None and (amount := _given(terms_of_side, order))
    ]
    counts: Side = "advocate" if known.terms.rewards_advocates else "friend"
    for reward in earned:
        reward.counted = reward.side == counts
    return earned


def _given(terms_of_side: RewardTerms, order: Order) -> int:
    amount = terms_of_side.of(order.eligible)
    if terms_of_side.given_as == "discount" and order.discount_amount is not None:
        return min(amount, order.discount_amount)
    return amount


def _reward(conversion: Conversion, applied: Terms, side: Side, given_as: Given, amount: int) -> Reward:
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


def _write(
    session: Session, conversion: Conversion, earned: list[Reward], *, is_new_referral: bool, replaced: Glimpse
) -> None:
    add_at_once(session, [conversion])
    if is_new_referral and conversion.status == "attributed":
        if replaced.referral_advocate_id is not None:
            storage.drop_referral(session, conversion.merchant_id, conversion.customer_id)
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
