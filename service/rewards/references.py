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


def denied(conversion_id: UUID, reward_id: UUID) -> str:
    """A review that took a reward away."""
    return f"{Noun.CONVERSION}:{conversion_id}:deny:{reward_id}"


def refunded(conversion_id: UUID, entry_id: UUID) -> str:
    """What a refund took back. entry_id: ours for the refund, not the shop's."""
    return f"{Noun.CONVERSION}:{conversion_id}:refund:{entry_id}"


def reserved(redemption_id: UUID) -> str:
    """Balance that was set aside."""
    return f"{Noun.REDEMPTION}:{redemption_id}"


def settled(redemption_id: UUID) -> str:
    """The end of a reservation. One name for capture and void, so that it cannot end twice."""
    return f"{Noun.REDEMPTION}:{redemption_id}:settlement"


def adjusted(adjustment_id: UUID) -> str:
    """A change by hand."""
    return f"{Noun.ADJUSTMENT}:{adjustment_id}"
