"""Compute with fractions as integers over a common denominator: for one amount or a column of them alike."""

from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Integers = NDArray[Any]
"""Integers of int64, or Python's own where they may grow beyond it."""
INT64_MAX: Final = 2**63 - 1
BASIS_POINTS: Final = 10_000
MILLION: Final = 1_000_000
Number = TypeVar("Number", int, Integers)


def half_even(numerator: Number, denominator: Number) -> Number:
    """Round numerator ÷ denominator, which is above 0, to whole numbers, half to even.

    In int64 columns, four times either must fit.
    """
    doubled = 2 * numerator + denominator
    rounded = doubled // (2 * denominator)  # half up
    tie = doubled == rounded * (2 * denominator)
    even: Number = rounded - (rounded & 1) * tie
    return even


@lru_cache(maxsize=1_024)
def decimals_of(value: Decimal) -> int:
    """Count the decimal places that an exact decimal needs."""
    exponent = value.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def scaled(value: Decimal, decimals: int) -> int:
    """Return the numerator of an exact decimal over 10**decimals, which must be enough of them."""
    return int(value.scaleb(decimals))
