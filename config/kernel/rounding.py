"""Round exact fractions to integers, by a rule that the caller names."""

from enum import StrEnum
from fractions import Fraction
from math import ceil, floor


class Rounding(StrEnum):
    """Name the ways to round to an integer."""

    HALF_EVEN = "HALF_EVEN"
    HALF_UP = "HALF_UP"
    DOWN = "DOWN"
    UP = "UP"


def round_fraction(value: Fraction, rounding: Rounding) -> int:
    """Round an exact value to an integer; HALF_UP, DOWN and UP round its magnitude, whatever the sign."""
    if rounding is Rounding.HALF_EVEN:
        return round(value)  # Python rounds Fraction half to even
    magnitude = abs(value)
    match rounding:
        case Rounding.HALF_UP:
            rounded = floor(magnitude + Fraction(1, 2))
        case Rounding.DOWN:
            rounded = floor(magnitude)
        case Rounding.UP:
            rounded = ceil(magnitude)
    return rounded if value >= 0 else -rounded
