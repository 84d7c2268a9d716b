"""Accrue interest and penalty: the only place for both, for one loan and for a column of them.

Interest to date is X(D) = sum over the days t before D of principal outstanding after the events of t x rate x
dcf(t, t + 1): simple interest, cumulative, an exact fraction that is rounded once, when it is read. It is kept as
its numerator over one denominator a loan, 10**(decimals of its rates) x the units of a year: so a day that is
skipped is caught up, and a day closed twice adds nothing. The penalty is the same sum over overdue principal; its
multiple is applied when it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic

import numpy as np

from config.kernel.daycount import DayCount, units_at
from config.kernel.exact import INT64_MAX, Int64s, Integers, Number, half_even

DAY_COUNTS: Final = tuple(DayCount)


@dataclass(slots=True, kw_only=True)
class Accrual(Generic[Number]):
    """What accrues on one loan, in Python's integers, or on a column of loans: the same lines advance both.

    at: the day reached, in units of its day count (see units_at). principal: what is outstanding, overdue: what of
    it is past its grace, minor units. rate: a year's, as a numerator over 10**decimals. interest, penalty: sums of
    balance x rate x units. year: their denominator. extra over extra_scale: the penalty's multiple of the rate.
    """

    at: Number
    principal: Number
    overdue: Number
    rate: Number
    interest: Number
    penalty: Number
    year: Number
    extra: Number
    extra_scale: Number

    def advance(self, to: Number) -> None:
        """Let the days up to a later place pass; principal, overdue and rate hold for all of them."""
        passed = self.rate * (to - self.at)
        self.interest = self.interest + self.principal * passed
        self.penalty = self.penalty + self.overdue * passed
        self.at = to

    def end_grace(self, principal: Number, units: Number) -> None:
        """Let principal pass its grace; `units` is the sum of each part x the units since it did."""
        self.overdue = self.overdue + principal
        self.penalty = self.penalty + self.rate * units

    def interest_minor(self) -> Number:
        """Return the interest to date, rounded once."""
        return half_even(self.interest, self.year)

    def penalty_minor(self) -> Number:
        """Return the penalty to date, rounded once."""
        return half_even(self.penalty * self.extra, self.year * self.extra_scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraceEnds:
    """Instalments that pass their grace while a column of loans advances.

    rows: whose, as positions in the column. days: due date plus grace, not before the day the loan has reached.
    principal: what is still unpaid of each, minor units.
    """

    rows: Int64s
    days: Int64s
    principal: Int64s


def as_column(loans: Sequence[Accrual[int]]) -> Accrual[Integers]:
    """Stack loans into columns: int64, or Python's integers where one does not fit."""
    columns = {name: [getattr(loan, name) for loan in loans] for name in _NAMES}
    return Accrual(**{name: _column(values) for name, values in columns.items()})


def advance_column(
    loans: Accrual[Integers], *, day_counts: Int64s, to_day: int, grace_ends: GraceEnds
) -> Accrual[Integers]:
    """Advance a column of loans to the start of a day (its number since 1970-01-01), which none of them is past.

    day_counts: each loan's, as a position in DAY_COUNTS.
    """
    to = places(np.full(len(day_counts), to_day, np.int64), day_counts)
    since = places(grace_ends.days, day_counts[grace_ends.rows])
    moved = _widened(loans, _largest(loans.rate) * _largest(loans.principal) * _largest(to - loans.at))
    moved.advance(to)
    principal, units = np.zeros_like(moved.principal), np.zeros_like(moved.penalty)
    np.add.at(principal, grace_ends.rows, grace_ends.principal)
    np.add.at(units, grace_ends.rows, grace_ends.principal * (to[grace_ends.rows] - since).astype(units.dtype))
    moved.end_grace(principal, units)
    return moved


def minor_to_date(loans: Accrual[Integers]) -> tuple[Integers, Integers]:
    """Return interest and penalty to date of a column of loans, minor units."""
    scale = _largest(loans.extra) + _largest(loans.extra_scale)
    widened = _widened(loans, 2 * scale * (_largest(loans.interest) + _largest(loans.penalty) + _largest(loans.year)))
    return widened.interest_minor(), widened.penalty_minor()


def places(days: Int64s, day_counts: Int64s) -> Int64s:
    """Place each day in the units of its loan's day count, a position in DAY_COUNTS."""
    found = np.empty_like(days)
    for code, day_count in enumerate(DAY_COUNTS):
        where = day_counts == code
        found[where] = units_at(days[where], day_count)
    return found


_NAMES: Final = tuple(Accrual.__dataclass_fields__)


def _widened(loans: Accrual[Integers], growth: int) -> Accrual[Integers]:
    """Copy the columns, as Python's integers if sums that grow by at most `growth` might exceed int64."""
    if 2 * growth + _largest(loans.interest) + _largest(loans.penalty) < INT64_MAX:
        return replace(loans)
    return Accrual(**{name: getattr(loans, name).astype(object) for name in _NAMES})


def _column(values: Sequence[int]) -> Integers:
    return np.array(values, np.int64 if max(map(abs, values), default=0) <= INT64_MAX else object)


def _largest(values: Integers) -> int:
    return int(np.max(np.abs(values), initial=0))
