"""PURE: integer arithmetic on amounts in minor units. The one place where the ledger divides."""


def divide_half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, a tie to the even one (banker's rounding).

    numerator: >= 0. denominator: > 0. Exact at any size: no float, no context precision.
    Raises ValueError outside of those ranges.
    """
    if numerator < 0 or denominator <= 0:
        raise ValueError("the numerator must not be negative and the denominator must be positive")
    quotient, remainder = divmod(numerator, denominator)
    doubled = 2 * remainder
    if doubled > denominator or (doubled == denominator and quotient % 2):
        return quotient + 1
    return quotient
