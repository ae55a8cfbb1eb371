"""PURE: the terms of a program as the fields of a form, and the terms that such fields say.

A field of the form is named as the contract names its place, but for a reward's `value`: its amount or its rate.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service import currencies
from service.dashboard.terms import SIDES
from service.formats import Formats
from service.languages import message

WHOLE = re.compile(r"[0-9]{1,18}")
NUMBERS = (
    "attribution_window_days",
    "hold_days",
    "rewarded_orders",
    "max_rewards_per_advocate",
    "reward_expiry_days",
)
MOST_TIERS = 21
"""One more than the contract has, so that it is the contract that refuses them."""

OF_OTHERS = re.compile(r"^(other_currencies\.[A-Z]{3})\.(?:value|key)")
"""How a schema names the place of what is said in another currency."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form says: terms as the contract has them, and what of it cannot be read, field of the form -> fault."""

    terms: dict[str, Any]
    faults: dict[str, str] = field(default_factory=dict)

    def changes(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """What of it differs from these terms."""
        return {name: value for name, value in self.terms.items() if value != before[name]}


def values_of(terms: Mapping[str, Any]) -> dict[str, str]:
    """What the form holds of these terms. terms: complete."""
    values = {name: "" if terms[name] is None else str(terms[name]) for name in NUMBERS}
    values["new_customers_only"] = "true" if terms["new_customers_only"] else "false"
    for place, currency, amounts in of_currencies(terms):
        for name in SIDES:
            values |= _values_of_reward(f"{place}{name}", amounts[name], currency)
        values[f"{place}minimum_order_amount"] = str(currencies.exact(amounts["minimum_order_amount"], currency))
        for number, tier in enumerate(amounts["tiers"]):
            values[f"{place}tiers.{number}.from_referral"] = str(tier["from_referral"])
            values |= _values_of_reward(f"{place}tiers.{number}.advocate_reward", tier["advocate_reward"], currency)
    return values


def _values_of_reward(place: str, reward: Mapping[str, Any] | None, currency: str) -> dict[str, str]:
    if reward is None:
        return {f"{place}.type": ""}
    is_fixed, limit = reward["type"] == "fixed", reward.get("max_amount")
    return {
        f"{place}.type": reward["type"],
        f"{place}.value": str(currencies.exact(reward["amount"], currency)) if is_fixed else reward["rate"],
        f"{place}.max_amount": "" if limit is None else str(currencies.exact(limit, currency)),
        f"{place}.as": reward.get("as", "credit"),
    }


def of_currencies(terms: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(where the contract has them, the currency, what is said in it) of each currency of these terms."""
    yield "", terms["currency"], terms
    for currency, amounts in sorted(terms["other_currencies"].items()):
        yield f"other_currencies.{currency}.", currency, amounts


def is_in(values: Mapping[str, str], place: str) -> bool:
    """Whether the form has what is said in this currency: one that was added since it was made it has not."""
    return not place or f"{place}minimum_order_amount" in values


def tiers_in(values: Mapping[str, str], place: str) -> list[str]:
    """The places of the tiers of which the form says anything."""
    found = {name.removeprefix(place).split(".")[1] for name in values if name.startswith(f"{place}tiers.")}
    numbers = sorted(int(number) for number in found if WHOLE.fullmatch(number))
    places = [f"{place}tiers.{number}" for number in numbers[:MOST_TIERS]]
    said = ("from_referral", "advocate_reward.type")
    return [tier for tier in places if any(values.get(f"{tier}.{name}", "").strip() for name in said)]


def tidied(values: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, str]:
    """The same form with its tiers numbered as the terms will have them, those that were emptied left out."""
    kept = {name: value for name, value in values.items() if "tiers." not in name}
    for place, _, _ in of_currencies(before):
        for number, tier in enumerate(tiers_in(values, place)):
            of_tier = {name.removeprefix(tier): value for name, value in values.items() if name.startswith(f"{tier}.")}
            kept |= {f"{place}tiers.{number}{name}": value for name, value in of_tier.items()}
    return kept


def draft_of(values: Mapping[str, str], before: Mapping[str, Any], formats: Formats) -> Draft:
    """The terms that a form says. before: those in force; of a currency that the form does not have, they stay."""
    return _Reading(values, formats).draft(before)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A form as it is read."""

    values: Mapping[str, str]
    formats: Formats
    faults: dict[str, str] = field(default_factory=dict)

    def draft(self, before: Mapping[str, Any]) -> Draft:
        terms: dict[str, Any] = {name: self._whole(name) for name in NUMBERS}
        terms["new_customers_only"] = self._text("new_customers_only") != "false"
        terms["other_currencies"] = {}
        for place, currency, kept in of_currencies(before):
            said = self._amounts(place, currency, kept) if is_in(self.values, place) else kept
            (terms["other_currencies"] if place else {}).update({currency: said})
            terms.update({} if place else said)
        return Draft(terms, self.faults)

    def _amounts(self, place: str, currency: str, before: Mapping[str, Any]) -> dict[str, Any]:
        tiers = [
            {
                "from_referral": self._first_of(tier),
                "advocate_reward": self._reward(f"{tier}.advocate_reward", currency, is_new=False),
            }
            for tier in tiers_in(self.values, place)
        ]
        rewards = {name: self._reward(f"{place}{name}", currency, is_new=before[name] is None) for name in SIDES}
        least = self._amount(f"{place}minimum_order_amount", currency) or 0
        return {**rewards, "tiers": tiers, "minimum_order_amount": least}

    def _first_of(self, tier: str) -> int | None:
        name = f"{tier}.from_referral"
        if not self._text(name):
            self._fault(name, message("Say from which friend on, or choose nothing."))
        return self._whole(name)

    def _reward(self, place: str, currency: str, *, is_new: bool) -> dict[str, Any] | None:
        kind = self._text(f"{place}.type")
        if not kind:
            if is_new and self._text(f"{place}.value"):
                self._fault(f"{place}.type", message("Choose what it is, too."))
            return None
        reward: dict[str, Any] = {"type": kind, "as": self._text(f"{place}.as") or "credit"}
        limit = self._amount(f"{place}.max_amount", currency)
        if kind == "fixed":
            reward["amount"] = self._amount(f"{place}.value", currency)
            if limit is not None:
                self._fault(f"{place}.max_amount", message("Only a share of the order has a limit."))
            return reward
        return {**reward, "rate": self._text(f"{place}.value").replace(",", "."), "max_amount": limit}

    def _amount(self, name: str, currency: str) -> int | None:
        text = self._text(name)
        amount = currencies.written(text, currency)
        if text and amount is None:
            example = currencies.exact(1050 if currencies.decimals(currency) else 10, currency)
            self._fault(name, message("Write it as %(example)s."), example=example)
        return amount

    def _whole(self, name: str) -> int | None:
        text = self._text(name)
        if text and WHOLE.fullmatch(text) is None:
            self._fault(name, message("Write a whole number, such as 14."))
            return None
        return int(text) if text else None

    def _text(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def _fault(self, name: str, text: str, **values: object) -> None:
        self.faults.setdefault(name, self.formats.say(text, **values))


def by_field(faults: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Faults of the contract's places as faults of the form's fields; those of no field are under ""."""
    placed: dict[str, str] = {}
    for place, fault in faults.items():
        at = re.sub(r"\.(amount|rate)$", ".value", OF_OTHERS.sub(r"\1", place))
        near = (at, f"{at}.type", f"{at}.0.from_referral", f"{at}.minimum_order_amount")
        name = next((name for name in near if name in values), "")
        placed[name] = " ".join([*([placed[name]] if name in placed else []), fault])
    return placed
