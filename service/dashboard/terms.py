"""PURE: a program's terms in plain words, and how two versions of them differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.formats import Formats
from service.languages import message
from service.ledger.rewards import FixedReward, RewardTerms
from service.programs import soundness
from service.programs.terms import Terms, terms_of

GIVEN = {"credit": message("as credit"), "discount": message("off the order")}
SIDES = {"advocate_reward": message("The advocate gets"), "friend_reward": message("The friend gets")}
TIER = message("From the advocate's friend number %(number)s on")
MINIMUM = message("The order must be")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that terms say: what it is about, and what it is."""

    about: str
    is_: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What two versions say of one thing; None where one of them says nothing of it."""

    about: str
    before: str | None
    after: str | None


def in_words(stored: Mapping[str, Any], formats: Formats) -> list[Said]:
    """All that terms say, of any version ever stored."""
    terms, say = terms_of(stored), formats.say
    said = _amounts(terms, terms.currency, formats)
    for _, others in sorted(terms.others.items()):
        said += _amounts(others, terms.currency, formats)
    ripen, lapse = terms.hold.days, terms.reward_expiry
    audience = say("new customers only") if terms.new_customers_only else say("everybody")
    return [
        *said,
        Said(say("Its currency"), terms.currency),
        Said(say("A visit counts for"), _days(terms.attribution_window.days, formats)),
        Said(say("Rewards ripen"), _after(ripen, formats) if ripen else say("at once")),
        Said(say("It is for"), audience),
        Said(say("Rewarded orders of a friend"), _orders(terms.rewarded_orders, formats)),
        Said(say("Rewards for each advocate"), _most(terms.max_rewards_per_advocate, formats)),
        Said(say("Credit lapses"), say("never") if lapse is None else _after(lapse.days, formats)),
    ]


def doubts(stored: Mapping[str, Any], formats: Formats) -> list[Said]:
    """What is allowed in terms, and probably not meant. stored: complete."""
    return [
        Said(
            place_in_words(field, stored, formats),
            formats.say(doubt.text, minimum=formats.money(doubt.minimum, doubt.currency)),
        )
        for field, doubt in soundness.doubts(stored).items()
    ]


def place_in_words(field: str, stored: Mapping[str, Any], formats: Formats) -> str:
    """What people call a field of terms whose amounts are in a currency."""
    *places, name = field.split(".")
    currency = places[-1] if places else stored["currency"]
    return _about(SIDES[name], currency, stored["currency"], formats)


def differences(before: Mapping[str, Any], after: Mapping[str, Any], formats: Formats) -> list[Difference]:
    """What is said otherwise, in the order in which terms say it."""
    old = {said.about: said.is_ for said in in_words(before, formats)}
    new = {said.about: said.is_ for said in in_words(after, formats)}
    return [
        Difference(about, old.get(about), new.get(about))
        for about in dict.fromkeys([*new, *old])
        if old.get(about) != new.get(about)
    ]


def _amounts(terms: Terms, own: str, formats: Formats) -> list[Said]:
    """own: the program's currency, of which it need not be said."""

    def about(text: str, **values: object) -> str:
        return _about(text, terms.currency, own, formats, **values)

    said = [Said(about(SIDES["advocate_reward"]), _reward(terms.advocate_reward, terms.currency, formats))]
    for tier in terms.tiers:
        better = _reward(tier.advocate_reward, terms.currency, formats)
        said.append(Said(about(TIER, number=formats.whole(tier.from_referral)), better))
    said.append(Said(about(SIDES["friend_reward"]), _reward(terms.friend_reward, terms.currency, formats)))
    if terms.minimum_order_amount:
        least = formats.money(terms.minimum_order_amount, terms.currency)
        said.append(Said(about(MINIMUM), formats.say("%(amount)s or more", amount=least)))
    return said


def _about(text: str, currency: str, own: str, formats: Formats, **values: object) -> str:
    said = formats.say(text, **values)
    return said if currency == own else formats.say("%(about)s in %(currency)s", about=said, currency=currency)


def _reward(reward: RewardTerms | None, currency: str, formats: Formats) -> str:
    if reward is None:
        return formats.say("nothing")
    given = formats.say(GIVEN[reward.given_as])
    if isinstance(reward, FixedReward):
        return formats.say("%(amount)s %(given)s", amount=formats.money(reward.amount, currency), given=given)
    rate = formats.hundredths(reward.rate_basis_points)
    if not reward.max_amount:
        return formats.say("%(rate)s of the order, %(given)s", rate=rate, given=given)
    most = formats.money(reward.max_amount, currency)
    return formats.say("%(rate)s of the order, at most %(most)s, %(given)s", rate=rate, most=most, given=given)


def _days(days: int, formats: Formats) -> str:
    return formats.say_many("one day", "%(number)s days", days)


def _after(days: int, formats: Formats) -> str:
    return formats.say_many("after one day", "after %(number)s days", days)


def _orders(number: int | None, formats: Formats) -> str:
    if number is None:
        return formats.say("all of them")
    return formats.say_many("the first", "the first %(number)s", number)


def _most(number: int | None, formats: Formats) -> str:
    if number is None:
        return formats.say("as many as they earn")
    return formats.say("at most %(number)s", number=formats.whole(number))


STATES: Sequence[tuple[str, str, str]] = (
    ("active", "paused", message("Pause it")),
    ("active", "ended", message("End it")),
    ("paused", "active", message("Go on with it")),
    ("paused", "ended", message("End it")),
    ("ended", "active", message("Begin it again")),
)
"""(status, the one that it can be given, what the button says)."""

MEANING = {
    "active": message("Links lead on, and orders earn."),
    "paused": message("Links lead on, and promise nothing; orders earn nothing, until it goes on."),
    "ended": message("Links lead to a page that says so, and orders earn nothing. What was earned stays."),
}
