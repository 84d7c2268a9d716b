"""Find the yearly rate that a borrower really pays, by the formula of the European Union.

Source: Directive 2008/48/EC, annex I, and Directive 2014/17/EU, annex I: the rate X for which what is advanced
and what is repaid are worth the same, each flow discounted by (1 + X)**-t, t in years.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final

from config.kernel.calendar import add_months

Flow = tuple[Fraction, int]
"""Years since the first flow, and minor units: above 0 what is advanced, below 0 what is repaid."""
MOST_GROWTH: Final = 512
"""Of ln(1 + X): a borrowed cent repaid as three the next day is at 402."""
DIGITS: Final = 30
MOST_STEPS: Final = 100


class NoRate(ValueError):
    """No yearly rate makes these flows even."""


def years_between(start: date, end: date) -> Fraction:
    """Measure the time to a flow that is not before the first, in years.

    Whole months are twelfths; one that begins on a 31st ends on its last day. Days that are left are counted back
    from the end, over the 365 or 366 days of the year that ends where they do (Directive 2014/17/EU, annex I, II c).
    """
    months = 12 * (end.year - start.year) + end.month - start.month
    if add_months(start, months) == end:
        return Fraction(months, 12)
    months -= add_months(end, -months) < start
    until = add_months(end, -months)
    year = (until - add_months(until, -12)).days if until.year > date.min.year else 365
    return Fraction(months, 12) + Fraction((until - start).days, year)


def effective_rate(flows: Sequence[Flow]) -> Decimal:
    """Solve X for the flows of a borrower, right to the twelfth decimal at least. Raises NoRate.

    With u = ln(1 + X) the sum of amount x exp(-u t) is 0. After one advance and repayments it rises with u, so
    there is one root. Doubling finds two bounds of it; Newton's step is taken where it stays between them, else
    their middle: every step narrows them, and near the root each doubles the number of right digits.
    """
    balance = sum(amount for _, amount in flows)
    if not balance:
        return Decimal(0)
    bound = Decimal(-1 if balance > 0 else 1) / 8
    while (_worth(flows, bound)[0] > 0) == (balance > 0):
        bound *= 2
        if abs(bound) > MOST_GROWTH:
            message = "no yearly rate makes these flows even"
            raise NoRate(message)
    low, high = sorted((Decimal(0), bound))
    digits = DIGITS + max(int(bound), 0) // 2  # e**u has fewer than u / 2 digits before its point
    with localcontext(prec=digits):
        guess, near = bound, Decimal(10) ** -(digits // 2)
        for _ in range(MOST_STEPS):
            value, slope = _worth(flows, guess)
            low, high = (low, guess) if value > 0 else (guess, high)
            newton = guess - value / slope if slope else bound * 2
            before, guess = guess, newton if low <= newton <= high else (low + high) / 2
            if abs(guess - before) < near:
                break
        return guess.exp() - 1


def _worth(flows: Sequence[Flow], growth: Decimal) -> tuple[Decimal, Decimal]:
    """Return the sum of the discounted flows, and how fast it rises with the growth ln(1 + X)."""
    value = slope = Decimal(0)
    for years, amount in flows:
        time = Decimal(years.numerator) / years.denominator
        part = amount * (-growth * time).exp()
        value += part
        slope -= part * time
    return value, slope
