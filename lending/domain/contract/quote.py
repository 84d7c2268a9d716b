"""Quote a loan before anything is signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from config.kernel.timevalue import effective_rate
from lending.domain.contract.apr import (
    MONTHS_IN_YEAR,
    AprRule,
    UnitPeriod,
    nominal_rate,
    single_payment_rate,
    unit_periods_between,
    years_between,
)
from lending.domain.contract.schedule import Instalment, draw_schedule
from lending.domain.contract.terms import DAYS_OF, PeriodUnit, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quote: amounts in minor units, the yearly rate by the rule asked for in per cent with two decimals.

    total_cost_minor: all that is repaid beyond the principal: interest and fees.
    """

    schedule: tuple[Instalment, ...]
    total_interest_minor: int
    total_fees_minor: int
    total_cost_minor: int
    apr: str


def quote(terms: Terms, *, on: date, rule: AprRule = AprRule.EU) -> Quote:
    """Quote a loan disbursed on a date and repaid as drawn. Raises LoanRefused (BAD_TERMS)."""
    schedule = draw_schedule(terms, on=on)
    return Quote(
        schedule=schedule,
        total_interest_minor=sum(row.interest_minor for row in schedule),
        total_fees_minor=sum(row.fee_minor for row in schedule),
        total_cost_minor=sum(row.total_minor for row in schedule) - terms.principal_minor,
        apr=percent(_RATES[rule](terms, on, schedule)),
    )


def _eu_rate(terms: Terms, on: date, schedule: Sequence[Instalment]) -> Decimal:
    flows = [(Fraction(0), terms.principal_minor)]
    return effective_rate([*flows, *((years_between(on, row.due), -row.total_minor) for row in schedule)])


def _us_rate(terms: Terms, on: date, schedule: Sequence[Instalment]) -> Decimal:
    """Find the US rate; what is paid on the day of the disbursement is not advanced."""
    advance = terms.principal_minor - sum(row.total_minor for row in schedule if row.due == on)
    later = [row for row in schedule if row.due > on and row.total_minor]
    if len(later) == 1:
        return single_payment_rate(advance, later[0].total_minor, start=on, end=later[0].due)
    unit = unit_period_of(terms)
    return nominal_rate(advance, [(unit_periods_between(on, row.due, unit), row.total_minor) for row in later], unit)


def unit_period_of(terms: Terms) -> UnitPeriod:
    """Return the unit-period of a loan: its period, at most a year."""
    if terms.unit is PeriodUnit.MONTH:
        return UnitPeriod(half_months=2 * min(terms.every, MONTHS_IN_YEAR))
    return UnitPeriod(days=min(terms.every * DAYS_OF[terms.unit], 365))


_RATES: Final = MappingProxyType({AprRule.EU: _eu_rate, AprRule.US: _us_rate})


def percent(rate: Decimal) -> str:
    """Format a rate in per cent with two decimals, rounded half up as the regulators' examples are."""
    with localcontext(prec=max(rate.adjusted(), 0) + 10):  # enough for every digit before the point
        return format((100 * rate).quantize(Decimal("0.01"), ROUND_HALF_UP), "f")
