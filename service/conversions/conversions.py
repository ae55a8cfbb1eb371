"""Record an order: decide whether a referral earned credit for it, and book what it earned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from service.conversions import glimpses
from service.conversions.earning import earned_by, reward_of
from service.conversions.explanations import OrderNow, RewardNow
from service.conversions.facts import Case
from service.conversions.glimpses import Glimpse
from service.conversions.judgement import Judgement, judge
from service.conversions.orders import Order, OrderContradicted, contradictions, report_of
from service.conversions.rules import Facts
from service.conversions.tables import conversions as storage
from service.conversions.tables.conversions import Conversion, ConversionFilter, Referral
from service.customers import tables as customers
from service.customers.contacts import Contact
from service.customers.customers import contact_of, introduce, learn
from service.customers.tables import KnownCustomer
from service.database.lists import Page
from service.database.passing import passed
from service.database.writing import add_at_once
from service.errors import Unknown
from service.events import events
from service.events.events import Happened
from service.events.kinds import Kind
from service.ids import new_id
from service.links.evidence import Evidence, read_referral
from service.merchants import currencies
from service.rewards import happenings, postings
from service.rewards.tables import rewards
from service.rewards.tables.rewards import Reward
from service.tokens import TokenSigner


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded order with the rewards that it earned. is_new: whether this call recorded it."""

    conversion: Conversion
    rewards: Sequence[Reward]
    is_new: bool = False

    def now(self, moment: datetime) -> OrderNow:
        """How the order stands at this moment, to be explained."""
        of = self.conversion
        return OrderNow(
            of.amount,
            of.refunded_amount,
            tuple(
                RewardNow(reward.side, reward.amount, reward.reversed_amount, reward.status_at(moment))
                for reward in self.rewards
                if reward.is_earned or of.voided_at is not None
            ),
            of.void_reason,
            (of.late_attribution or {}).get("note"),
        )


def record(session: Session, signer: TokenSigner, merchant_id: UUID, order: Order, *, now: datetime) -> Recorded:
    """Record an order once, whatever its referral is worth.

    A bad referral never fails an order: it is recorded as declined, with every reason.
    Returns the stored conversion, also on a replay.
    Raises OrderContradicted if the order was recorded before with other content, BadValues for a time or a
    currency that cannot be.
    """
    order.refuse_bad_time(now=now)
    evidence = read_referral(signer, order.referral, merchant_id) if order.referral else None
    order = order.as_quoted(evidence)
    friend = contact_of(session, merchant_id, order.customer)
    seen = glimpses.glimpse(session, merchant_id, evidence, order_id=order.order_id, friend=friend, is_told=True)
    friend = seen.friend
    if seen.conversion_id is not None:
        return _replay(session, merchant_id, seen.conversion_id, order, friend, evidence, now=now)
    currencies.refuse_unknown(session, merchant_id, order.currency, at=order.ordered_at or now)
    people = _lock(session, merchant_id, friend, seen, now=now)
    case = Case(
        merchant_id=merchant_id,
        seen=seen,
        evidence=evidence,
        ordered_at=order.ordered_at or now,
        eligible_amount=order.rewardable,
        currency=order.currency,
        friend=people[friend.customer_id] if friend else None,
        people=people,
        is_nobodys=friend is None,
    )
    judged = judge(session, case, referral_given=bool(order.referral))
    known = judged.known
    conversion = _conversion(merchant_id, order, friend, report_of(order, evidence), judged, now=now)
    earned = _rewards(conversion, known, people) if known else []
    _write(session, conversion, earned, is_new_referral=known is not None and not known.is_referred, replaced=seen)
    owners = {name: person.owner for name, person in people.items()}
    postings.earn(session, earned, owners, ordered_at=conversion.ordered_at, recorded_at=now)
    events.record(session, merchant_id, _happened(conversion, earned), now=now)
    return Recorded(conversion, earned, is_new=True)


def get(session: Session, merchant_id: UUID, conversion_id: UUID) -> Recorded:
    """The merchant's conversion with its rewards, to be read and not to be changed. Raises Unknown."""
    conversion = storage.seen(session, merchant_id, conversion_id)
    if conversion is None:
        raise Unknown("conversion", conversion_id)
    return Recorded(conversion, rewards.seen_of(session, merchant_id, [conversion_id]))


def page(session: Session, merchant_id: UUID, which: Page, wanted: ConversionFilter) -> list[Recorded]:
    """The merchant's conversions with their rewards, newest first."""
    recorded = storage.page(session, merchant_id, which, wanted)
    earned: dict[UUID, list[Reward]] = {conversion.conversion_id: [] for conversion in recorded}
    for reward in rewards.seen_of(session, merchant_id, list(earned)):
        earned[reward.conversion_id].append(reward)
    return [Recorded(conversion, earned[conversion.conversion_id]) for conversion in recorded]


