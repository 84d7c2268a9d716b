"""Compute how loans at rest stand on a later date, in SQL: what `RestingLoan.as_of` computes for one.

In 64 bits where they provably fit, in numeric otherwise. The place of a date on the line of units of each day count
comes with the statement, so that no date is computed with in SQL.
"""

from datetime import date

from config.kernel.calendar import day_number
from config.kernel.daycount import DAILY, place_of


def interest_at(place: str) -> str:
    """Return SQL for the interest to a place, in minor units, of a loan `l` that is not past it."""
    return f"""CASE WHEN l.principal_minor = 0 THEN l.interest_minor WHEN {place} <= l.fits_to
        THEN half_even(l.interest_numerator::bigint + l.principal_minor * l.rate_numerator * ({place} - l.place),
            l.denominator)
        ELSE half_even(l.interest_numerator + l.principal_minor::numeric * l.rate_numerator * ({place} - l.place),
            l.denominator::numeric)::bigint END"""


def penalty_at(place: str) -> str:
    """Return SQL for the penalty to a place, in minor units, of a loan `l` that is not past it."""
    return f"""CASE WHEN l.overdue_minor = 0 THEN l.penalty_minor WHEN {place} <= l.fits_to
        THEN half_even((l.penalty_numerator::bigint + l.overdue_minor * l.rate_numerator * ({place} - l.place))
            * l.extra, l.denominator * l.extra_scale)
        ELSE half_even((l.penalty_numerator + l.overdue_minor::numeric * l.rate_numerator * ({place} - l.place))
            * l.extra, l.denominator::numeric * l.extra_scale)::bigint END"""


def fees_at(day: str) -> str:
    """Return SQL for the fees up to a date, in minor units, of a loan `l` that has not turned before it."""
    return f"l.fees_minor + CASE WHEN l.turns_on <= {day} THEN l.turn_fee_minor ELSE 0 END"


def places_on(day: date) -> list[int]:
    """Return the place of a date in each of DAILY."""
    return [place_of(day_count, day_number(day)) for day_count in DAILY]
