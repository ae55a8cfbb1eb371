"""What happened, in the language of the books. The one file that speaks both languages."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from service.events import events
from service.events.events import Happened
from service.events.kinds import Kind
from service.ledger.books import (
    ADJUSTMENTS,
    EXPENSE,
    LAPSED,
    OPENING,
    SETTLED,
    Posting,
    Transaction,
    available,
    owed,
    pending,
    reserved,
)
from service.rewards import booking, happenings, references
from service.rewards.moves import EVENTS, Cause, Move
from service.rewards.tables import totals
from service.rewards.tables.adjustments import Adjustment
from service.rewards.tables.merges import Merge
from service.rewards.tables.redemptions import Redemption
from service.rewards.tables.rewards import Reward
from service.rewards.tables.totals import Change
from service.rewards.transfers import pay, transaction

Owners = Mapping[str, str]
"""customer_id -> the opaque name of that customer in the books."""


def earn(
    session: Session, rewards: Sequence[Reward], owners: Owners, *, ordered_at: datetime, recorded_at: datetime
) -> None:
    """Book what one conversion earned: a credit is pending, a discount was given at once."""
    postings = [_earned(reward, owners[reward.customer_id]) for reward in rewards]
    if postings:
        first = rewards[0]
        booking.post(
            session,
            first.merchant_id,
            transaction(
                references.earned(first.conversion_id),
                "earned",
                postings,
                effective_at=ordered_at,
                recorded_at=recorded_at,
            ),
        )
        _count(session, ((reward, reward.amount) for reward in rewards))


def ripen(session: Session, reward: Reward, owner: str, *, debt: int, recorded_at: datetime) -> None:
    """Book the end of a reward's hold; what the customer owes is paid first."""
    booking.post(session, reward.merchant_id, ripening(reward, owner, debt=debt, recorded_at=recorded_at))
    ripe = happenings.of_reward(Kind.REWARD_RIPENED, reward, reward.remaining)
    events.record(session, reward.merchant_id, [ripe], now=recorded_at)


def ripening(reward: Reward, owner: str, *, debt: int, recorded_at: datetime) -> Transaction:
    """The end of a reward's hold, to be posted; what the customer owes is paid first."""
    movement = Posting(pending(owner), available(owner), reward.remaining, reward.currency)
    paid = min(debt, reward.remaining)
    return transaction(
        references.released(reward.conversion_id, reward.reward_id),
        "ripened",
        [movement, *pay(owner, paid, reward.currency)],
        effective_at=reward.available_at,
        recorded_at=recorded_at,
    )


def lapse(reward: Reward, owner: str, *, amount: int, recorded_at: datetime) -> Transaction:
    """That what is left of a reward, in minor units, was not used in time; to be posted."""
    return transaction(
        references.lapsed(reward.conversion_id, reward.reward_id),
        "lapsed",
        [Posting(available(owner), LAPSED, amount, reward.currency)],
        effective_at=reward.expires_at or recorded_at,
        recorded_at=recorded_at,
    )


def change(session: Session, conversion_id: UUID, moves: Sequence[Move], cause: Cause) -> None:
    """Book what one step changes of what an order had earned; nothing where it changes nothing."""
    if not moves:
        return
    merchant_id = moves[0].reward.merchant_id
    booked = transaction(
        references.changed(conversion_id, cause.step, cause.entry_id),
        EVENTS[cause.step],
        [posting for move in moves for posting in move.postings],
        effective_at=cause.effective_at,
        recorded_at=cause.recorded_at,
    )
    booking.post(session, merchant_id, booked)
    _count(session, ((move.reward, move.amount) for move in moves))
    changed = [happenings.of_move(move, cause.step) for move in moves]
    events.record(session, merchant_id, changed, now=cause.recorded_at)


def reserve(session: Session, redemption: Redemption, owner: str) -> None:
    """Book that balance is set aside. Raises books.InsufficientFunds."""
    booking.post(
        session,
        redemption.merchant_id,
        transaction(
            references.reserved(redemption.redemption_id),
            "reserved",
            [Posting(available(owner), reserved(owner), redemption.amount, redemption.currency)],
            effective_at=redemption.created_at,
            recorded_at=redemption.created_at,
        ),
    )
    reserved_credit = happenings.of_credit(Kind.CREDIT_RESERVED, redemption, redemption.amount)
    events.record(session, redemption.merchant_id, [reserved_credit], now=redemption.created_at)


