"""PURE: what has grown from a customer's link, newest first, in words that they may be told.

Friends are told of by their first names; where a rule said no, not even by these: why it did is the friend's matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from service.conversions.attribution import Status
from service.conversions.eligibility import ALREADY_REFERRED, REASONS
from service.conversions.explanations import NOW, WORDS
from service.formats import Formats
from service.languages import message
from service.ledger.rewards import Given
from service.links.names import shown_name

Stage = Literal["followed", "ordered", "ripening", "ripe", "spent", "bare"]


@dataclass(frozen=True, slots=True)
class Shown:
    """How a stage is shown: its word, and the drawing beside it."""

    word: str
    drawing: str


STAGES: Mapping[Stage, Shown] = {
    "followed": Shown(message("Followed"), "bud"),
    "ordered": Shown(message("Ordered"), "blossom"),
    "ripening": Shown(message("Ripening"), "green-fruit"),
    "ripe": Shown(message("Ripe"), "ripe-fruit"),
    "spent": Shown(message("Spent"), "basket"),
    "bare": Shown(message("Not rewarded"), "bough"),
}

SOMEBODY = message("One of your friends")
TO_ADVOCATES: Mapping[str, str] = {
    "invalid_referral": message("Sorry, what came with this order was none of our links."),
    "link_revoked": message("Sorry, your link was out of use when this order was placed."),
    "link_expired": message("Sorry, your link had expired when this order was placed."),
    "program_paused": message("Sorry, our referral program was taking a rest when this order was placed."),
    "outside_window": message("Sorry, too much time had passed since your link was followed."),
    "self_referral": message("Sorry, a referral rewards two different people, so one cannot refer oneself."),
    "unknown_customer": message("Sorry, we do not know whose order it was, so it could not count."),
    "circular_referral": message("Sorry, you came to us through this friend, so it could not count."),
    "existing_customer": message("Sorry, this offer welcomes customers who are new to us."),
    "already_referred": message("This friend came to us through another friend, so it counts for that one."),
    "below_minimum": message("Sorry, the order was below the amount from which a referral is rewarded."),
    "currency_mismatch": message("Sorry, this offer holds for orders in another currency."),
    "cap_reached": message(
        "You have been rewarded as often as this program allows. Thank you! Your friend was welcomed all the same."
    ),
}
"""reason -> why an order with the advocate's link brought the advocate nothing. The friend's words are the rule's."""


@dataclass(frozen=True, slots=True)
class Earned:
    """What an order brought the customer. Minor units. status: as it is now.

    left: after what was taken back. unspent: what of that the customer has, or has set aside. lapsed: what was not used
    in time.
    """

    amount: int
    left: int
    currency: str
    given_as: Given
    status: str
    available_at: datetime
    lapsed: int = 0
    unspent: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a friend, or the customer's own. earned: None where it brought the customer nothing."""

    at: datetime
    status: Status
    reasons: Sequence[str]
    is_own: bool
    friend_name: str | None
    earned: Earned | None


@dataclass(frozen=True, slots=True)
class Follows:
    """How often a link was followed on one day. at: the last of them. is_more: than could be counted here."""

    at: datetime
    times: int
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class Grown:
    """One thing that happened, in words."""

    at: datetime
    stage: Stage
    title: str
    text: str


def followed(times: Sequence[datetime], zone: tzinfo, *, most: int) -> list[Follows]:
    """The follows of each day, the latest first. times: newest first, at most one more than `most`.

    Of a day that is cut off by `most` nothing is said, unless there is no other.
    """
    days: dict[object, list[datetime]] = {}
    for moment in times[:most]:
        days.setdefault(moment.astimezone(zone).date(), []).append(moment)
    found = [Follows(of_day[0], len(of_day)) for of_day in days.values()]
    if len(times) <= most:
        return found
    return found[:-1] or [Follows(found[0].at, most, is_more=True)]


