from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from service.conversions.attribution import Attribution
from service.conversions.attribution import decide as decided_of
from service.conversions.eligibility import CLOCK_GRACE
from service.conversions.explanations import OrderNow, explain
from service.conversions.rules import Facts
from service.formats import formats_for
from service.ledger.rewards import FixedReward
from service.programs.terms import Terms, Tier

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TERMS = Terms(
    currency="EUR",
    advocate_reward=FixedReward(1000),
    friend_reward=None,
    tiers=(),
    minimum_order_amount=0,
    attribution_window=30 * DAY,
    hold=14 * DAY,
    new_customers_only=True,
    rewarded_orders=1,
    max_rewards_per_advocate=None,
    reward_expiry=None,
)
GOOD = Facts(
    program_id=UUID(int=1),
    terms=TERMS,
    terms_version=1,
    program_status="active",
    link_id=UUID(int=2),
    link_status="active",
    link_expires_at=None,
    visited_at=NOW - DAY,
    ordered_at=NOW,
    eligible_amount=5000,
    currency="EUR",
    advocate_id="ana",
    friend_id="ben",
    friend_is_unknown=False,
    friend_is_advocate=False,
    friend_came_before=False,
    friend_is_above=False,
    has_earlier_order=False,
    rewarded_friends=0,
    is_referred=False,
    referral_stands=False,
    given_by_another=False,
    rewarded_orders=0,
)


def decide(facts: Facts) -> Attribution:
    return decided_of(facts, referral_given=True)


def later_order(facts: Facts, *, rewarded_orders_so_far: int, given_by_another: bool) -> Attribution:
    return decide(
        replace(facts, is_referred=True, rewarded_orders=rewarded_orders_so_far, given_by_another=given_by_another)
    )


def with_terms(**changes: Any) -> Facts:
    return replace(GOOD, terms=replace(TERMS, **changes))


def test_a_good_referral_is_attributed() -> None:
    decided = decide(GOOD)
    assert (decided.status, decided.reasons) == ("attributed", ())
    assert all(decision.passed for decision in decided.decisions)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(GOOD, friend_id=None, friend_is_unknown=True), "unknown_customer"),
        (replace(GOOD, link_status="revoked"), "link_revoked"),
        (replace(GOOD, link_expires_at=NOW), "link_expired"),
        (replace(GOOD, program_status="paused"), "program_paused"),
        (replace(GOOD, program_status="ended"), "program_paused"),
        (replace(GOOD, visited_at=NOW - 30 * DAY), "outside_window"),
        (replace(GOOD, friend_id="ana", friend_is_advocate=True), "self_referral"),
        (replace(GOOD, friend_id="ana2", friend_is_advocate=True), "self_referral"),
        (replace(GOOD, friend_is_above=True), "circular_referral"),
        (replace(GOOD, has_earlier_order=True), "existing_customer"),
        (replace(GOOD, friend_came_before=True), "existing_customer"),
        (replace(with_terms(minimum_order_amount=5001)), "below_minimum"),
        (replace(GOOD, currency="USD"), "currency_mismatch"),
        (replace(with_terms(max_rewards_per_advocate=3), rewarded_friends=3), "cap_reached"),
    ],
)
def test_each_rule_can_say_no_alone(facts: Facts, reason: str) -> None:
    decided = decide(facts)
    assert (decided.status, decided.reasons) == ("declined", (reason,))


def test_every_rule_that_says_no_is_named() -> None:
    facts = replace(GOOD, link_status="revoked", has_earlier_order=True, currency="USD")
    assert decide(facts).reasons == ("link_revoked", "existing_customer", "currency_mismatch")


@pytest.mark.parametrize(
    ("visited_at", "passes"),
    [
        (NOW - 30 * DAY + timedelta(microseconds=1), True),
        (NOW - 30 * DAY, False),
        (NOW, True),
        (NOW + CLOCK_GRACE, True),
        (NOW + CLOCK_GRACE + timedelta(microseconds=1), False),
        (None, True),
    ],
)
def test_the_window_is_exact_to_the_microsecond(visited_at: datetime | None, passes: bool) -> None:
    assert ("outside_window" not in decide(replace(GOOD, visited_at=visited_at)).reasons) is passes


def test_existing_customers_are_welcome_where_the_program_says_so() -> None:
    facts = replace(with_terms(new_customers_only=False), has_earlier_order=True)
    assert decide(facts).status == "attributed"


def test_a_later_order_repeats_and_is_attributed_while_orders_are_rewarded() -> None:
    facts = with_terms(rewarded_orders=2)
    assert later_order(facts, rewarded_orders_so_far=1, given_by_another=False).status == "attributed"
    assert later_order(facts, rewarded_orders_so_far=2, given_by_another=False).status == "repeat"
    unlimited = with_terms(rewarded_orders=None)
    assert later_order(unlimited, rewarded_orders_so_far=99, given_by_another=False).status == "attributed"


def test_a_later_order_by_another_advocates_token_is_noted_and_belongs_to_the_first() -> None:
    decided = later_order(with_terms(rewarded_orders=2), rewarded_orders_so_far=1, given_by_another=True)
    assert (decided.status, decided.reasons) == ("attributed", ("already_referred",))


def test_a_later_order_is_declined_where_a_rule_says_no() -> None:
    facts = replace(with_terms(rewarded_orders=2), currency="USD")
    decided = later_order(facts, rewarded_orders_so_far=1, given_by_another=True)
    assert (decided.status, decided.reasons) == ("declined", ("already_referred", "currency_mismatch"))


