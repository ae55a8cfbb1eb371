import pytest

from service.currencies import exponent, shown


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("EUR", 2), ("BHD", 3), ("CLF", 4)])
def test_a_currency_has_its_own_exponent(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


@pytest.mark.parametrize("currency", ["XXX", "XAU", "EURO", "eur", "", "ZZZ"])
def test_what_one_cannot_pay_in_is_no_currency(currency: str) -> None:
    assert exponent(currency) is None


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "text"),
    [
        (1000, "EUR", None, "€10"),
        (1050, "EUR", "de-DE", "10,50\xa0€"),
        (1000, "JPY", "en", "¥1,000"),
        (12345, "BHD", "en", "BHD\xa012.345"),
        (1000, "EUR", "xx-unknown", "€10"),
    ],
)
def test_amounts_are_shown_exactly(amount: int, currency: str, locale: str | None, text: str) -> None:
    assert shown(amount, currency, locale) == text
