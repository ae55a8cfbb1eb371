"""PURE: what a friend is told of an offer: who gives it, what it is, and what the catch is. All of it is true."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo

from service.brands.looks import Look
from service.formats import Formats
from service.languages import message
from service.ledger.rewards import FixedReward, Given, RewardTerms
from service.links.names import shown_name
from service.programs.terms import Terms

SOMEBODY = message("A friend")
RECOMMENDED = message("%(name)s recommends %(shop)s to you")
DISCOUNT = {
    True: message("%(name)s gives you %(gift)s off your first order at %(shop)s"),
    False: message("%(name)s gives you %(gift)s off your order at %(shop)s"),
}
"""for new customers only -> the title."""

CREDIT = message("%(name)s gives you %(gift)s credit for your next order at %(shop)s")
BACK = {
    True: message("%(name)s gives you %(gift)s of your first order at %(shop)s back as credit"),
    False: message("%(name)s gives you %(gift)s of your order at %(shop)s back as credit"),
}

KINDS: dict[Given, str] = {"discount": message("%(gift)s off"), "credit": message("%(gift)s as credit")}


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link offers who follows it now.

    terms: None where an order placed now would be given nothing. holds_until: None where no end is known.
    zone: of the merchant's days. locale: the advocate's.
    """

    look: Look
    advocate_name: str | None
    code: str
    terms: Terms | None
    holds_until: datetime | None
    zone: tzinfo
    locale: str | None


@dataclass(frozen=True, slots=True)
class Greeting:
    """The offer in words: a title, and the catch in short sentences. code: None where it would bring nothing.

    welcome, button: in the shop's own words, where it has some; these are never said of what is promised.
    """

    title: str
    look: Look
    welcome: str | None
    button: str
    conditions: list[str]
    code: str | None


def greet(offer: Offer, formats: Formats) -> Greeting:
    """The offer as the friend is told of it. Only first names are ever told."""
    name = shown_name(offer.advocate_name) or formats.say(SOMEBODY)
    people = {"name": formats.set_apart(name), "shop": formats.set_apart(offer.look.name)}
    terms = offer.terms
    if terms is None or terms.friend_reward is None:
        return _greeting(formats.say(RECOMMENDED, **people), offer, formats, [], None)
    gift = gift_of(terms.friend_reward, terms.currency, formats)
    title = formats.say(_title(terms.friend_reward, terms), gift=gift, **people)
    return _greeting(title, offer, formats, list(_conditions(terms, offer, formats)), offer.code)


def _greeting(title: str, offer: Offer, formats: Formats, conditions: list[str], code: str | None) -> Greeting:
    own = offer.look.words(formats.locale.language)
    button = own.get("button") or formats.say("Go to %(shop)s", shop=formats.set_apart(offer.look.name))
    return Greeting(title, offer.look, own.get("welcome"), button, conditions, code)


def _title(reward: RewardTerms, terms: Terms) -> str:
    if reward.given_as == "discount":
        return DISCOUNT[terms.new_customers_only]
    return CREDIT if isinstance(reward, FixedReward) else BACK[terms.new_customers_only]


def gift_of(reward: RewardTerms, currency: str, formats: Formats) -> str:
    """How much it is, without what it is given as. A maximum is part of it."""
    if isinstance(reward, FixedReward):
        return formats.price(reward.amount, currency)
    rate = formats.hundredths(reward.rate_basis_points)
    if not reward.max_amount:
        return rate
    return formats.say("%(rate)s (up to %(most)s)", rate=rate, most=formats.price(reward.max_amount, currency))


def _conditions(terms: Terms, offer: Offer, formats: Formats) -> Iterator[str]:
    say = formats.say
    if terms.new_customers_only:
        yield say("It is for new customers.")
    if terms.minimum_order_amount:
        amount = formats.price(terms.minimum_order_amount, terms.currency)
        yield say("The order must be %(amount)s or more.", amount=amount)
    if offer.holds_until is not None:
        moment, zone = formats.moment(offer.holds_until, offer.zone), offer.holds_until.astimezone(offer.zone).tzname()
        yield say("Order by %(moment)s (%(zone)s).", moment=moment, zone=zone)
    if terms.rewarded_orders is None:
        yield say("It holds for all of your orders.")
    elif terms.rewarded_orders == 1:
        if not terms.new_customers_only:
            yield say("It holds for one order.")
    else:
        yield formats.say_many(
            "It holds for your first order.",
            "It holds for each of your first %(number)s orders.",
            terms.rewarded_orders,
        )
    yield from _of_credit(terms, formats)
    others = [
        _elsewhere(other, other.friend_reward, formats)
        for _, other in sorted(terms.others.items())
        if other.friend_reward
    ]
    if others:
        yield say("In other currencies: %(gifts)s.", gifts=formats.several(others))


def _of_credit(terms: Terms, formats: Formats) -> Iterator[str]:
    """When credit can be spent, and when it lapses, where anything is given as credit."""
    rewards = (terms.friend_reward, *(other.friend_reward for other in terms.others.values()))
    if not any(reward is not None and reward.given_as == "credit" for reward in rewards):
        return
    days = terms.hold.days
    if days:
        yield formats.say_many(
            "Credit can be spent one day after the order.", "Credit can be spent %(number)s days after the order.", days
        )
    else:
        yield formats.say("Credit can be spent at once after the order.")
    yield from lapsing(terms, formats)


def lapsing(terms: Terms, formats: Formats) -> Iterator[str]:
    """When credit lapses, where it does: the same for both sides."""
    if terms.reward_expiry is not None:
        yield formats.say_many(
            "Credit that is not spent lapses one day later.",
            "Credit that is not spent lapses %(number)s days later.",
            terms.reward_expiry.days,
        )


def _elsewhere(terms: Terms, reward: RewardTerms, formats: Formats) -> str:
    """What an order in another currency is given."""
    gift = gift_of(reward, terms.currency, formats)
    if not isinstance(reward, FixedReward):
        gift = formats.say("%(gift)s in %(currency)s", gift=gift, currency=terms.currency)
    gift = formats.say(KINDS[reward.given_as], gift=gift)
    if not terms.minimum_order_amount:
        return gift
    amount = formats.price(terms.minimum_order_amount, terms.currency)
    return formats.say("%(gift)s for orders of %(amount)s or more", gift=gift, amount=amount)
