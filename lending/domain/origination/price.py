"""Price each grade and term of a product by one quote, so that a limit needs no quote of its own."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import Terms
from lending.domain.origination.kinds.registry import kind_of
from lending.domain.origination.product import Months, Product
from scoring.domain.calibration import Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a loan of this principal costs: its whole interest, and its largest instalment, in minor units.

    The two over the principal are the cost share and the instalment share of every amount of the same grade,
    term and date, as exact integer fractions.
    """

    principal_minor: int
    interest_minor: int
    instalment_minor: int


def price_of(product: Product, *, grade: Grade, months: Months, on: date) -> Price:
    """Quote the product's maximum for a grade and term, disbursed on a date.

    The maximum, and not the amount asked for: so a share does not depend on the amount that it bounds, more sales
    never lower a limit, and its rounding, at most a minor unit an instalment, is the smallest possible.
    Raises KeyError for a grade that is not lent to.
    """
    terms = kind_of(product).terms(product, grade=grade, principal_minor=product.maximum_minor, months=months)
    return _price(terms, on)


@lru_cache(maxsize=1_024)
def _price(terms: Terms, on: date) -> Price:
    """Draw the schedule once for a grade, term and date: a night needs it for every merchant."""
    schedule = draw_schedule(terms, on=on)
    return Price(
        principal_minor=terms.principal_minor,
        interest_minor=sum(row.interest_minor for row in schedule),
        instalment_minor=max(row.total_minor for row in schedule),
    )
