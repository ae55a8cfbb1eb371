"""PURE: which terms contradict themselves and are refused, and which are allowed and probably not meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import BadValues
from service.languages import message

IN_A_CURRENCY = ("advocate_reward", "friend_reward", "minimum_order_amount", "tiers")
"""The fields whose amounts are in the program's currency, so that another currency needs them anew."""

NOBODY = message("Nobody is rewarded: neither the advocate nor the friend.")
NO_MINIMUM = message("It is fixed, and there is no minimum of the order: the smallest order earns all of it.")
ABOVE_MINIMUM = message("It is more than the smallest order that earns it, which is %(minimum)s.")


def refuse_contradictions(terms: Mapping[str, Any]) -> None:
    """Raise BadValues for terms whose fields contradict each other."""
    cap = terms["max_rewards_per_advocate"]
    faults = _contradictions(terms, cap)
    for currency, amounts in terms["other_currencies"].items():
        place = f"other_currencies.{currency}"
        if currency == terms["currency"]:
            faults[place] = "It is the program's own currency."
        faults |= {f"{place}.{name}": fault for name, fault in _contradictions(amounts, cap).items()}
    if faults:
        raise BadValues(faults)


def refuse_amounts_of_another_currency(before: Mapping[str, Any], said: Mapping[str, Any]) -> None:
    """Raise BadValues where a program gets another currency and keeps amounts of the old one."""
    if said.get("currency", before["currency"]) == before["currency"]:
        return
    kept = [name for name in IN_A_CURRENCY if before[name] and name not in said]
    message = f"It was said in {before['currency']}: give it anew in {said['currency']}, or null."
    if kept:
        raise BadValues(dict.fromkeys(kept, message))


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why something is probably not meant. minimum: what stands in it, in minor units of the currency."""

    text: str
    currency: str
    minimum: int = 0


def warnings(terms: Mapping[str, Any]) -> dict[str, str]:
    """What is allowed and probably not meant: field -> why, for programs."""
    return {field: doubt.text % {"minimum": f"{doubt.minimum} (minor units)"} for field, doubt in doubts(terms).items()}


def doubts(terms: Mapping[str, Any]) -> dict[str, Doubt]:
    """The same: field -> doubt."""
    found = _doubts(terms, terms["currency"])
    for currency, amounts in terms["other_currencies"].items():
        of_one = _doubts(amounts, currency)
        found |= {f"other_currencies.{currency}.{name}": doubt for name, doubt in of_one.items()}
    return found


def _doubts(terms: Mapping[str, Any], currency: str) -> dict[str, Doubt]:
    sides = {name: terms[name] for name in ("advocate_reward", "friend_reward") if terms[name]}
    if not sides:
        return {"advocate_reward": Doubt(NOBODY, currency)}
    minimum, found = terms["minimum_order_amount"], {}
    for name, reward in sides.items():
        if reward["type"] == "fixed" and not minimum:
            found[name] = Doubt(NO_MINIMUM, currency)
        elif reward["type"] == "fixed" and reward["amount"] > minimum:
            found[name] = Doubt(ABOVE_MINIMUM, currency, minimum)
    return found


def _contradictions(terms: Mapping[str, Any], cap: int | None) -> dict[str, str]:
    faults = {}
    if terms["advocate_reward"] and terms["advocate_reward"]["as"] != "credit":
        faults["advocate_reward.as"] = "Only a friend's reward can be a discount."
    steps = [tier["from_referral"] for tier in terms["tiers"]]
    if steps != sorted(set(steps)):
        faults["tiers"] = "Tiers must rise: each from_referral above the one before."
    if any(tier["advocate_reward"]["as"] != "credit" for tier in terms["tiers"]):
        faults["tiers"] = "Only a friend's reward can be a discount."
    if terms["tiers"] and not terms["advocate_reward"]:
        faults["tiers"] = "Tiers better an advocate_reward, and there is none."
    if cap is not None and steps and steps[-1] > cap:
        faults["tiers"] = "A tier beyond max_rewards_per_advocate can never be reached."
    return faults
