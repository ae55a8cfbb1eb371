import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.rewards import FixedReward, PercentReward, lapsing, taken_back

amounts = st.integers(1, 10**15)


def test_a_percent_reward_rounds_half_even_in_minor_units() -> None:
    ten_percent = PercentReward(1000)
    assert [ten_percent.of(amount) for amount in (4, 5, 6, 15, 25)] == [0, 0, 1, 2, 2]


def test_a_percent_reward_stops_at_its_maximum() -> None:
    assert PercentReward(1000, max_amount=500).of(999_999) == 500


def test_a_fixed_reward_is_the_same_for_every_order() -> None:
    assert FixedReward(700).of(0) == FixedReward(700).of(10**15) == 700


@given(st.integers(0, 10**15), st.integers(1, 10_000))
def test_a_percent_reward_never_passes_the_order(order: int, basis_points: int) -> None:
    assert 0 <= PercentReward(basis_points).of(order) <= order


@given(amounts, st.lists(st.integers(1, 10**12), min_size=1, max_size=20))
def test_refunds_take_back_more_and_more_and_in_the_end_exactly_all(reward: int, refunds: list[int]) -> None:
    order, so_far, total = sum(refunds), 0, 0
    for refund in refunds:
        total += refund
        taken = taken_back(reward, refunded_total=total, order_amount=order)
        assert so_far <= taken <= reward
        so_far = taken
    assert so_far == reward


def test_without_refunds_nothing_is_taken_back() -> None:
    assert taken_back(1000, refunded_total=0, order_amount=50) == 0


def test_more_than_the_order_cannot_be_taken_back() -> None:
    with pytest.raises(ValueError, match="cannot pass"):
        taken_back(100, refunded_total=11, order_amount=10)


@pytest.mark.parametrize(
    ("left", "available", "left_of_later", "lapses"),
    [
        (1000, 1000, 0, 1000),  # nothing was spent
        (1000, 400, 0, 400),  # part of it was
        (1000, 1500, 1000, 500),  # what expires first is spent first
        (1000, 1000, 1000, 0),  # all of it was spent, and the later one is whole
        (1000, 300, 1000, 0),  # more than it was spent
        (1000, 5000, 1000, 1000),  # never more than is left of it
        (0, 500, 0, 0),
    ],
)
def test_what_lapses_is_what_is_left_once_later_rewards_account_for_theirs(
    left: int, available: int, left_of_later: int, lapses: int
) -> None:
    assert lapsing(left, available=available, left_of_later=left_of_later) == lapses
