from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.money import divide_half_even


@given(st.integers(0, 10**40), st.integers(1, 10**20))
def test_division_rounds_half_even_as_decimal_does(numerator: int, denominator: int) -> None:
    with localcontext() as context:
        context.prec = 120
        exact = Decimal(numerator) / Decimal(denominator)
        expected = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    assert divide_half_even(numerator, denominator) == expected


@pytest.mark.parametrize(("numerator", "expected"), [(1, 0), (3, 2), (5, 2), (7, 4)])
def test_a_tie_goes_to_the_even_neighbour(numerator: int, expected: int) -> None:
    assert divide_half_even(numerator, 2) == expected


@pytest.mark.parametrize(("numerator", "denominator"), [(-1, 2), (1, 0), (1, -1)])
def test_what_cannot_be_divided_is_refused(numerator: int, denominator: int) -> None:
    with pytest.raises(ValueError, match="must"):
        divide_half_even(numerator, denominator)
