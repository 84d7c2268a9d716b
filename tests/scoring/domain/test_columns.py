from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.kernel.exact import INT64_MAX
from scoring.domain.features.columns import (
    Column,
    column,
    column_of,
    columns_of,
    half_even,
    log_slope,
    lowest_and_median,
    ratio,
    root_ratio,
    variation,
)

numerators = st.integers(-INT64_MAX, INT64_MAX)
divisors = st.integers(1, INT64_MAX)
small = st.integers(-50, 50)


@given(
    st.lists(st.tuples(numerators | small, divisors | st.integers(1, 16)), min_size=1),
    st.sampled_from([1, 90, 100, 10_000]),
)
def test_half_even_is_what_fractions_give_however_large(pairs: list[tuple[int, int]], scale: int) -> None:
    """Red if the overflow test is dropped, or `>` becomes `>=`."""
    above, below = (np.array(part, np.int64) for part in zip(*pairs, strict=True))
    assert half_even(above, below, scale).tolist() == [round(Fraction(a * scale, b)) for a, b in pairs]


@pytest.mark.parametrize(
    ("above", "below", "rounded"), [(1, 2, 0), (3, 2, 2), (-1, 2, 0), (-3, 2, -2), (5, 2, 2), (7, 3, 2)]
)
def test_half_even_by_hand(above: int, below: int, rounded: int) -> None:
    assert half_even(np.array([above]), np.array([below]), 1).tolist() == [rounded]


def test_a_ratio_is_null_where_the_divisor_is_not_above_zero_and_stays_in_64_bits() -> None:
    found = ratio(np.array([1, 1, 1, INT64_MAX]), np.array([0, -4, 4, 1]), 10_000)
    assert found.tolist() == [None, None, 2_500, INT64_MAX]
    assert found.values.dtype == np.int64


@given(st.integers(0, 10**30), st.integers(1, 10**12))
def test_a_root_is_rounded_half_to_even_in_integers(square: int, divisor: int) -> None:
    rounded = root_ratio(square, divisor, 10_000)
    exact = Fraction(10**8 * square, divisor * divisor)
    half = Fraction(1, 2)
    assert rounded == 0 or (rounded - half) ** 2 <= exact
    assert exact <= (rounded + half) ** 2


@pytest.mark.parametrize(("odd", "rounded"), [(1, 0), (3, 2), (5, 2), (7, 4)])
def test_the_root_of_a_tie_goes_to_the_even_one(odd: int, rounded: int) -> None:
    """sqrt(odd^2) ÷ 20,000 in basis points is odd ÷ 2."""
    assert root_ratio(odd * odd, 20_000, 10_000) == rounded


def test_variation_settles_a_tie_that_a_float_cannot() -> None:
    """Two weeks of m + e and m - e vary by e ÷ m: here 0.5, 1.5 and 2.5 bp. Red with np.rint of the root alone
    or with an estimate believed at the tie.
    """
    weeks = np.array([[20_000 + e, 20_000 - e, 99] for e in (1, 3, 5)])
    assert variation(weeks, np.array([2, 2, 2])).tolist() == [0, 2, 2]


@given(
    st.lists(st.lists(st.integers(-(10**15), 10**15), min_size=26, max_size=26), min_size=1, max_size=3),
    st.integers(6, 26),
)
def test_variation_is_exact_beyond_int64(rows: list[list[int]], count: int) -> None:
    found = variation(np.array(rows), np.full(len(rows), count)).tolist()
    for value, row in zip(found, rows, strict=True):
        weeks = row[:count]
        spread, total = count * sum(week * week for week in weeks) - sum(weeks) ** 2, sum(weeks)
        bounded = None if total <= 0 else min(root_ratio(spread, total, 10_000), INT64_MAX)
        assert value == bounded


@given(st.lists(st.integers(-(10**6), 10**6), min_size=12, max_size=12), st.integers(1, 12))
def test_median_and_minimum_are_those_of_the_first_blocks(blocks: list[int], count: int) -> None:
    lowest, doubled = lowest_and_median(np.array([blocks, blocks]), np.array([count, 0]))
    ordered = sorted(blocks[:count])
    assert lowest.tolist() == [ordered[0], 0]
    assert doubled.tolist() == [ordered[(count - 1) // 2] + ordered[count // 2], 0]


@given(st.lists(st.integers(1, 10**12), min_size=6, max_size=12))
def test_a_slope_turns_round_with_time_and_ignores_the_currency(months: list[int]) -> None:
    count = np.array([len(months)])

    def slope(blocks: list[int]) -> int:
        [found] = log_slope(np.array([blocks]), count, np.array([1]), 1).tolist()
        assert found is not None
        return found

    assert slope(months) == -slope(months[::-1])
    assert slope([month * 100 for month in months]) == slope(months)


@pytest.mark.parametrize(
    ("months", "bp"), [([5] * 6, 0), ([32, 16, 8, 4, 2, 1], 6_931), ([1, 2, 4, 8, 16, 32], -6_931)]
)
def test_slopes_by_hand(months: list[int], bp: int) -> None:
    """Doubling each month, newest first, is ln 2 a month."""
    assert log_slope(np.array([months]), np.array([6]), np.array([1]), 1).tolist() == [bp]


def test_a_slope_needs_a_floor_above_zero_and_two_months() -> None:
    blocks = np.array([[1, 2, 3]] * 3)
    assert log_slope(blocks, np.array([3, 3, 1]), np.array([0, -7, 1]), 40).tolist() == [None] * 3


def test_rows_become_columns_and_whoever_has_none_gets_zero_or_null() -> None:
    found = columns_of([(9, None, 5), (4, 7, 6)], ["first", "sum"], frozenset({"first"}), np.array([4, 5, 9]))
    assert {name: part.tolist() for name, part in found.items()} == {"first": [7, None, None], "sum": [6, 0, 5]}
    with pytest.raises(KeyError):
        columns_of([(1, 1)], ["sum"], frozenset(), np.array([2]))


def test_nulls_hide_values() -> None:
    part = column_of([3, None, 5])
    assert part.hidden(np.array([True, False, False])).tolist() == [None, None, 5]
    assert part.take(np.array([2, 1])).tolist() == [5, None]
    assert len(part) == 3
    assert column(np.array([3]), np.array([True])).values.tolist() == [0]
    assert isinstance(part, Column)
