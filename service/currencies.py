"""Currencies as ISO 4217 lists them, and how amounts in them are shown."""

from decimal import Decimal
from functools import lru_cache

import iso4217
from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_symbol

LONGEST_CODE = 10
_EXPONENTS = {currency.code: currency.exponent for currency in iso4217.Currency}


def exponent(currency: str) -> int | None:
    """How many decimals the currency's minor unit has; None for what is not a currency one can pay in.

    Source: ISO 4217, by the iso4217 library.
    """
    return _EXPONENTS.get(currency)


def decimals(currency: str) -> int:
    """As `exponent`, of a currency that is in the books: 0 for what the list knows no more."""
    return exponent(currency) or 0


def known() -> list[str]:
    """Every currency that one can pay in, by code."""
    return sorted(code for code, decimals in _EXPONENTS.items() if decimals is not None)


def shown(amount: int, currency: str, locale: str | None = None) -> str:
    """The amount for people, such as `€10` or `10,50 €`.

    amount: minor units. locale: a BCP 47 tag; English where it is unknown.
    """
    decimals, place = exponent(currency) or 0, _locale(locale)
    value = Decimal(amount).scaleb(-decimals)
    shown_decimals = 0 if value == value.to_integral_value() else decimals
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
    """What is wrong with a currency that someone wants to pay in, in words for the caller, or None."""
    if exponent(code) is not None:
        return None
    if len(code) <= LONGEST_CODE and exponent(code.strip().upper()) is not None:
        return f"Write it as {code.strip().upper()}."
    return "It is not a currency of ISO 4217, such as EUR."
