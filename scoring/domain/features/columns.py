"""Compute over whole columns of integers, exactly: sums, medians and ratios, rounded once, half to even.

Columns are int64. Where a product would not fit, the same expression runs over Python integers in an object
array: slower, never wrong. Floats appear where a root or a logarithm is taken, and only to find the integer;
a value too near a tie for the float to decide is settled in integers or in 60 digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from math import isqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.kernel.exact import BASIS_POINTS, INT64_MAX, Int64s, Integers
from config.kernel.exact import half_even as round_half_even

Booleans = NDArray[np.bool_]

SAFE: Final = 2**53
"""Below this, sums of a row's months and weeks, times the small factors in use, fit int64."""
SAFE_ROOT: Final = 10**8
"""Below this, the sum of squares of 26 weeks times 26 fits int64."""
DIGITS: Final = Context(prec=60)
EDGE: Final = 1e-6
"""Distance from a tie, in quantised units, under which a float is not trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One value a merchant: int64 `values`, and `null` where there is none (the value there is 0)."""

    values: Int64s
    null: Booleans

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: Int64s) -> "Column":
        """Select rows by position."""
        return Column(values=self.values[rows], null=self.null[rows])

    def hidden(self, where: Booleans) -> "Column":
        """Return a copy that is also null where the condition holds."""
        return column(self.values, self.null | where)

    def tolist(self) -> list[int | None]:
        """Return Python integers, None for null, to be stored or shown."""
        return [None if null else value for value, null in zip(self.values.tolist(), self.null.tolist(), strict=True)]


def column(values: Integers, null: Booleans | None = None) -> Column:
    """Make a column, 0 under each null; a value beyond int64 is clamped.

    Not an error: lifetime sales over sales of one cent are absurd, and must not stop a whole shard. Bins end far below.
    """
    null = np.zeros(len(values), np.bool_) if null is None else null
    whole = np.where(null, 0, values)
    if whole.dtype == object:
        whole = np.clip(whole, -INT64_MAX, INT64_MAX)
    return Column(values=whole.astype(np.int64), null=null)


def column_of(values: Sequence[int | None]) -> Column:
    """Make a column from Python integers, None for null."""
    null = np.array([value is None for value in values], np.bool_)
    return Column(values=np.array([value or 0 for value in values], np.int64), null=null)


def columns_of(
    rows: Sequence[Sequence[int | None]], names: Sequence[str], nullable: frozenset[str], merchants: Int64s
) -> dict[str, Column]:
    """Arrange an engine's rows (merchant_id first, then `names`) as columns in the order of `merchants`.

    A merchant without a row gets null where `nullable`, else 0: one who never sold is scored too.
    Raises KeyError for a row of any other merchant.
    """
    place = {merchant: position for position, merchant in enumerate(merchants.tolist())}
    at = np.array([place[row[0]] for row in rows], np.int64)
    found: dict[str, Column] = {}
    for number, name in enumerate(names, start=1):
        part = column_of([row[number] for row in rows])
        values = np.zeros(len(merchants), np.int64)
        null = np.full(len(merchants), name in nullable, np.bool_)
        values[at], null[at] = part.values, part.null
        found[name] = Column(values=values, null=null)
    return found


def exact(values: Int64s) -> Integers:
    """Return the values ready for sums and small products: as Python integers if any is 2**53 or more."""
    return values.astype(object) if values.size and _largest(values) >= SAFE else values


def stacked(columns: Mapping[str, Column], names: Sequence[str]) -> Integers:
    """Stack columns side by side: one row a merchant, ready for `exact` sums."""
    return exact(np.stack([columns[name].values for name in names], axis=1))


def ratio(numerator: Integers, divisor: Integers, scale: int) -> Column:
    """Quantise numerator ÷ divisor x scale once, half to even; null where the divisor is 0 or below."""
    null = np.asarray(divisor <= 0, np.bool_)
    safe = np.where(null, 1, divisor)
    return column(half_even(numerator, safe, scale), null)


