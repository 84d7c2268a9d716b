"""Draw the schedule of a TERM loan, once, at its disbursement."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import gcd
from typing import Final

import numpy as np

from config.kernel.calendar import add_months, day_number
from config.kernel.daycount import YEAR_UNITS, units_at
from config.kernel.exact import decimals_of, half_even, scaled
from config.kernel.money import allocate
from lending.domain.contract.refusal import LoanRefusal, LoanRefused
from lending.domain.contract.terms import Method, PeriodUnit, Terms

_DAYS: Final = {PeriodUnit.DAY: 1, PeriodUnit.WEEK: 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """One row of a schedule, as drawn: what should be paid on its due date, in minor units."""

    no: int
    due: date
    principal_minor: int
    interest_minor: int

    @property
    def total_minor(self) -> int:
        """What should be paid in all."""
        return self.principal_minor + self.interest_minor


def draw_schedule(terms: Terms, *, on: date) -> tuple[Instalment, ...]:
    """Draw the schedule for a disbursement on a date.

    Raises LoanRefused (BAD_TERMS) if `first_due` is not after that date, or a due date is after the year 9999.
    """
    dues = _due_dates(terms, on)
    if terms.method is Method.BULLET:
        dues = dues[-1:]
    decimals = decimals_of(terms.rate)
    places = units_at(np.array([day_number(day) for day in (on, *dues)], np.int64), terms.day_count).tolist()
    # f_i is factors[i] / year: rate times day count fraction of period i.
    factors = [scaled(terms.rate, decimals) * (end - start) for start, end in pairwise(places)]
    year = 10**decimals * YEAR_UNITS[terms.day_count]
    return tuple(
        Instalment(no=no, due=due, principal_minor=principal, interest_minor=interest)
        for no, (due, (principal, interest)) in enumerate(zip(dues, _amounts(terms, factors, year), strict=True), 1)
    )


def _due_dates(terms: Terms, on: date) -> list[date]:
    """Return every due date; a missing day of the month becomes the month's last."""
    if terms.first_due is not None and terms.first_due <= on:
        message = f"terms: first_due: {terms.first_due} does not lie after the disbursement on {on}"
        raise LoanRefused(LoanRefusal.BAD_TERMS, message)
    first, start = (0, terms.first_due) if terms.first_due else (1, on)
    try:
        return [_moved(start, number * terms.every, terms.unit) for number in range(first, first + terms.periods)]
    except (ValueError, OverflowError) as error:
        message = f"terms: periods: the last due date lies after the year {date.max.year}"
        raise LoanRefused(LoanRefusal.BAD_TERMS, message) from error


def _moved(start: date, units: int, unit: PeriodUnit) -> date:
    return add_months(start, units) if unit is PeriodUnit.MONTH else start + timedelta(days=units * _DAYS[unit])


def _amounts(terms: Terms, factors: Sequence[int], year: int) -> Iterator[tuple[int, int]]:
    """Yield principal and interest of each row; interest is the difference of sums that are each rounded once."""
    shares = _shares(terms, len(factors))
    level = 0 if shares else _level_instalment(terms.principal_minor, factors, year)
    balance, accrued, booked = terms.principal_minor, 0, 0
    for row, factor in enumerate(factors, start=1):
        accrued += balance * factor
        interest = half_even(accrued, year) - booked
        booked += interest
        if shares:
            principal = shares[row - 1]
        else:
            principal = balance if row == len(factors) else min(max(level - interest, 0), balance)
        balance -= principal
        yield principal, interest


def _shares(terms: Terms, rows: int) -> list[int] | None:
    """Return the principal of each row where it does not depend on the interest; None where it does."""
    match terms.method:
        case Method.EQUAL_PRINCIPAL:
            return allocate(terms.principal_minor, [1] * rows)
        case Method.EQUAL_INSTALMENTS:
            return None if terms.rate else allocate(terms.principal_minor, [1] * rows)
        case Method.INTEREST_ONLY | Method.BULLET:
            return [0] * (rows - 1) + [terms.principal_minor]


def _level_instalment(principal: int, factors: Sequence[int], year: int) -> int:
    """Solve P = sum over i of A / product over j up to i of (1 + f_j) for A, exactly; round it half to even.

    Times the product of all (1 + f_j), both sides are sums of products; times year**n, of integers. Source: the
    annuity on period rate factors; for equal f it is P f / (1 - (1 + f)**-n).
    """
    common = gcd(year, *factors)  # hundreds of rows multiply up: short numbers are worth it
    year //= common
    product, discounts, power = 1, 0, 1
    for factor in factors:
        growth = year + factor // common
        product *= growth
        power *= year
        discounts = discounts * growth + power
    return half_even(principal * product, discounts)
