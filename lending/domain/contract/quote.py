"""Quote a loan before anything is signed."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

from config.kernel.timevalue import effective_rate
from lending.domain.contract.apr import years_between
from lending.domain.contract.schedule import Instalment, draw_schedule
from lending.domain.contract.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quote: amounts in minor units, the EU effective yearly rate in per cent with two decimals.

    total_cost_minor: all that is repaid beyond the principal; interest alone, as a TERM loan has no other cost.
    """

    schedule: tuple[Instalment, ...]
    total_interest_minor: int
    total_cost_minor: int
    apr: str


def quote(terms: Terms, *, on: date) -> Quote:
    """Quote a loan disbursed on a date and repaid as drawn. Raises LoanRefused (BAD_TERMS)."""
    schedule = draw_schedule(terms, on=on)
    flows = [(Fraction(0), terms.principal_minor)]
    flows += [(years_between(on, row.due), -row.total_minor) for row in schedule]
    return Quote(
        schedule=schedule,
        total_interest_minor=sum(row.interest_minor for row in schedule),
        total_cost_minor=sum(row.total_minor for row in schedule) - terms.principal_minor,
        apr=percent(effective_rate(flows)),
    )


def percent(rate: Decimal) -> str:
    """Format a rate in per cent with two decimals, rounded half up as the regulators' examples are."""
    with localcontext(prec=max(rate.adjusted(), 0) + 10):  # enough for every digit before the point
        return format((100 * rate).quantize(Decimal("0.01"), ROUND_HALF_UP), "f")
