from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.money import divide_half_even
from service.ledger.rewards import FixedReward, PercentReward, Returns, taken_back

amounts = st.integers(1, 10**15)


def test_a_percent_reward_rounds_half_even_in_minor_units() -> None:
    ten_percent = PercentReward(1000)
    assert [ten_percent.of(amount) for amount in (4, 5, 6, 15, 25)] == [0, 0, 1, 2, 2]


def test_a_percent_reward_stops_at_its_maximum() -> None:
    assert PercentReward(1000, max_amount=500).of(999_999) == 500


def test_a_discount_stops_at_the_order_and_a_credit_does_not() -> None:
    assert [FixedReward(1000, "discount").of(amount) for amount in (0, 300, 1000, 1001)] == [0, 300, 1000, 1000]
    assert FixedReward(1000).of(300) == 1000


def test_a_fixed_reward_is_the_same_for_every_order() -> None:
    assert FixedReward(700).of(0) == FixedReward(700).of(10**15) == 700


@given(st.integers(0, 10**15), st.integers(1, 10_000))
def test_a_percent_reward_never_passes_the_order(order: int, basis_points: int) -> None:
    assert 0 <= PercentReward(basis_points).of(order) <= order


@given(amounts, st.lists(st.integers(1, 10**12), min_size=1, max_size=20))
def test_refunds_take_back_more_and_more_and_in_the_end_exactly_all(reward: int, refunds: list[int]) -> None:
    so_far, returns = 0, Returns(sum(refunds), 0, sum(refunds))
    for refund in refunds:
        returns = returns.and_then(refund, None)
        taken = taken_back(reward, returns)
        assert so_far <= taken <= reward
        so_far = taken
    assert so_far == reward


parts = st.lists(st.tuples(st.integers(1, 10**12), st.none() | st.integers(0, 10**12)), min_size=1, max_size=12)


@given(amounts, st.integers(0, 10**13), parts, st.integers(0, 10**12), st.randoms(use_true_random=False))
def test_the_order_of_refunds_does_not_matter_whatever_each_was_for(
    reward: int, eligible: int, refunds: list[tuple[int, int | None]], kept: int, chance: Random
) -> None:
    amount = sum(refunded for refunded, _ in refunds) + kept
    one, other = Returns(amount, 0, eligible), Returns(amount, 0, eligible)
    for refunded, named in refunds:
        one = one.and_then(refunded, named)
    chance.shuffle(refunds)
    for refunded, named in refunds:
        other = other.and_then(refunded, named)
    assert 0 <= taken_back(reward, one) == taken_back(reward, other) <= reward
    if not kept:
        assert taken_back(reward, one) == reward


@given(amounts, st.integers(1, 10**12), st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_refund_that_says_what_it_was_for_takes_back_that_share_of_the_reward(
    reward: int, returned: int, kept: int, shipping: int
) -> None:
    eligible = returned + kept
    returns = Returns(eligible + shipping, 0, eligible).and_then(max(1, returned), returned)
    assert taken_back(reward, returns) == divide_half_even(reward * returned, eligible)
    only_shipping = Returns(eligible + shipping, 0, eligible).and_then(shipping, 0)
    assert taken_back(reward, only_shipping) == 0


def test_a_refund_that_says_nothing_stands_for_its_share_of_the_order() -> None:
    half = Returns(5490, 0, 5000).and_then(2745, None)
    assert taken_back(500, half) == 250
    assert half.share_of(2745) == 2500


def test_without_refunds_nothing_is_taken_back() -> None:
    assert taken_back(1000, Returns(50, 0, 50)) == 0
    assert taken_back(1000, Returns(0, 0, 0)) == taken_back(1000, Returns(50, 0, 0).and_then(49, None)) == 0


def test_more_than_the_order_cannot_be_taken_back() -> None:
    with pytest.raises(ValueError, match="cannot pass"):
        Returns(10, 0, 10).and_then(11, None)