def _replay(
    session: Session,
    merchant_id: UUID,
    conversion_id: UUID,
    order: Order,
    friend: Contact | None,
    evidence: Evidence | None,
    *,
    now: datetime,
) -> Recorded:
    """The order as it was recorded; contact details that are new are learned.

    A report says what the first one said, or what amendments have made of it since.
    """
    recorded = get(session, merchant_id, conversion_id)
    stored = recorded.conversion
    known = {"currency": stored.currency, "customer_id": stored.customer_id, "ordered_at": stored.ordered_at}
    if friend and friend.customer_id != stored.customer_id and _is_erased(session, merchant_id, stored.customer_id):
        friend = None  # who was erased and is named again contradicts nothing, and nothing is learned of them
    customer_id = friend.customer_id if friend else None
    fields = contradictions(order, evidence, stored.reported, known, customer_id=customer_id)
    amounts = {name: getattr(stored, name) for name in ("amount", "discount_amount", "eligible_amount")}
    amended = {**stored.reported, **amounts}
    if fields and contradictions(order, evidence, amended, known, customer_id=customer_id):
        raise OrderContradicted(stored.order_id, conversion_id, fields)
    if friend is not None and friend.says_more:
        introduce(session, merchant_id, friend, now=now)
    return recorded


def _is_erased(session: Session, merchant_id: UUID, customer_id: str | None) -> bool:
    known = customers.known(session, merchant_id, [customer_id] if customer_id else [])
    return any(customer.erased_at is not None for customer in known.values())


def _lock(
    session: Session, merchant_id: UUID, friend: Contact | None, seen: Glimpse, *, now: datetime
) -> dict[str, KnownCustomer]:
    """Everybody whom this order may concern, locked; the friend made known and up to date. Raises RaceLost."""
    if friend is None:
        return glimpses.lock(session, merchant_id, seen)
    if not seen.friend_is_known:
        customers.add(session, merchant_id, friend.customer_id, owner_id=new_id(), created_at=now)
    people = glimpses.lock(session, merchant_id, seen, friend.customer_id)
    known = learn(session, merchant_id, people[friend.customer_id], friend, seen.meeting)
    glimpses.refuse_newcomers(session, merchant_id, seen, known)
    return {**people, friend.customer_id: known}


def _conversion(
    merchant_id: UUID,
    order: Order,
    friend: Contact | None,
    reported: dict[str, Any],
    judged: Judgement,
    *,
    now: datetime,
) -> Conversion:
    known, decided = judged.known, judged.decided
    return passed(
        Conversion,
        merchant_id=merchant_id,
        conversion_id=new_id(),
        order_id=order.order_id,
        amount=order.amount,
        discount_amount=order.discount_amount or 0,
        eligible_amount=order.eligible,
        refunded_amount=0,
        currency=order.currency,
        customer_id=friend.customer_id if friend else None,
        status=decided.status,
        reasons=list(decided.reasons),
        decisions=[decision.as_stored() for decision in decided.decisions],
        program_id=known.program_id if known else None,
        terms_version=known.terms_version if known else None,
        link_id=known.link_id if known else None,
        advocate_id=known.advocate_id if known else None,
        ordered_at=order.ordered_at or now,
        recorded_at=now,
        reported=reported,
        late_attribution=None,
        shop_metadata=order.metadata,
        voided_at=None,
        void_reason=None,
        void_note=None,
        is_sealed=False,
    )


def _rewards(conversion: Conversion, known: Facts, people: Mapping[str, KnownCustomer]) -> list[Reward]:
    nth, make = known.rewarded_friends + 1, partial(passed, Reward)
    return [
        reward_of(conversion, known.terms, earned, people[earned.customer_id], nth_referral=nth, make=make)
        for earned in earned_by(conversion, known.terms, nth_referral=nth)
    ]


def _happened(conversion: Conversion, earned: Sequence[Reward]) -> list[Happened]:
    """All that one report made happen, to be written at once."""
    placed = Happened(
        Kind.ORDER_RECORDED, conversion.conversion_id, amount=conversion.amount, currency=conversion.currency
    )
    return [placed, *(happenings.of_reward(Kind.REWARD_EARNED, reward, reward.amount) for reward in earned)]


def _write(
    session: Session, conversion: Conversion, earned: list[Reward], *, is_new_referral: bool, replaced: Glimpse
) -> None:
    add_at_once(session, [conversion])
    if is_new_referral and conversion.status == "attributed":
        if replaced.referral_advocate_id is not None:
            storage.drop_referral(session, conversion.merchant_id, replaced.friends)
        add_at_once(session, [referral_of(conversion, make=partial(passed, Referral))])
    if earned:
        add_at_once(session, earned)


def referral_of(conversion: Conversion, *, make: Callable[..., Referral] = Referral) -> Referral:
    """The fact that this order's advocate brought its friend. make: makes the row of its columns."""
    return make(
        merchant_id=conversion.merchant_id,
        friend_id=conversion.customer_id,
        advocate_id=conversion.advocate_id,
        program_id=conversion.program_id,
        link_id=conversion.link_id,
        created_at=conversion.recorded_at,
        rewarded_before=None,
    )
