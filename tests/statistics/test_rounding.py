"""Rates, quotients and averages are rounded half-even, exactly, whatever their size."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from service.statistics.measures import half_even, quotient, rate

WHOLE = st.integers(-(10**18), 10**18)


@given(WHOLE, WHOLE.filter(bool))
@example(1, 2)
@example(3, 2)
@example(-1, 2)
@example(-3, 2)
@example(5, -2)
def test_half_even_is_what_fractions_say(part: int, whole: int) -> None:
    assert half_even(part, whole) == round(Fraction(part, whole))


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_rate_has_four_digits(part: int, whole: int) -> None:
    assert rate(part, whole) == float(Decimal(round(Fraction(10_000 * part, whole))).scaleb(-4))
    assert rate(part, 0) is None


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**12))
def test_a_quotient_has_two_digits(part: int, whole: int) -> None:
    exact = Fraction(100 * part, whole)
    assert quotient(part, whole) == str(Decimal(round(exact)).quantize(Decimal(1), ROUND_HALF_EVEN).scaleb(-2))
    assert quotient(part, 0) is None
    assert quotient(part, -whole) is None
