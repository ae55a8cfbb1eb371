"""PURE: what the customer may tell friends, in words that a person would write, and what both get by the terms."""

from collections.abc import Iterator

from service.formats import Formats
from service.languages import message
from service.ledger.rewards import FixedReward, RewardTerms
from service.links.greetings import Offer, gift_of, lapsing
from service.programs.terms import Terms

LONGEST_MESSAGE = 500
DISCOUNT = {
    True: message("Hi! I like to shop at %(shop)s. With this link you get %(gift)s off your first order:"),
    False: message("Hi! I like to shop at %(shop)s. With this link you get %(gift)s off your order:"),
}
CREDIT = message(
    "Hi! I like to shop at %(shop)s. Order with this link, and you get %(gift)s credit for your next order:"
)
BACK = {
    True: message(
        "Hi! I like to shop at %(shop)s. Order with this link, and you get %(gift)s of your first order back as credit:"
    ),
    False: message(
        "Hi! I like to shop at %(shop)s. Order with this link, and you get %(gift)s of your order back as credit:"
    ),
}
PLAIN = message("Hi! I like to shop at %(shop)s, and thought that you might too:")
SUBJECT = message("Something from %(shop)s for you")


def invitation(offer: Offer, formats: Formats) -> str:
    """What the customer may write before their link: what it promises is what the link's page does."""
    terms = offer.terms
    if terms is None or terms.friend_reward is None:
        return formats.say(PLAIN, shop=offer.look.name)
    gift = gift_of(terms.friend_reward, terms.currency, formats)
    return formats.say(
        _words(terms.friend_reward, is_for_new=terms.new_customers_only), shop=offer.look.name, gift=gift
    )


def subject(offer: Offer, formats: Formats) -> str:
    """What stands above a letter."""
    return formats.say(SUBJECT, shop=offer.look.name)


def _words(reward: RewardTerms, *, is_for_new: bool) -> str:
    if reward.given_as == "discount":
        return DISCOUNT[is_for_new]
    return CREDIT if isinstance(reward, FixedReward) else BACK[is_for_new]


def promises(terms: Terms, formats: Formats) -> Iterator[str]:
    """What the advocate gets by the terms, in short sentences."""
    reward, say = terms.advocate_reward, formats.say
    if reward is None:
        yield say("This program thanks your friends, and you by their joy.")
        return
    yield _per_order(reward, terms, formats)
    if terms.hold.days:
        yield formats.say_many(
            "It ripens for one day after the order.",
            "It ripens for %(number)s days after the order.",
            terms.hold.days,
        )
    for tier in terms.tiers:
        yield better(tier.from_referral, tier.advocate_reward, terms.currency, formats)
    if terms.max_rewards_per_advocate is not None:
        yield formats.say_many(
            "You can be rewarded for one friend.",
            "You can be rewarded for up to %(number)s friends.",
            terms.max_rewards_per_advocate,
        )
    yield from lapsing(terms, formats)


def _per_order(reward: RewardTerms, terms: Terms, formats: Formats) -> str:
    gift = gift_of(reward, terms.currency, formats)
    gift = gift if isinstance(reward, FixedReward) else formats.say("%(rate)s of the order", rate=gift)
    if terms.rewarded_orders is None:
        return formats.say("You get %(gift)s as credit for every order of your friends.", gift=gift)
    return formats.say_many(
        "You get %(gift)s as credit for each friend's first order.",
        "You get %(gift)s as credit for each of a friend's first %(number)s orders.",
        terms.rewarded_orders,
        gift=gift,
    )


def better(from_referral: int, reward: RewardTerms, currency: str, formats: Formats) -> str:
    """From which friend on there is more."""
    gift = gift_of(reward, currency, formats)
    return formats.say(
        "From friend number %(number)s on, it is %(gift)s.", number=formats.whole(from_referral), gift=gift
    )


def progress(terms: Terms, rewarded_friends: int, formats: Formats) -> str | None:
    """How far the advocate is on the way to the next tier; None before the first friend, and where none is to come."""
    following = next((tier for tier in terms.tiers if tier.from_referral > rewarded_friends), None)
    if following is None or not rewarded_friends:
        return None
    so_far = formats.say_many(
        "One friend has brought you a reward so far.",
        "%(number)s friends have brought you rewards so far.",
        rewarded_friends,
    )
    return f"{so_far} {better(following.from_referral, following.advocate_reward, terms.currency, formats)}"
