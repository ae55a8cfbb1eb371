"""Currencies as ISO 4217 lists them, and how amounts in them are shown."""

from decimal import Decimal
from functools import cache

import iso4217
from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_symbol


@cache
def exponent(currency: str) -> int | None:
    """How many decimals the currency's minor unit has; None for what is not a currency one can pay in.

    Source: ISO 4217, by the iso4217 library.
    """
    try:
        return iso4217.Currency(currency).exponent
    except ValueError:
        return None


def decimals(currency: str) -> int:
    """As `exponent`, of a currency that is in the books: 0 for what the list knows no more."""
    return exponent(currency) or 0


@cache
def known() -> list[str]:
    """Every currency that one can pay in, by code."""
    return sorted(currency.code for currency in iso4217.Currency if currency.exponent is not None)


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


@cache
def _locale(tag: str | None) -> Locale:
    try:
        return Locale.parse((tag or "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
