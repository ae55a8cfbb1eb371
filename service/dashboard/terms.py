"""PURE: a program's terms in plain words, and how two versions of them differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.dashboard.formats import Formats
from service.ledger.rewards import FixedReward, RewardTerms
from service.programs.terms import Terms, terms_of

GIVEN = {"credit": "as credit", "discount": "off the order"}
NOTHING = "nothing"


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
    terms = terms_of(stored)
    said = _amounts(terms, "", formats)
    for currency, others in sorted(terms.others.items()):
        said += _amounts(others, f" in {currency}", formats)
    return [
        *said,
        Said("A visit counts for", _days(terms.attribution_window.days)),
        Said("Rewards ripen", "at once" if not terms.hold.days else f"after {_days(terms.hold.days)}"),
        Said("It is for", "new customers only" if terms.new_customers_only else "everybody"),
        Said("Rewarded orders of a friend", _orders(terms.rewarded_orders)),
        Said("Rewards for each advocate", _most(terms.max_rewards_per_advocate)),
        Said("Credit lapses", "never" if terms.reward_expiry is None else f"after {_days(terms.reward_expiry.days)}"),
    ]


def differences(before: Mapping[str, Any], after: Mapping[str, Any], formats: Formats) -> list[Difference]:
    """What is said otherwise, in the order in which terms say it."""
    old = {said.about: said.is_ for said in in_words(before, formats)}
    new = {said.about: said.is_ for said in in_words(after, formats)}
    return [
        Difference(about, old.get(about), new.get(about))
        for about in dict.fromkeys([*new, *old])
        if old.get(about) != new.get(about)
    ]


def _amounts(terms: Terms, where: str, formats: Formats) -> list[Said]:
    said = [Said(f"The advocate gets{where}", _reward(terms.advocate_reward, terms.currency, formats))]
    for tier in terms.tiers:
        better = _reward(tier.advocate_reward, terms.currency, formats)
        said.append(Said(f"From the advocate's friend number {tier.from_referral} on{where}", better))
    said.append(Said(f"The friend gets{where}", _reward(terms.friend_reward, terms.currency, formats)))
    if terms.minimum_order_amount:
        least = formats.money(terms.minimum_order_amount, terms.currency)
        said.append(Said(f"The order must be{where}", f"{least} or more"))
    return said


def _reward(reward: RewardTerms | None, currency: str, formats: Formats) -> str:
    if reward is None:
        return NOTHING
    given = GIVEN[reward.given_as]
    if isinstance(reward, FixedReward):
        return f"{formats.money(reward.amount, currency)} {given}"
    limit = f", at most {formats.money(reward.max_amount, currency)}" if reward.max_amount else ""
    return f"{formats.hundredths(reward.rate_basis_points)} of the order{limit}, {given}"


def _days(days: int) -> str:
    return "one day" if days == 1 else f"{days} days"


def _orders(number: int | None) -> str:
    if number is None:
        return "all of them"
    return "the first" if number == 1 else f"the first {number}"


def _most(number: int | None) -> str:
    return "as many as they earn" if number is None else f"at most {number}"


STATES: Sequence[tuple[str, str, str]] = (
    ("active", "paused", "Pause it"),
    ("active", "ended", "End it"),
    ("paused", "active", "Go on with it"),
    ("paused", "ended", "End it"),
    ("ended", "active", "Begin it again"),
)
"""(status, the one that it can be given, what the button says)."""

MEANING = {
    "active": "Links lead on, and orders earn.",
    "paused": "Links lead on, and promise nothing; orders earn nothing, until it goes on.",
    "ended": "Links lead to a page that says so, and orders earn nothing. What was earned stays.",
}
