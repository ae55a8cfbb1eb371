"""Currencies as ISO 4217 lists them, and how amounts in them are shown."""

from decimal import Decimal
from functools import cache

import iso4217
from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, get_currency_precision


@cache
def exponent(currency: str) -> int | None:
    """How many decimals the currency's minor unit has; None for what is not a currency one can pay in.

    Source: ISO 4217, by the iso4217 library.
    """
    try:
        return iso4217.Currency(currency).exponent
    except ValueError:
        return None


def shown(amount: int, currency: str, locale: str | None = None) -> str:
    """The amount for people, such as `€10` or `10,50 €`.

    amount: minor units. locale: a BCP 47 tag; English where it is unknown.
    """
    decimals = exponent(currency) or 0
    value = Decimal(amount).scaleb(-decimals)
    whole = value == value.to_integral_value()
    text = format_currency(
        value,
        currency,
        locale=_locale(locale),
        format=None,
        currency_digits=decimals == get_currency_precision(currency),
        decimal_quantization=not whole,
    )
    return str(text)


@cache
def _locale(tag: str | None) -> Locale:
    try:
        return Locale.parse((tag or "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
