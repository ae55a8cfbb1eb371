from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.brands.looks import Look
from service.formats import formats_for
from service.languages import KNOWN
from service.links.greetings import Offer, greet
from service.links.names import shown_name
from service.programs.terms import terms_of

ENGLISH = formats_for("en")
FIXED = {"type": "fixed", "amount": 1000}
PERCENT = {"type": "percent", "rate": "12.50"}


def offer(**terms: Any) -> Offer:
    stored = {"currency": "EUR", "friend_reward": FIXED, "hold_days": 0, **terms}
    return Offer(Look("Acme"), "Ana", "ANA-7K3F", terms_of(stored), None, UTC, None)


@pytest.mark.parametrize(
    ("reward", "new_only", "title"),
    [
        ({**FIXED, "as": "discount"}, True, "Ana gives you €10 off your first order at Acme"),
        ({**FIXED, "as": "discount"}, False, "Ana gives you €10 off your order at Acme"),
        (
            {**PERCENT, "as": "discount", "max_amount": 5050},
            True,
            "Ana gives you 12.5% (up to €50.50) off your first order at Acme",
        ),
        (FIXED, True, "Ana gives you €10 credit for your next order at Acme"),
        (PERCENT, True, "Ana gives you 12.5% of your first order at Acme back as credit"),
        (PERCENT, False, "Ana gives you 12.5% of your order at Acme back as credit"),
        (None, True, "Ana recommends Acme to you"),
    ],
)
def test_a_discount_is_told_from_credit(reward: dict[str, Any] | None, new_only: bool, title: str) -> None:
    greeting = greet(offer(friend_reward=reward, new_customers_only=new_only), ENGLISH)
    assert greeting.title == title
    assert greeting.code == (None if reward is None else "ANA-7K3F")
    assert reward or not greeting.conditions


def test_the_catch_is_told_in_the_order_in_which_it_matters() -> None:
    told = offer(
        minimum_order_amount=5000,
        hold_days=14,
        reward_expiry_days=365,
        rewarded_orders=3,
        other_currencies={
            "USD": document(friend_reward={"type": "fixed", "amount": 1200}, minimum_order_amount=6000),
            "GBP": document(friend_reward=PERCENT),
            "CHF": document(),
        },
    )
    until = datetime(2026, 12, 27, 13, 5, tzinfo=UTC)
    greeting = greet(replace(told, holds_until=until, zone=ZoneInfo("Europe/Berlin")), ENGLISH)
    assert greeting.conditions == [
        "It is for new customers.",
        "The order must be €50 or more.",
        "Order by Dec 27, 2026, 2:05\u202fPM (CET).",
        "It holds for each of your first 3 orders.",
        "Credit can be spent 14 days after the order.",
        "Credit that is not spent lapses 365 days later.",
        "In other currencies: 12.5% in GBP as credit and $12 as credit for orders of $60 or more.",
    ]


def document(**said: Any) -> dict[str, Any]:
    return {"advocate_reward": None, "friend_reward": None, "tiers": [], "minimum_order_amount": 0, **said}


def test_what_does_not_hold_is_not_told() -> None:
    plain = offer(friend_reward={**FIXED, "as": "discount"}, new_customers_only=False, hold_days=30)
    assert greet(plain, ENGLISH).conditions == ["It holds for one order."]
    assert greet(offer(rewarded_orders=None, new_customers_only=False), ENGLISH).conditions == [
        "It holds for all of your orders.",
        "Credit can be spent at once after the order.",
    ]


@pytest.mark.parametrize("language", KNOWN)
def test_it_is_told_in_every_language_with_money_and_days_as_they_are_written_there(language: str) -> None:
    told = replace(offer(hold_days=2, minimum_order_amount=2050), holds_until=datetime(2026, 12, 27, 13, tzinfo=UTC))
    greeting = greet(told, formats_for(language))
    said = " ".join([greeting.title, *greeting.conditions])
    assert "Ana" in said
    assert "Acme" in said
    assert ("order" in said) is (language == "en")
    assert {"en": "€20.50", "de": "20,50\xa0€", "fr": "20,50\xa0€", "es": "20,50\xa0€", "ar": "20.50"}[language] in said


def test_a_name_of_another_direction_changes_nothing_around_it() -> None:
    assert greet(replace(offer(), advocate_name="محمد"), ENGLISH).title.startswith("\u2068محمد\u2069 gives you")
    arabic = formats_for("ar")
    assert "\u2068Ana\u2069" in greet(offer(), arabic).title
    assert "\u2068" not in greet(replace(offer(), advocate_name="محمد", look=Look("متجر")), arabic).title


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, None),
        ("  ", None),
        ("Ana\n Maria", "Ana Maria"),
        ("\u202eana\u202c", "ana"),
        ("\u202egnp.exe", None),
        ("Zoë 🌳", "Zoë 🌳"),
        ("👩‍🌾", "👩‍🌾"),
        ("<b>Ana</b>", "<b>Ana</b>"),
        ("A" * 300, "A" * 39 + "…"),
        ("J.", "J."),
        ("St. Claire", "St. Claire"),
        ("evil。com", None),
        ("ｅｖｉｌ．ｃｏｍ", None),
        ("bit․ly⁄x", None),
        ("evil .com", None),
        ("\u200d\u200d", None),
        ("Buy at evil.example", None),
        ("https://x", None),
        ("ana@example.com", None),
        ("Call 0900 123456", None),
        ("www.pills", None),
    ],
)
def test_a_first_name_is_shown_as_text_and_an_advertisement_is_not(name: str | None, shown: str | None) -> None:
    assert shown_name(name) == shown


def test_of_somebody_without_a_name_it_is_said_who_they_are() -> None:
    assert greet(replace(offer(), advocate_name=None), ENGLISH).title.startswith("A friend gives you")
