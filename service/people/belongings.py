"""PURE: what somebody brings along from another system, as a line of JSON tells it, or what is wrong with it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from service.currencies import fault_of_currency
from service.customers.files import members_of
from service.customers.rows import Fault, Told, judged, moment
from service.values import LONGEST_CHANNEL, fault_of_amount, fault_of_name, fault_of_text

MOST_CODES = 19
"""Of one customer: a link has twenty, and is made with one."""

OF_A_CUSTOMER = ("customer_id", "email", "first_name", "locale", "since", "metadata")


@dataclass(frozen=True, slots=True)
class Belongings:
    """A customer, as `customers.rows` reads them, and what they bring along.

    codes: that go on working; the last one is shown. brought_by: who brought them, and brought_at, when, if that is
    known. rewarded_orders: how many of their orders were rewarded; None for all that there may be.
    balances: currency -> minor units, > 0.
    """

    told: Told
    codes: Sequence[str] = ()
    channel: str | None = None
    brought_by: str | None = None
    brought_at: datetime | None = None
    rewarded_orders: int | None = None
    balances: Mapping[str, int] = field(default_factory=dict)


def read(lines: Iterable[bytes], *, zone: tzinfo, now: datetime) -> Iterator[Belongings | Fault]:
    """What each line of a file tells. zone: of days and times that name none."""
    for row, line in enumerate(lines, start=1):
        text = line.decode("utf-8", "surrogateescape")
        if not (text.removeprefix("\ufeff") if row == 1 else text).strip():
            continue
        try:
            members = members_of(text.removeprefix("\ufeff") if row == 1 else text)
        except ValueError as error:
            yield Fault(row, None, str(error))
            continue
        yield from _belongings(row, members, zone, now)


def _belongings(row: int, members: Mapping[str, Any], zone: tzinfo, now: datetime) -> Iterator[Belongings | Fault]:
    of_customer = {name: members[name] for name in OF_A_CUSTOMER if name in members}
    faults = [Fault(row, name, "Unknown field.") for name in members if name not in (*OF_A_CUSTOMER, *_READ)]
    told = None
    for found in judged(row, of_customer, zone=zone, now=now):
        if isinstance(found, Fault):
            faults.append(found)
        else:
            told = found
    brought: dict[str, Any] = {}
    for name, read_one in _READ.items():
        if members.get(name) is None:
            continue
        try:
            brought[name] = read_one(members[name], zone, now)
        except ValueError as error:
            faults.append(Fault(row, name, str(error)))
    if "brought_by" not in brought and {"brought_at", "rewarded_orders"} & brought.keys():
        faults.append(Fault(row, "brought_by", "It is needed with brought_at and rewarded_orders."))
    if told is not None and told.customer_id is None:
        faults.append(Fault(row, "customer_id", "It is needed: a balance and codes are somebody's."))
    if faults or told is None:
        yield from faults
    else:
        yield Belongings(told, **brought)


def _said(value: Any, fault_of: Callable[[str], str | None]) -> str:
    fault = fault_of(value.strip()) if isinstance(value, str) else "It must be a string."
    if fault:
        raise ValueError(fault)
    return str(value).strip()


def _codes(value: Any, *_: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value) or len(value) > MOST_CODES:
        raise ValueError(f"It must be a list of at most {MOST_CODES} strings.")
    return tuple(value)


def _balances(value: Any, *_: Any) -> dict[str, int]:
    """From a list of `{"currency": ..., "amount": ...}`, each currency once."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError('It must be a list such as [{"currency": "EUR", "amount": 1500}].')
    balances: dict[str, int] = {}
    for one in value:
        currency, amount = one.get("currency"), one.get("amount")
        if one.keys() != {"currency", "amount"} or not isinstance(amount, int) or isinstance(amount, bool):
            raise ValueError(
                "Each of it has a currency and an amount, a whole number of minor units, and nothing else."
            )
        if fault := fault_of_amount(amount, least=1) or fault_of_currency(str(currency)):
            raise ValueError(fault)
        if currency in balances:
            raise ValueError(f"{currency} stands twice.")
        balances[str(currency)] = amount
    return balances


def _count(value: Any, *_: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 10**6:
        raise ValueError("It must be a whole number, 0 or more.")
    return value


_READ: Mapping[str, Callable[[Any, tzinfo, datetime], Any]] = {
    "codes": _codes,
    "channel": lambda value, *_: _said(value, lambda text: fault_of_text(text, most=LONGEST_CHANNEL)),
    "brought_by": lambda value, *_: _said(value, fault_of_name),
    "brought_at": moment,
    "rewarded_orders": _count,
    "balances": _balances,
}
"""field -> its value as it is kept, from what the file has. Raises ValueError, saying what is wrong."""