def settle(session: Session, redemption: Redemption, owner: str, *, captured: int, debt: int, now: datetime) -> None:
    """Book the end of a reservation: `captured` is spent, the rest given back, which pays the debt first."""
    booked = settlement(redemption, owner, captured=captured, debt=debt, now=now)
    booking.post(session, redemption.merchant_id, booked)
    if captured:
        spent = Change(redemption.customer_id, redemption.currency, spent=captured)
        totals.add(session, redemption.merchant_id, [spent])
    kind = Kind.CREDIT_REDEEMED if captured else Kind.CREDIT_RELEASED
    ended = happenings.of_credit(kind, redemption, captured or redemption.amount)
    events.record(session, redemption.merchant_id, [ended], now=now)


def settlement(redemption: Redemption, owner: str, *, captured: int, debt: int, now: datetime) -> Transaction:
    """The end of a reservation, to be posted: `captured` is spent, the rest given back, which pays the debt first.

    One reference serves capture and void, so that a reservation cannot end twice.
    """
    given_back = redemption.amount - captured
    postings = []
    if captured:
        postings.append(Posting(reserved(owner), SETTLED, captured, redemption.currency))
    if given_back:
        postings.append(Posting(reserved(owner), available(owner), given_back, redemption.currency))
        postings += pay(owner, min(debt, given_back), redemption.currency)
    return transaction(
        references.settled(redemption.redemption_id),
        "captured" if captured else "voided",
        postings,
        effective_at=now,
        recorded_at=now,
    )


def give_back(
    session: Session, redemption: Redemption, owner: str, *, entry_id: UUID, amount: int, debt: int, now: datetime
) -> None:
    """Book that captured credit is the customer's again, which pays the debt first. entry_id: ours for the return."""
    gained = Posting(SETTLED, available(owner), amount, redemption.currency)
    booking.post(
        session,
        redemption.merchant_id,
        transaction(
            references.returned(redemption.redemption_id, entry_id),
            "returned",
            [gained, *pay(owner, min(debt, amount), redemption.currency)],
            effective_at=now,
            recorded_at=now,
        ),
    )
    unspent = Change(redemption.customer_id, redemption.currency, spent=-amount)
    totals.add(session, redemption.merchant_id, [unspent])
    back = happenings.of_credit(Kind.CREDIT_RETURNED, redemption, amount, entry_id)
    events.record(session, redemption.merchant_id, [back], now=now)


def adjust(session: Session, adjustment: Adjustment, owner: str, *, debt: int) -> None:
    """Book a change by hand, or an opening balance; a credit pays the debt first. Raises books.InsufficientFunds."""
    amount, currency = adjustment.amount, adjustment.currency
    if adjustment.direction == "credit":
        source = OPENING if adjustment.is_opening else ADJUSTMENTS
        postings = [Posting(source, available(owner), amount, currency), *pay(owner, min(debt, amount), currency)]
    else:
        postings = [Posting(available(owner), ADJUSTMENTS, amount, currency)]
    booking.post(
        session,
        adjustment.merchant_id,
        transaction(
            references.adjusted(adjustment.adjustment_id),
            "adjusted",
            postings,
            effective_at=adjustment.created_at,
            recorded_at=adjustment.created_at,
        ),
    )
    signed = amount if adjustment.direction == "credit" else -amount
    adjusted = Happened(Kind.BALANCE_ADJUSTED, adjustment.adjustment_id, amount=signed, currency=currency)
    events.record(session, adjustment.merchant_id, [adjusted], now=adjustment.created_at)


def merge(session: Session, of: Merge, before: str, after: str, *, paid: Mapping[str, int]) -> None:
    """Book that all that one owner has is another's from now on, who pays what they owe of it first.

    paid: currency -> how much of that, in minor units.
    """
    postings = []
    for held in of.moved:
        currency = held["currency"]
        moves = (
            (pending(before), pending(after), held["pending"]),
            (available(before), available(after), held["available"]),
            (reserved(before), reserved(after), held["reserved"]),
            (owed(after), owed(before), held["owed"]),
        )
        postings += [Posting(debit, credit, amount, currency) for debit, credit, amount in moves if amount]
        postings += pay(after, paid.get(currency, 0), currency)
    if postings:
        reference = references.merged(of.merge_id)
        booked = transaction(reference, "merged", postings, effective_at=of.merged_at, recorded_at=of.merged_at)
        booking.post(session, of.merchant_id, booked)


def _earned(reward: Reward, owner: str) -> Posting:
    credited = SETTLED if reward.given_as == "discount" else pending(owner)
    return Posting(EXPENSE, credited, reward.amount, reward.currency)


def _count(session: Session, changes: Iterable[tuple[Reward, int]]) -> None:
    """Count what these credits add to what their customers ever earned."""
    earned = [
        (reward.merchant_id, Change(reward.customer_id, reward.currency, earned=amount))
        for reward, amount in changes
        if reward.given_as == "credit"
    ]
    if earned:
        totals.add(session, earned[0][0], [change for _, change in earned])
