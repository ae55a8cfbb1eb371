"""PURE: the form by which a program's terms are changed: which fields there are, how they are called and explained."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.dashboard.editing import is_in, of_currencies, tiers_in
from service.dashboard.terms import GIVEN, SIDES
from service.formats import Formats
from service.languages import message

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

NO_STEP = message("Empty, and nothing chosen: no such step.")
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
class Form:
    """A form that is filled in. faults: field -> what is wrong with it, in the reader's language."""

    values: Mapping[str, str]
    faults: Mapping[str, str]
    formats: Formats

    def groups(self, before: Mapping[str, object]) -> list[Group]:
        """All of it. before: the terms in force, whose currencies it has."""
        say, made = self.formats.say, []
        for place, currency, _ in of_currencies(before):
            if is_in(self.values, place):
                made += self._of_currency(place, currency)
        limits = [self._control(name, say(label), hint=hint) for name, (label, hint) in LIMITS.items()]
        audience = self._control("new_customers_only", say("It is for"), AUDIENCES)
        return [*made, Group(say("For every order"), [audience, *limits])]

    def _of_currency(self, place: str, currency: str) -> list[Group]:
        say, made = self.formats.say, []
        for name, title in SIDES.items():
            of_side = say("%(about)s in %(currency)s", about=say(title), currency=currency)
            made.append(Group(of_side, self._of_reward(f"{place}{name}", currency, has_ways=name == "friend_reward")))
        at_least = say("The order must be at least, in %(currency)s", currency=currency)
        least = self._control(f"{place}minimum_order_amount", at_least)
        made.append(Group(say("Orders in %(currency)s", currency=currency), [least]))
        for number in range(len(tiers_in(self.values, place)) + 1):
            tier = f"{place}tiers.{number}"
            first = self._control(f"{tier}.from_referral", say("From the friend number"), hint=NO_STEP)
            rest = self._of_reward(f"{tier}.advocate_reward", currency, has_ways=False)
            title = say("Step %(number)s for the advocate, in %(currency)s", number=number + 1, currency=currency)
            made.append(Group(title, [first, *rest]))
        return made

    def _of_reward(self, place: str, currency: str, *, has_ways: bool) -> list[Control]:
        say = self.formats.say
        made = [
            self._control(f"{place}.type", say("What"), KINDS),
            self._control(f"{place}.value", say("How much, in %(currency)s or percent", currency=currency)),
            self._control(f"{place}.max_amount", say("At most, in %(currency)s", currency=currency), hint=OF_A_SHARE),
        ]
        return [*made, self._control(f"{place}.as", say("How"), GIVEN)] if has_ways else made

    def _control(self, name: str, label: str, choices: Mapping[str, str] | None = None, hint: str = "") -> Control:
        say = self.formats.say
        translated = None if choices is None else {value: say(text) for value, text in choices.items()}
        value, fault = self.values.get(name, ""), self.faults.get(name, "")
        return Control(name, label, value, translated, say(hint), fault)
