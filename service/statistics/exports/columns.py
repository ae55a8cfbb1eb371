"""PURE: every column of every export, with what it holds, in its unit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds.

    text: what somebody wrote. word: one of ours, or of few. words: several of those. minor: an amount of `currency`, in
    its minor units. decimal: the same as a decimal of the currency.
    """

    ID = "id"
    TEXT = "text"
    WORD = "word"
    WORDS = "words"
    TIME = "time"
    WHOLE = "whole"
    MINOR = "minor"
    DECIMAL = "decimal"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. source: which one a decimal is made of."""

    name: str
    kind: Kind
    source: str = ""


def _columns(text: str) -> tuple[Column, ...]:
    """Columns by `name:kind`; beside each amount its decimal."""
    return tuple(column for one in text.split() for column in _with_decimal(*one.split(":")))


def _with_decimal(name: str, kind: str) -> Iterator[Column]:
    yield Column(name, Kind(kind))
    if kind == Kind.MINOR:
        yield Column(f"{name}_decimal", Kind.DECIMAL, name)


DATASETS: dict[str, tuple[Column, ...]] = {
    "visits": _columns(
        "visit_id:id link_id:id program_id:id channel:text advocate_id:text visited_at:time device:word language:word"
        " referring_host:text via:word",
    ),
    "conversions": _columns(
        "conversion_id:id order_id:text amount:minor discount_amount:minor eligible_amount:minor refunded_amount:minor"
        " currency:word customer_id:text status:word reasons:words program_id:id terms_version:whole link_id:id"
        " channel:text advocate_id:text ordered_at:time recorded_at:time void_reason:word metadata:document",
    ),
    "refunds": _columns(
        "refund_id:text conversion_id:id order_id:text amount:minor eligible_amount:minor currency:word program_id:id"
        " refunded_at:time recorded_at:time reversed_at:time",
    ),
    "rewards": _columns(
        "reward_id:id conversion_id:id order_id:text program_id:id terms_version:whole side:word customer_id:text"
        " advocate_id:text friend_id:text amount:minor reversed_amount:minor lapsed_amount:minor net_amount:minor"
        " currency:word as:word status:word available_at:time expires_at:time created_at:time",
    ),
    "redemptions": _columns(
        "redemption_id:id customer_id:text order_id:text amount:minor captured_amount:minor returned_amount:minor"
        " currency:word status:word expires_at:time created_at:time metadata:document",
    ),
    "advocates": _columns(
        "customer_id:text first_name:text currency:word friends:whole friends_who_returned:whole orders:whole"
        " revenue:minor refunded:minor net_lifetime_value:minor rewards:minor",
    ),
    "customers": _columns(
        "customer_id:text first_name:text locale:word since:time referred_by:text created_at:time metadata:document",
    ),
    "ledger": _columns(
        "transaction_id:id line:whole reference:word event:word debit:word credit:word amount:minor currency:word"
        " effective_at:time recorded_at:time",
    ),
}
OF_PROGRAMS = frozenset({"visits", "conversions", "refunds", "rewards", "advocates"})
"""What belongs to a program. Credit is one purse, a customer is the shop's, and the books are the merchant's."""


def chosen(dataset: str, names: Sequence[str] | None) -> tuple[Column, ...]:
    """These columns of a dataset, in this order; None for all. Raises KeyError for a name that is none."""
    known = {column.name: column for column in DATASETS[dataset]}
    return DATASETS[dataset] if names is None else tuple(known[name] for name in names)
