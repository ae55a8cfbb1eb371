"""PURE: a program's terms as a form, and a form as the terms that it says.

A field of the form is named as the contract names its place, but for a reward's `value`: its amount or its rate.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service import currencies
from service.dashboard.formats import Formats
from service.dashboard.terms import GIVEN, SIDES
from service.languages import message

WHOLE = re.compile(r"[0-9]{1,9}")
KINDS = {
    "": message("nothing"),
    "fixed": message("an amount"),
    "percent": message("a share of the order, in percent"),
}
AUDIENCES = {"true": message("new customers only"), "false": message("everybody")}
LIMITS = {
    "attribution_window_days": (message("A visit counts for, in days"), ""),
    "hold_days": (message("Rewards ripen after, in days"), ""),
    "rewarded_orders": (message("How many orders of a friend are rewarded"), message("Empty: all of them.")),
    "max_rewards_per_advocate": (message("Most rewards for each advocate"), message("Empty: as many as they earn.")),
    "reward_expiry_days": (message("Credit lapses after, in days"), message("Empty: never.")),
}
"""Field -> (what it is called, what is said beside it)."""

NO_STEP = message("Empty: no such step.")
OF_A_SHARE = message("For a share of the order. Empty: no limit.")


@dataclass(frozen=True, slots=True)
class Control:
    """One field of the form. choices: what can be chosen, value -> text; None where it is written."""

    name: str
    label: str
    value: str
    choices: Mapping[str, str] | None = None
    hint: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together."""

    title: str
    controls: list[Control]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form says: terms as the contract has them, and what of it cannot be read, field of the form -> fault."""

    terms: dict[str, Any]
    faults: dict[str, str] = field(default_factory=dict)


def values_of(terms: Mapping[str, Any]) -> dict[str, str]:
    """What the form holds of these terms. terms: complete."""
    values = {name: _text(terms[name]) for name in LIMITS}
    values["new_customers_only"] = "true" if terms["new_customers_only"] else "false"
    for place, currency, amounts in _currencies(terms):
        for name in SIDES:
            values |= _values_of_reward(f"{place}{name}", amounts[name], currency)
        values[f"{place}minimum_order_amount"] = str(currencies.exact(amounts["minimum_order_amount"], currency))
        for number, tier in enumerate(amounts["tiers"]):
            values[f"{place}tiers.{number}.from_referral"] = str(tier["from_referral"])
            values |= _values_of_reward(f"{place}tiers.{number}.advocate_reward", tier["advocate_reward"], currency)
    return values


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


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


def draft_of(values: Mapping[str, str], before: Mapping[str, Any]) -> Draft:
    """The terms that a form says. before: those in force; of a currency that the form does not have, they stay."""
    draft = Draft({})
    draft.terms.update({name: _whole(values, name, draft.faults) for name in LIMITS})
    draft.terms["new_customers_only"] = values.get("new_customers_only") != "false"
    others: dict[str, Any] = {}
    for place, currency, kept in _currencies(before):
        if place and f"{place}minimum_order_amount" not in values:
            others[currency] = kept
            continue
        amounts = draft.terms if not place else others.setdefault(currency, {})
        amounts |= {name: _reward(values, f"{place}{name}", currency, draft.faults) for name in SIDES}
        name = f"{place}minimum_order_amount"
        amounts["minimum_order_amount"] = _amount(values, name, currency, draft.faults) or 0
        amounts["tiers"] = [
            {
                "from_referral": _whole(values, f"{tier}.from_referral", draft.faults),
                "advocate_reward": _reward(values, f"{tier}.advocate_reward", currency, draft.faults),
            }
            for tier in _tiers(values, place)
        ]
    draft.terms["other_currencies"] = others
    return draft


def _reward(values: Mapping[str, str], place: str, currency: str, faults: dict[str, str]) -> dict[str, Any] | None:
    kind = values.get(f"{place}.type", "")
    if not kind:
        return None
    reward: dict[str, Any] = {"type": kind, "as": values.get(f"{place}.as") or "credit"}
    if kind == "fixed":
        reward["amount"] = _amount(values, f"{place}.value", currency, faults)
    else:
        reward["rate"] = values.get(f"{place}.value", "").strip().replace(",", ".")
        reward["max_amount"] = _amount(values, f"{place}.max_amount", currency, faults)
    return reward


def _amount(values: Mapping[str, str], name: str, currency: str, faults: dict[str, str]) -> int | None:
    text = values.get(name, "").strip()
    amount = currencies.written(text, currency)
    if text and amount is None:
        faults[name] = f"Write it as {currencies.exact(1050 if currencies.decimals(currency) else 10, currency)}."
    return amount


def _whole(values: Mapping[str, str], name: str, faults: dict[str, str]) -> int | None:
    text = values.get(name, "").strip()
    if not text:
        return None
    if WHOLE.fullmatch(text) is None:
        faults[name] = message("Write a whole number, such as 14.")
        return None
    return int(text)


def _currencies(terms: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(where the contract has them, the currency, what is said in it) of each currency of these terms."""
    yield "", terms["currency"], terms
    for currency, amounts in sorted(terms["other_currencies"].items()):
        yield f"other_currencies.{currency}.", currency, amounts