def half_even(numerator: Integers, divisor: Integers, scale: int) -> Integers:
    """Round numerator x scale ÷ divisor to an integer, half to even; the divisor is above 0."""
    bound = INT64_MAX // 4
    if numerator.size and (_largest(numerator) > bound // scale or _largest(divisor) > bound):
        numerator, divisor = numerator.astype(object), divisor.astype(object)
    return round_half_even(numerator * scale, divisor)


def lowest_and_median(blocks: Integers, counts: Int64s) -> tuple[Integers, Integers]:
    """Return each row's minimum and twice its median over its first `counts` blocks; 0 where it has none."""
    lowest, doubled = np.zeros_like(blocks[:, 0]), np.zeros_like(blocks[:, 0])
    for count in np.unique(counts[counts > 0]).tolist():
        rows = np.flatnonzero(counts == count)
        ordered = np.sort(blocks[rows, :count], axis=1)
        lowest[rows] = ordered[:, 0]
        doubled[rows] = ordered[:, (count - 1) // 2] + ordered[:, count // 2]
    return lowest, doubled


def variation(blocks: Integers, counts: Int64s) -> Column:
    """Compute population standard deviation ÷ mean of each row's first `counts` blocks, in basis points.

    With n blocks of sum S and sum of squares Q it is sqrt(nQ - S^2) ÷ S: integers up to the root.
    Null where the sum is 0 or below.
    """
    kept = np.where(np.arange(blocks.shape[1]) < counts[:, None], blocks, 0)
    if kept.size and _largest(kept) >= SAFE_ROOT:
        kept = kept.astype(object)
    total = kept.sum(axis=1)
    spread = counts * (kept * kept).sum(axis=1) - total * total
    null = np.asarray(total <= 0, np.bool_)
    divisor = np.where(null, 1, total)
    estimate = BASIS_POINTS * np.sqrt(spread.astype(np.float64)) / divisor.astype(np.float64)
    near = ~null & (np.abs(estimate % 1 - 0.5) < EDGE + estimate * 1e-12)
    result = np.rint(np.where(null, 0, estimate)).astype(object)
    for row in np.flatnonzero(near).tolist():
        result[row] = root_ratio(int(spread[row]), int(divisor[row]), BASIS_POINTS)
    return column(result, null)


def root_ratio(square: int, divisor: int, scale: int) -> int:
    """Round sqrt(square) x scale ÷ divisor to an integer, half to even, in integers alone."""
    fourfold = 4 * scale * scale * square
    halves = isqrt(fourfold // (divisor * divisor))
    whole, odd = divmod(halves, 2)
    tie = halves * halves * divisor * divisor == fourfold
    return whole + (odd and (whole % 2 if tie else 1))


def log_slope(blocks: Integers, counts: Int64s, floors: Integers, scale: int) -> Column:
    """Compute the least-squares slope of ln(max(scale x block, floor)) over each row's blocks, in bp a block.

    Block 0 is the newest. Scaling changes no slope, so the floor stays an integer. The float of a sum of
    logs is accurate to about 1e-10 bp; nearer to a tie than EDGE, 60 digits decide. The only exact tie is
    slope 0 itself: a power of e that is a ratio of integers is e^0. Null where the floor is 0 or below.
    """
    null = np.asarray(floors <= 0, np.bool_) | (counts < 2)  # noqa: PLR2004 - no line through one point
    result = np.zeros(len(counts), object)
    for count in np.unique(counts[~null]).tolist():
        rows = np.flatnonzero(~null & (counts == count))
        floored = np.maximum(blocks[rows, :count] * scale, floors[rows, None])
        weights = (count - 1) - 2 * np.arange(count)
        norm = int((weights * weights).sum())
        slope = np.log(floored.astype(np.float64)) @ weights * (2.0 * BASIS_POINTS / norm)
        result[rows] = np.rint(slope).astype(np.int64)
        for near in np.flatnonzero(np.abs(slope % 1 - 0.5) < EDGE).tolist():
            result[rows[near]] = _slope_in_digits(floored[near].tolist(), weights.tolist(), norm)
    return column(result, null)


def _slope_in_digits(blocks: list[int], weights: list[int], norm: int) -> int:
    total = Decimal(0)
    for block, weight in zip(blocks, weights, strict=True):
        total = DIGITS.add(total, DIGITS.multiply(Decimal(weight), DIGITS.ln(Decimal(block))))
    slope = DIGITS.divide(DIGITS.multiply(total, Decimal(2 * BASIS_POINTS)), Decimal(norm))
    return int(slope.to_integral_value(ROUND_HALF_EVEN))


def _largest(values: Integers) -> int:
    """Return the largest magnitude; not abs(), which int64's lowest value overflows."""
    return max(int(values.max()), -int(values.min()))
