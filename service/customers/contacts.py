"""PURE: what a shop says of a customer, whether it comes with an order, by itself or in a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

from service.errors import refuse_faults
from service.values import LONGEST_FIRST_NAME, fault_of_locale, fault_of_name, fault_of_text


@dataclass(frozen=True, slots=True)
class Guest:
    """A customer without an id, as a checkout names them: somebody by their mailbox, or nobody. Raises BadValues.

    left_out: what was said and cannot be used, and why.
    """

    first_name: str | None = None
    email: str | None = None
    locale: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_faults(_faults(self.first_name, self.locale))


@dataclass(frozen=True, slots=True)
class Contact:
    """A customer as a checkout names them. What is None is not said, and changes nothing. Raises BadValues.

    left_out: what was said and cannot be used, and why.
    """

    customer_id: str
    first_name: str | None = None
    email: str | None = None
    locale: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def says_more(self) -> bool:
        """Whether it says anything of the customer besides who it is."""
        return any(value is not None for value in (self.first_name, self.email, self.locale))

    def __post_init__(self) -> None:
        refuse_faults({"customer_id": fault_of_name(self.customer_id), **_faults(self.first_name, self.locale)})


Buyer = Contact | Guest
"""Who orders, as a checkout says it."""


class ProfileFields(TypedDict, total=False):
    """What a shop says about a customer: a field that is missing is not said, None clears it."""

    first_name: str | None
    email: str | None
    locale: str | None
    since: datetime | None
    metadata: dict[str, str] | None


def _faults(first_name: str | None, locale: str | None) -> dict[str, str | None]:
    return {
        "first_name": None if first_name is None else fault_of_text(first_name, most=LONGEST_FIRST_NAME),
        "locale": None if locale is None else fault_of_locale(locale),
    }
