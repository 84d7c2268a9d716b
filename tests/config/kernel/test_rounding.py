from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.rounding import Rounding, round_fraction

values = st.fractions()
rules = st.sampled_from(Rounding)
BY_HAND = {  # HALF_EVEN, HALF_UP, DOWN, UP
    Fraction(5, 2): (2, 3, 2, 3),
    Fraction(7, 2): (4, 4, 3, 4),
    Fraction(-5, 2): (-2, -3, -2, -3),
    Fraction(-7, 2): (-4, -4, -3, -4),
    Fraction(1, 2): (0, 1, 0, 1),
    Fraction(-1, 2): (0, -1, 0, -1),
    Fraction(249, 100): (2, 2, 2, 3),
    Fraction(251, 100): (3, 3, 2, 3),
    Fraction(-1, 10**30): (0, 0, 0, -1),
    Fraction(3): (3, 3, 3, 3),
}


@pytest.mark.parametrize("value", BY_HAND)
def test_each_rule_by_hand(value: Fraction) -> None:
    """Red if UP or DOWN meant floor and ceiling: they round the magnitude."""
    assert tuple(round_fraction(value, rule) for rule in Rounding) == BY_HAND[value]


@given(values, rules)
def test_a_rounded_value_is_less_than_one_away(value: Fraction, rule: Rounding) -> None:
    limit = Fraction(1, 2) if rule in {Rounding.HALF_EVEN, Rounding.HALF_UP} else 1
    distance = abs(round_fraction(value, rule) - value)
    assert distance <= limit
    assert distance < 1


@given(values, rules)
def test_the_sign_does_not_matter(value: Fraction, rule: Rounding) -> None:
    assert round_fraction(-value, rule) == -round_fraction(value, rule)


@given(values)
def test_up_never_shrinks_and_down_never_grows(value: Fraction) -> None:
    assert abs(round_fraction(value, Rounding.DOWN)) <= abs(value) <= abs(round_fraction(value, Rounding.UP))


@given(st.integers(), rules)
def test_an_integer_stays(value: int, rule: Rounding) -> None:
    assert round_fraction(Fraction(value), rule) == value


@given(values, values, rules)
def test_rounding_keeps_the_order(one: Fraction, other: Fraction, rule: Rounding) -> None:
    low, high = sorted([one, other])
    assert round_fraction(low, rule) <= round_fraction(high, rule)
