"""PURE: what a rule is, what it looks at, and what it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from service.links.states import LinkStatus
from service.programs.states import ProgramStatus
from service.programs.terms import Terms


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the decision on an order rests on. Amounts in minor units.

    friend_id: None while nobody knows who will order (a quote), or where nobody ever will.
    friend_is_unknown: the order names nobody. friend_is_advocate: the two are customers of one person.
    visited_at: None where a link token or a code is the evidence, or the friend was referred before.
    friend_came_before: the shop knew them before Orchard.
    friend_is_above: the friend stands somewhere above the advocate in the chain of who brought whom.
    rewarded_friends: how many other friends of this advocate the program's cap and tiers count; 0 without either.
    has_earlier_order: one that was placed before this one or with it, and stands.
    is_referred: the friend has a referral, to which the order belongs whatever came with it.
    referral_stands: some order of that referral was neither cancelled nor denied.
    given_by_another: what came with it is another advocate's, who earns nothing by it.
    rewarded_orders: how many orders of this friend earned rewards, and stand.
    kept: rules that were asked before, and what they said then, which holds: a quote is a promise.
    """

    program_id: UUID
    terms: Terms
    terms_version: int
    program_status: ProgramStatus
    link_id: UUID
    link_status: LinkStatus
    link_expires_at: datetime | None
    visited_at: datetime | None
    ordered_at: datetime
    eligible_amount: int
    currency: str
    advocate_id: str
    friend_id: str | None
    friend_is_unknown: bool
    friend_is_advocate: bool
    friend_came_before: bool
    friend_is_above: bool
    has_earlier_order: bool
    rewarded_friends: int
    is_referred: bool
    referral_stands: bool
    given_by_another: bool
    rewarded_orders: int
    kept: Mapping[str, "Decision"] = field(default_factory=dict)

    @property
    def friend_earns(self) -> bool:
        """Whether the friend's side earns something by this order."""
        reward = self.terms.friend_reward
        return reward is not None and reward.of(self.eligible_amount) > 0


BY_HAND = "Overruled by hand: "
"""How the detail begins of what a human decided; what they wrote follows."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one rule said, and why, for staff."""

    rule: str
    passed: bool
    detail: str

    @classmethod
    def of_stored(cls, stored: Mapping[str, Any]) -> "Decision":
        """The decision that a conversion keeps in this form."""
        return cls(stored["rule"], stored["passed"], stored["detail"])

    def as_stored(self) -> dict[str, object]:
        """The form in which a conversion keeps it."""
        return {"rule": self.rule, "passed": self.passed, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a referral earns no credit: its name in the contract, the rule for staff, the words for the customer."""

    name: str
    staff_text: str
    customer_text: str

    def noted(self, detail: str) -> Decision:
        """That it holds."""
        return Decision(self.name, False, detail)


Ask = Callable[[Facts], tuple[bool, str]]
"""Whether a rule agrees, and why, for staff."""


@dataclass(frozen=True, slots=True)
class Rule(Reason):
    """A reason that the facts of an order alone decide."""

    ask: Ask

    def decide(self, facts: Facts) -> Decision:
        """What the rule says to these facts, or said before where that holds."""
        return facts.kept.get(self.name) or Decision(self.name, *self.ask(facts))