def test_the_highest_tier_that_is_reached_pays() -> None:
    terms = replace(TERMS, tiers=(Tier(3, FixedReward(2000)), Tier(5, FixedReward(3000))))
    paid = [terms.advocate_reward_for(nth) for nth in (1, 2, 3, 4, 5, 6)]
    assert paid == [FixedReward(amount) for amount in (1000, 1000, 2000, 2000, 3000, 3000)]


def test_what_was_noted_is_told_to_staff_and_to_the_customer() -> None:
    told = explain("repeat", ["already_referred"], OrderNow(5000, 0), formats_for())
    assert told.staff_text.endswith("Noted: already_referred.")
    assert told.customer_text.endswith("You came to us through another friend, so this order counts for that friend.")


def said(facts: Facts) -> dict[str, tuple[bool, str]]:
    """What each rule says to these facts."""
    return {decision.rule: (decision.passed, decision.detail) for decision in decide(facts).decisions}


def test_every_rule_that_agrees_says_why() -> None:
    assert said(GOOD) == {
        "unknown_customer": (True, "It is known who orders."),
        "link_revoked": (True, "The link is active."),
        "link_expired": (True, "The link does not expire."),
        "program_paused": (True, "The program is active."),
        "outside_window": (
            True,
            "Visited at 2026-04-30T12:00:00+00:00, ordered at 2026-05-01T12:00:00+00:00, "
            "the window ends at 2026-05-30T12:00:00+00:00.",
        ),
        "self_referral": (True, "Two customers with two mailboxes, or one is not known."),
        "circular_referral": (True, "The friend is not above the advocate in the chain of referrals."),
        "existing_customer": (True, "The friend has no earlier order."),
        "below_minimum": (True, "5000 of the order is eligible, the minimum is 0 (minor units)."),
        "currency_mismatch": (True, "The order is in EUR, the terms for it in EUR."),
        "cap_reached": (True, "The program has no cap."),
    }


@pytest.mark.parametrize(
    ("facts", "rule", "detail"),
    [
        (replace(GOOD, link_expires_at=NOW), "link_expired", "The link expires at 2026-05-01T12:00:00+00:00."),
        (
            replace(GOOD, friend_id="ana", friend_is_advocate=True),
            "self_referral",
            "Advocate and friend are the same customer.",
        ),
        (
            replace(GOOD, friend_id="ana2", friend_is_advocate=True),
            "self_referral",
            "Two customers with the same mailbox.",
        ),
        (
            replace(GOOD, friend_is_above=True),
            "circular_referral",
            "The friend is above the advocate in the chain of referrals.",
        ),
        (replace(GOOD, has_earlier_order=True), "existing_customer", "The friend has ordered here before."),
        (
            replace(GOOD, friend_came_before=True),
            "existing_customer",
            "The friend was a customer before Orchard.",
        ),
        (
            replace(with_terms(max_rewards_per_advocate=3), rewarded_friends=3),
            "cap_reached",
            "The advocate has 3 other rewarded referrals of at most 3.",
        ),
    ],
)
def test_every_rule_that_says_no_says_why(facts: Facts, rule: str, detail: str) -> None:
    assert said(facts)[rule] == (False, detail)


def test_a_rule_that_cannot_be_asked_agrees_and_says_so() -> None:
    assert said(replace(GOOD, friend_id=None))["unknown_customer"] == (True, "Nobody knows yet who will order.")
    assert said(replace(GOOD, friend_id=None))["self_referral"] == (True, "Nobody knows yet who will order.")
    assert said(replace(GOOD, friend_id=None))["existing_customer"] == (True, "The friend has no earlier order.")
    assert said(replace(GOOD, visited_at=None))["outside_window"] == (
        True,
        "A link or a code carries no visit and no window.",
    )
    welcoming = replace(with_terms(new_customers_only=False), has_earlier_order=True)
    assert said(welcoming)["existing_customer"] == (True, "The program welcomes existing customers.")


def test_a_later_order_says_to_which_referral_it_belongs_and_how_many_were_rewarded() -> None:
    decided = later_order(with_terms(rewarded_orders=2), rewarded_orders_so_far=2, given_by_another=True)
    assert [(one.rule, one.passed, one.detail) for one in decided.decisions] == [
        ("existing_referral", True, "The friend was referred before; the order belongs to that referral."),
        ("already_referred", False, "The token given is another advocate's."),
        ("rewarded_orders", False, "2 orders of this friend were rewarded, of 2."),
    ]
    assert (decided.status, decided.reasons) == ("repeat", ("already_referred",))
    unlimited = later_order(with_terms(rewarded_orders=None), rewarded_orders_so_far=2, given_by_another=False)
    assert [one.rule for one in unlimited.decisions] == [
        "existing_referral",
        "rewarded_orders",
        "program_paused",
        "self_referral",
        "below_minimum",
        "currency_mismatch",
        "cap_reached",
    ]
    assert unlimited.decisions[1].detail == "2 orders of this friend were rewarded, of any number."
    assert unlimited.reasons == ()


def test_without_a_referral_that_could_earn_something_it_matters_whether_one_was_given() -> None:
    given, none = decided_of(None, referral_given=True), decided_of(None, referral_given=False)
    assert (given.status, given.reasons, none.status, none.reasons) == (
        "declined",
        ("invalid_referral",),
        "unattributed",
        (),
    )


def test_the_minimum_itself_is_enough_and_is_not_compared_across_currencies() -> None:
    assert decide(with_terms(minimum_order_amount=5000)).reasons == ()
    abroad = replace(with_terms(minimum_order_amount=5001), currency="USD")
    assert decide(abroad).reasons == ("currency_mismatch",)