def grown(orders: Iterable[Order], follows: Iterable[Follows], zone: tzinfo, formats: Formats) -> list[Grown]:
    """All of it, newest first. orders: newest first."""
    told = [_order(order, zone, formats) for order in orders]
    told += [_follows(one, formats) for one in follows]
    return sorted(told, key=lambda one: one.at, reverse=True)


def _follows(follows: Follows, formats: Formats) -> Grown:
    if follows.is_more:
        number = formats.whole(follows.times)
        return Grown(
            follows.at, "followed", formats.say("Your link was followed more than %(number)s times", number=number), ""
        )
    title = formats.say_many("Your link was followed", "Your link was followed %(number)s times", follows.times)
    return Grown(follows.at, "followed", title, "")


def _order(order: Order, zone: tzinfo, formats: Formats) -> Grown:
    name = None if _was_refused(order) else shown_name(order.friend_name)
    who = formats.set_apart(name) if name else formats.say(SOMEBODY)
    if order.is_own:
        title = formats.say("You ordered")
    elif order.status == "repeat":
        title = formats.say("%(name)s came back", name=who)
    else:
        title = formats.say("%(name)s ordered", name=who)
    stage, text = _standing(order, zone, formats)
    return Grown(order.at, stage, title, text)


def _was_refused(order: Order) -> bool:
    """Whether a rule said no, also where the order was cancelled since."""
    return order.status == "declined" or (order.status == "voided" and bool(order.reasons))


def _standing(order: Order, zone: tzinfo, formats: Formats) -> tuple[Stage, str]:
    """How the order's reward stands, or why there is none."""
    earned = order.earned
    by_itself = WORDS[order.status].customer_text
    if order.status == "voided":
        return "bare", formats.say(by_itself)
    if order.status == "flagged":
        return "ordered", formats.say(by_itself)
    if earned is None:
        refusal = _refusal(order, formats)
        return ("bare", refusal) if refusal else ("ordered", "")
    if earned.status in ("denied", "reversed") or (earned.status == "lapsed" and earned.lapsed >= earned.left):
        return "bare", formats.say(NOW[earned.status])
    stage, text = _reward(earned, zone, formats)
    return (
        stage,
        f"{text} {formats.say('A part of the order was given back.')}" if earned.left < earned.amount else text,
    )


def _refusal(order: Order, formats: Formats) -> str:
    """The first reason: one apology is enough. All of them are in the order's explanation.

    What another advocate's token was noted for is nothing to the one to whom the order belongs.
    """
    noted = () if order.status == "declined" else (ALREADY_REFERRED.name,)
    reason = next((reason for reason in order.reasons if reason not in noted), None)
    if reason is None:
        return ""
    return formats.say(REASONS[reason].customer_text if order.is_own else TO_ADVOCATES[reason])


def _reward(earned: Earned, zone: tzinfo, formats: Formats) -> tuple[Stage, str]:
    amount = formats.money(earned.left, earned.currency)
    if earned.given_as == "discount":
        return "spent", formats.say("%(amount)s was taken off.", amount=amount)
    if earned.status == "pending":
        day = formats.day(earned.available_at.astimezone(zone).date())
        return "ripening", formats.say("%(amount)s for you, ripe on %(day)s.", amount=amount, day=day)
    if earned.status == "lapsed":
        lapsed = formats.money(earned.lapsed, earned.currency)
        return "spent", formats.say("%(amount)s, of which %(lapsed)s lapsed.", amount=amount, lapsed=lapsed)
    if earned.unspent == earned.left:
        return "ripe", formats.say("%(amount)s for you, ready to be spent.", amount=amount)
    if earned.unspent == 0:
        return "spent", formats.say("%(amount)s, which you have spent.", amount=amount)
    left = formats.money(earned.unspent, earned.currency)
    return "ripe", formats.say("%(amount)s for you, of which %(left)s is left.", amount=amount, left=left)
