"""PURE: what one row of a file of customers tells, or what is wrong with it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any, cast

from service.customers.contacts import ProfileFields
from service.values import (
    LONGEST_FIRST_NAME,
    fault_of_instant,
    fault_of_locale,
    fault_of_metadata,
    fault_of_name,
    fault_of_text,
    normal_email,
)

_SURROGATES = re.compile("[\ud800-\udfff]")
"""What stands for bytes that are not UTF-8, and half of a character in JSON."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a row tells of one customer. row: the line where it begins, from 1.

    customer_id: None for a guest, who is known by the mailbox. has_ordered: before, nobody says when.
    """

    row: int
    customer_id: str | None
    said: ProfileFields
    has_ordered: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row. field: None where it is the row as a whole."""

    row: int
    field: str | None
    message: str


def judged(row: int, told: Mapping[str, Any], *, zone: tzinfo, now: datetime) -> Iterator[Told | Fault]:
    """What these values tell, or everything that is wrong with them.

    told: field -> what the file has; None clears. zone: of days and times that name none.
    """
    said: dict[str, Any] = {}
    faults = []
    for field, value in told.items():
        try:
            said[field] = value if value is None else _READ[field](value, zone, now)
        except ValueError as error:
            faults.append(Fault(row, field, str(error)))
    customer_id, has_ordered = said.pop("customer_id", None), bool(said.pop("orders", None))
    if not faults and customer_id is None and said.get("email") is None:
        faults.append(Fault(row, "customer_id", "It names nobody: a customer_id or an email is needed."))
    if faults:
        yield from faults
    else:
        yield Told(row, customer_id, cast(ProfileFields, said), has_ordered)


def _text(value: Any, fault_of: Callable[[str], str | None]) -> str:
    if not isinstance(value, str):
        raise ValueError("It must be a string.")
    text = value.strip()
    if _SURROGATES.search(text):
        raise ValueError("It is not UTF-8, or its line is longer than a megabyte.")
    if fault := fault_of(text):
        raise ValueError(fault)
    return text


def _email(value: Any, *_: Any) -> str:
    return normal_email(_text(value, lambda _: None))


def moment(value: Any, zone: tzinfo, now: datetime) -> datetime:
    """A time, or a day, which is its beginning; in the zone where it names none."""
    text = _text(value, lambda _: None)
    try:
        is_day = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
        moment = datetime.fromisoformat(text) if not is_day else datetime.combine(date.fromisoformat(text), time())
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("It must be a day or a time, such as 2024-05-31 or 2024-05-31T09:30:00Z.") from None
    if fault := fault_of_instant(moment, now=now):
        raise ValueError(fault)
    return moment


def _number(value: Any, *_: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError("It must be a whole number, such as 3.")
    return int(text)


def _metadata(value: Any, *_: Any) -> dict[str, str]:
    if not isinstance(value, dict) or (fault := fault_of_metadata(value)):
        raise ValueError(fault if isinstance(value, dict) else "It must be an object.")
    for text in (*value, *value.values()):
        _text(text, lambda text: "It holds the character U+0000." if "\0" in text else None)
    return value


_READ: Mapping[str, Callable[[Any, tzinfo, datetime], Any]] = {
    "customer_id": lambda value, *_: _text(value, fault_of_name),
    "email": _email,
    "first_name": lambda value, *_: _text(value, lambda text: fault_of_text(text, most=LONGEST_FIRST_NAME)),
    "locale": lambda value, *_: _text(value, fault_of_locale),
    "since": moment,
    "orders": _number,
    "metadata": _metadata,
}
"""field -> its value as it is kept, from what the file has. Raises ValueError, saying what is wrong."""
