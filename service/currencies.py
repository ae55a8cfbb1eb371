"""Currencies as ISO 4217 lists them, and how amounts in them are shown."""

import re
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

import iso4217
from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision, get_currency_symbol

LONGEST_CODE = 10
CODE = re.compile(r"^[A-Z]{3}\Z")
WRITTEN = re.compile(r"^([0-9]{1,18})(?:[.,]([0-9]{1,4}))?\Z")
"""An amount as people write one, with a point or a comma before its decimals."""

_EXPONENTS = {currency.code: currency.exponent for currency in iso4217.Currency}
WITHDRAWN: dict[str, tuple[int, date]] = {
    "EEK": (2, date(2011, 1, 1)),
    "LVL": (2, date(2014, 1, 1)),
    "LTL": (2, date(2015, 1, 1)),
    "BYR": (0, date(2017, 1, 1)),
    "STD": (2, date(2018, 1, 1)),
    "MRO": (2, date(2018, 7, 1)),
    "VEF": (2, date(2018, 8, 21)),
    "CUC": (2, date(2021, 1, 1)),
    "HRK": (2, date(2023, 1, 1)),
    "SLL": (2, date(2024, 1, 1)),
    "ZWL": (2, date(2024, 9, 1)),
    "ANG": (2, date(2025, 7, 1)),
    "BGN": (2, date(2026, 1, 1)),
}
"""Currencies that one can pay in no more: their decimals, and the day from which one cannot. Source: ISO 4217, list
three. The library forgets them with each of its releases."""


def exponent(currency: str) -> int | None:
    """How many decimals the currency's minor unit has; None for what was never a currency that one can pay in.

    Source: ISO 4217, by the iso4217 library.
    """
    current = _EXPONENTS.get(currency)
    return current if current is not None else WITHDRAWN.get(currency, (None,))[0]


def decimals(currency: str) -> int:
    """As `exponent`, of a currency that is in the books and that neither list knows any more: by the CLDR."""
    known = exponent(currency)
    return get_currency_precision(currency) if known is None else known


def is_valid_at(currency: str, moment: datetime) -> bool:
    """Whether one could pay in this currency then, as far as the lists know."""
    if _EXPONENTS.get(currency) is not None:
        return True
    return currency in WITHDRAWN and moment.date() < WITHDRAWN[currency][1]


def known() -> list[str]:
    """Every currency that one can pay in, by code."""
    return sorted(code for code, decimals in _EXPONENTS.items() if decimals is not None)


def exact(amount: int, currency: str) -> Decimal:
    """The amount as a decimal number with the currency's decimals, such as 10.50. amount: minor units."""
    return Decimal(amount).scaleb(-decimals(currency))


def written(text: str, currency: str) -> int | None:
    """The minor units of an amount as somebody writes it, such as 10, 10.50 or 10,50; None where it is not one."""
    found, digits = WRITTEN.match(text), decimals(currency)
    if found is None or len(found[2] or "") > digits:
        return None
    return int(found[1] + (found[2] or "").ljust(digits, "0"))


def shown(amount: int, currency: str, locale: str | None = None, *, is_short: bool = True) -> str:
    """The amount for people, such as `€10` or `10,50 €`.

    amount: minor units. locale: a BCP 47 tag; English where it is unknown. is_short: without decimals that are zeros.
    """
    digits, place = decimals(currency), _locale(locale)
    value = exact(amount, currency)
    shown_decimals = 0 if is_short and value == value.to_integral_value() else digits
    pattern = str(place.currency_formats["standard"].pattern)
    pattern = pattern.replace(".00", f".{'0' * shown_decimals}" if shown_decimals else "")
    if get_currency_symbol(currency, place).isalpha():
        pattern = pattern.replace("¤#", "¤\xa0#")
    return str(format_currency(value, currency, pattern, locale=place, currency_digits=False))


@lru_cache(maxsize=1_000)
def _locale(tag: str | None) -> Locale:
    try:
        return Locale.parse((tag or "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def fault_of_currency(code: str) -> str | None:
    """What is wrong with a currency that someone wants to pay in from now on, in words for the caller, or None."""
    if _EXPONENTS.get(code) is not None:
        return None
    meant = code.strip().upper() if len(code) <= LONGEST_CODE else ""
    if meant != code and exponent(meant) is not None:
        return f"Write it as {meant}."
    if code in WITHDRAWN:
        return f"It was withdrawn on {WITHDRAWN[code][1]}."
    return "It is not a currency of ISO 4217, such as EUR."


def fault_of_code(code: str) -> str | None:
    """What is wrong with the spelling of a currency, whether or not one can still pay in it; None where it is well."""
    return None if CODE.fullmatch(code) else fault_of_currency(code)
