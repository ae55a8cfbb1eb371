"""PURE: how the books name what happened, made and taken apart in this one place.

A reference is `<noun>:<id>`, or `<noun>:<id>:<step>:<id of the step>` for what happens to the noun later. The noun and
its id say what a transaction is about; the whole names the transaction for ever.
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Noun(StrEnum):
    """What a transaction is about."""

    CONVERSION = "conversion"
    REDEMPTION = "redemption"
    ADJUSTMENT = "adjustment"
    MERGE = "merge"


class Step(StrEnum):
    """What happened to the rewards of an order after they were earned. Its id names the step."""

    REFUND = "refund"
    REVERSAL = "reversal"
    VOID = "void"
    REOPENING = "reopening"
    AMENDMENT = "amendment"
    ATTRIBUTION = "attribution"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a transaction is about: the noun, and which one."""

    noun: Noun
    subject_id: UUID


def subject_of(reference: str) -> Subject:
    """What the transaction of this reference is about. Raises ValueError for what is no reference of ours."""
    noun, _, rest = reference.partition(":")
    return Subject(Noun(noun), UUID(rest.partition(":")[0]))


def earned(conversion_id: UUID) -> str:
    """What both sides earned from an order."""
    return f"{Noun.CONVERSION}:{conversion_id}"


def released(conversion_id: UUID, reward_id: UUID) -> str:
    """The end of a reward's hold."""
    return f"{Noun.CONVERSION}:{conversion_id}:release:{reward_id}"


def lapsed(conversion_id: UUID, reward_id: UUID) -> str:
    """The end of a reward's time."""
    return f"{Noun.CONVERSION}:{conversion_id}:lapse:{reward_id}"


def changed(conversion_id: UUID, step: Step, entry_id: UUID) -> str:
    """What one step changed of what an order had earned. entry_id: ours for the step, not the shop's."""
    return f"{Noun.CONVERSION}:{conversion_id}:{step}:{entry_id}"


def step_of(reference: str) -> Step | None:
    """Which step the transaction of this reference books; None for what is not the change of a reward."""
    name = reference.split(":")[2:3]
    return Step(name[0]) if name and name[0] in set(Step) else None


def reserved(redemption_id: UUID) -> str:
    """Balance that was set aside."""
    return f"{Noun.REDEMPTION}:{redemption_id}"


def settled(redemption_id: UUID) -> str:
    """The end of a reservation. One name for capture and void, so that it cannot end twice."""
    return f"{Noun.REDEMPTION}:{redemption_id}:settlement"


def returned(redemption_id: UUID, entry_id: UUID) -> str:
    """Captured credit that was given back. entry_id: ours for the return, not the shop's."""
    return f"{Noun.REDEMPTION}:{redemption_id}:return:{entry_id}"


def adjusted(adjustment_id: UUID) -> str:
    """A change by hand."""
    return f"{Noun.ADJUSTMENT}:{adjustment_id}"


def merged(merge_id: UUID) -> str:
    """All that one customer had, moved to another who they are one with."""
    return f"{Noun.MERGE}:{merge_id}"