def _tiers(values: Mapping[str, str], place: str) -> list[str]:
    """The places of the tiers of which the form says anything."""
    found = {name.removeprefix(place).split(".")[1] for name in values if name.startswith(f"{place}tiers.")}
    numbers = sorted(int(number) for number in found if WHOLE.fullmatch(number))
    places = [f"{place}tiers.{number}" for number in numbers]
    return [tier for tier in places if values.get(f"{tier}.from_referral", "").strip()]


def tidied(values: Mapping[str, str], before: Mapping[str, Any]) -> dict[str, str]:
    """The same form with its tiers numbered as the terms will have them, those that were emptied left out."""
    kept = {name: value for name, value in values.items() if "tiers." not in name}
    for place, _, _ in _currencies(before):
        for number, tier in enumerate(_tiers(values, place)):
            of_tier = {name.removeprefix(tier): value for name, value in values.items() if name.startswith(f"{tier}.")}
            kept |= {f"{place}tiers.{number}{name}": value for name, value in of_tier.items()}
    return kept


def groups(
    values: Mapping[str, str], before: Mapping[str, Any], faults: Mapping[str, str], formats: Formats
) -> list[Group]:
    """The form. values: of its fields. faults: field of the form -> what is wrong with it."""
    say = formats.say

    def control(name: str, label: str, choices: Mapping[str, str] | None = None, hint: str = "") -> Control:
        translated = None if choices is None else {value: say(text) for value, text in choices.items()}
        fault = faults.get(name, "")
        return Control(name, label, values.get(name, ""), translated, hint and say(hint), fault and say(fault))

    made = []
    for place, currency, _ in _currencies(before):
        for name, title in SIDES.items():
            of_side = say("%(about)s in %(currency)s", about=say(title), currency=currency)
            made.append(Group(of_side, _of_reward(control, f"{place}{name}", currency, name, formats)))
        at_least = say("The order must be at least, in %(currency)s", currency=currency)
        least = control(f"{place}minimum_order_amount", at_least)
        made.append(Group(say("Orders in %(currency)s", currency=currency), [least]))
        for number in range(len(_tiers(values, place)) + 1):
            tier = f"{place}tiers.{number}"
            first = control(f"{tier}.from_referral", say("From the friend number"), None, NO_STEP)
            rest = _of_reward(control, f"{tier}.advocate_reward", currency, "advocate_reward", formats)
            title = say("Step %(number)s for the advocate, in %(currency)s", number=number + 1, currency=currency)
            made.append(Group(title, [first, *rest]))
    limits = [control(name, say(label), None, hint) for name, (label, hint) in LIMITS.items()]
    audience = control("new_customers_only", say("It is for"), AUDIENCES)
    return [*made, Group(say("For every order"), [audience, *limits])]


def _of_reward(
    control: Callable[..., Control], place: str, currency: str, name: str, formats: Formats
) -> list[Control]:
    say = formats.say
    made = [
        control(f"{place}.type", say("What"), KINDS),
        control(f"{place}.value", say("How much, in %(currency)s or percent", currency=currency)),
        control(f"{place}.max_amount", say("At most, in %(currency)s", currency=currency), None, OF_A_SHARE),
    ]
    return made if name == "advocate_reward" else [*made, control(f"{place}.as", say("How"), GIVEN)]


def by_control(faults: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """Faults of the contract's places as faults of the form's fields; those of no field are under ""."""
    placed: dict[str, str] = {}
    for place, fault in faults.items():
        at = re.sub(r"\.(amount|rate)$", ".value", place)
        name = next((name for name in (at, f"{at}.type") if name in values), "")
        placed[name] = " ".join([*([placed[name]] if name in placed else []), fault])
    return placed
