"""Find the yearly rate that a borrower really pays, by the rule of a region.

EU, and the United Kingdom: the rate X for which what is advanced and what is repaid are worth the same, each flow
discounted by (1 + X)**-t, t in years (Directive 2008/48/EC, annex I; Directive 2014/17/EU, annex I).
US: the rate i of a unit-period for which they are, each discounted by (1 + f i)**-1 x (1 + i)**-t, t in whole
unit-periods and f the fraction of one that is odd; times the unit-periods of a year (Regulation Z, appendix J).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import partial
from typing import Final

from config.kernel.calendar import add_months
from config.kernel.timevalue import solve_rate

HALF_MONTH: Final = 15
MONTHS_IN_YEAR: Final = 12
Payment = tuple[tuple[int, Fraction], int | Decimal]
"""When, as unit_periods_between measures it, and how much."""


class AprRule(StrEnum):
    """By which rule the yearly rate is computed."""

    EU = "EU"
    US = "US"


@dataclass(frozen=True, slots=True)
class UnitPeriod:
    """The time between two regular payments (Regulation Z, appendix J, b 4): half months, or else days."""

    half_months: int = 0
    days: int = 0

    @property
    def in_a_year(self) -> Fraction:
        """How many of them are a year."""
        if self.half_months:
            return Fraction(24, self.half_months)
        weeks, days = divmod(self.days, 7)
        return Fraction(365, self.days) if days else Fraction(52, weeks)


def years_between(start: date, end: date) -> Fraction:
    """Measure the time to a flow that is not before the first, in years.

    Whole months are twelfths; one that begins on a 31st ends on its last day. Days that are left are counted back
    from the end, over the 365 or 366 days of the year that ends where they do (Directive 2014/17/EU, annex I, II c).
    """
    months, days = _months_before(start, end)
    until = add_months(end, -months)
    year = (until - add_months(until, -12)).days if until.year > date.min.year else 365
    return Fraction(months, 12) + Fraction(days, year)


def unit_periods_between(start: date, end: date, unit: UnitPeriod) -> tuple[int, Fraction]:
    """Measure the time to a payment in whole unit-periods and the fraction of one that is odd.

    Whole months are counted back from the payment; a month, and so its odd days, counts as 30 days where only some
    months of the unit-period, or days, are left (Regulation Z, appendix J, b 5).
    """
    if not unit.half_months:
        whole, odd = divmod((end - start).days, unit.days)
        return whole, Fraction(odd, unit.days)
    months, days = _months_before(start, end)
    whole, odd = divmod(2 * HALF_MONTH * months + days, HALF_MONTH * unit.half_months)
    return whole, Fraction(odd, HALF_MONTH * unit.half_months)


def nominal_rate(advance: int | Decimal, payments: Sequence[Payment], unit: UnitPeriod) -> Decimal:
    """Solve for the US yearly rate of an advance and its payments. Raises NoRate."""
    timed = [(whole, Decimal(odd.numerator) / odd.denominator, amount) for (whole, odd), amount in payments]
    rate = solve_rate(partial(_us_worth, advance, timed))
    return rate * unit.in_a_year.numerator / unit.in_a_year.denominator


def single_payment_rate(advance: int, payment: int, *, start: date, end: date) -> Decimal:
    """Return the US yearly rate of one advance and one payment: the term is the unit-period, if not over a year."""
    months, days = _months_before(start, end)
    if months >= MONTHS_IN_YEAR:
        year = UnitPeriod(half_months=2 * MONTHS_IN_YEAR)
        return nominal_rate(advance, [(unit_periods_between(start, end, year), payment)], year)
    of_year = Fraction(365, (end - start).days) if days else Fraction(MONTHS_IN_YEAR, months)
    return (Decimal(payment) / advance - 1) * of_year.numerator / of_year.denominator


def _months_before(start: date, end: date) -> tuple[int, int]:
    """Count the whole months back from the end, and the days that are left before them.

    A month that begins on a day that the last one does not have ends on its last day.
    """
    months = 12 * (end.year - start.year) + end.month - start.month
    if add_months(start, months) == end:
        return months, 0
    months -= add_months(end, -months) < start
    return months, (add_months(end, -months) - start).days


def _us_worth(
    advance: int | Decimal, payments: Sequence[tuple[int, Decimal, int | Decimal]], growth: Decimal
) -> tuple[Decimal, Decimal]:
    """Return what the advance exceeds the discounted payments by, and how fast that rises with the growth."""
    value, slope = Decimal(advance), Decimal(0)
    unit = growth.exp()
    for whole, odd, payment in payments:
        simple = 1 + odd * (unit - 1)
        part = payment * (-growth * whole).exp() / simple
        value -= part
        slope += part * (whole + odd * unit / simple)
    return value, slope
