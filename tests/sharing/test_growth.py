"""What has grown, in words."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.conversions.eligibility import REASONS
from service.formats import formats_for
from service.sharing.growth import (
    STAGES,
    TO_ADVOCATES,
    Earned,
    Follows,
    Order,
    followed,
    grown,
)

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ENGLISH = formats_for("en")
EARNED = Earned(1000, 1000, "EUR", "credit", "available", NOW)
ORDER = Order(NOW, "attributed", (), False, "Gus", EARNED)


def told(order: Order) -> tuple[str, str, str]:
    (one,) = grown([order], [], UTC, ENGLISH)
    return one.stage, one.title, one.text


def test_every_reason_has_words_for_the_advocate() -> None:
    assert set(TO_ADVOCATES) == set(REASONS)


@pytest.mark.parametrize(
    ("earned", "unspent", "stage", "text"),
    [
        (replace(EARNED, status="pending"), 0, "ripening", "€10.00 for you, ripe on May 4, 2026."),
        (EARNED, 1000, "ripe", "€10.00 for you, ready to be spent."),
        (EARNED, 400, "ripe", "€10.00 for you, of which €4.00 is left."),
        (EARNED, 0, "spent", "€10.00, which you have spent."),
        (
            replace(EARNED, left=600),
            600,
            "ripe",
            "€6.00 for you, ready to be spent. A part of the order was given back.",
        ),
        (replace(EARNED, given_as="discount"), 0, "spent", "€10.00 was taken off."),
        (
            replace(EARNED, status="lapsed", lapsed=1000),
            0,
            "bare",
            "The reward was not used in time and has lapsed.",
        ),
        (replace(EARNED, status="lapsed", lapsed=200), 0, "spent", "€10.00, of which €2.00 lapsed."),
        (replace(EARNED, status="reversed"), 0, "bare", "As the order was given back, its reward was too."),
        (
            replace(EARNED, status="denied"),
            0,
            "bare",
            "Sorry, we looked at this referral again and could not reward it. Please ask us if that seems wrong.",
        ),
    ],
)
def test_a_reward_is_told_as_it_stands(earned: Earned, unspent: int, stage: str, text: str) -> None:
    assert told(replace(ORDER, earned=replace(earned, unspent=unspent))) == (stage, "Gus ordered", text)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (replace(ORDER, status="repeat", earned=None), ("ordered", "Gus came back", "")),
        (replace(ORDER, is_own=True, friend_name=None), ("spent", "You ordered", "€10.00, which you have spent.")),
        (replace(ORDER, friend_name=None, earned=None), ("ordered", "One of your friends ordered", "")),
        (
            replace(ORDER, status="voided", earned=None),
            ("bare", "Gus ordered", "This order was cancelled, so there is no reward for it."),
        ),
        (
            replace(ORDER, status="voided", earned=None, reasons=("existing_customer",)),
            ("bare", "One of your friends ordered", "This order was cancelled, so there is no reward for it."),
        ),
        (
            replace(ORDER, status="repeat", earned=None, reasons=("already_referred",)),
            ("ordered", "Gus came back", ""),
        ),
        (
            replace(ORDER, earned=None, reasons=("already_referred", "cap_reached")),
            ("bare", "Gus ordered", TO_ADVOCATES["cap_reached"]),
        ),
        (
            replace(ORDER, status="flagged"),
            (
                "ordered",
                "Gus ordered",
                "Thank you! We are taking a moment to look at this referral and will let you know.",
            ),
        ),
        (
            replace(ORDER, status="declined", earned=None, reasons=("below_minimum", "existing_customer")),
            (
                "bare",
                "One of your friends ordered",
                "Sorry, the order was below the amount from which a referral is rewarded.",
            ),
        ),
        (
            replace(ORDER, status="declined", is_own=True, earned=None, reasons=("existing_customer",)),
            (
                "bare",
                "You ordered",
                "Sorry, this offer welcomes new customers, and we have already had the pleasure.",
            ),
        ),
    ],
)
def test_an_order_without_a_ripe_reward_says_why(order: Order, expected: tuple[str, str, str]) -> None:
    assert told(order) == expected


def test_orders_and_follows_stand_in_the_order_of_their_times() -> None:
    follows = [Follows(NOW + timedelta(hours=1), 1), Follows(NOW - timedelta(hours=1), 3), Follows(NOW, 500, True)]
    found = grown([ORDER], follows, UTC, ENGLISH)
    assert [one.title for one in found] == [
        "Your link was followed",
        "Gus ordered",
        "Your link was followed more than 500 times",
        "Your link was followed 3 times",
    ]
    assert {one.stage for one in found} <= set(STAGES)


def test_follows_are_counted_by_days_of_the_shop() -> None:
    times = [NOW, NOW - timedelta(hours=1), NOW - timedelta(hours=13)]
    assert followed(times, UTC, most=3) == [Follows(NOW, 2), Follows(times[2], 1)]
    assert followed(times, UTC, most=2) == [Follows(NOW, 2, is_more=True)]
    assert followed([*times, times[2]], UTC, most=3) == [Follows(NOW, 2)]
    assert followed([], UTC, most=3) == []
