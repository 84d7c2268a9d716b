"""Price each grade and term of a product by one quote, so that a limit needs no quote of its own."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from lending.domain.contract.fees import FeeDue
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import Terms
from lending.domain.origination.kinds.registry import kind_of
from lending.domain.origination.product import Months, Product
from scoring.domain.calibration import Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a loan of this principal costs: interest and fees in proportion to it, and the largest instalment.

    In minor units. The two over the principal are the cost share and the instalment share of every amount of the same
    grade, term and date, as exact integer fractions. fixed_minor, fixed_instalment_minor: the fees that are an amount,
    whatever is lent: in all, and the most that fall due with one instalment.
    """

    principal_minor: int
    cost_minor: int
    instalment_minor: int
    fixed_minor: int
    fixed_instalment_minor: int


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
    rows = draw_schedule(terms, on=on)
    amounts = {when: sum(fee.amount_minor for fee in terms.fees if fee.due is when) for when in FeeDue}
    every = amounts.pop(FeeDue.EVERY_DUE)
    once, totals = sum(amounts.values()), [row.total_minor - every for row in rows if row.due > on]
    fixed = once + every * len(totals)
    # What falls due on the day of the disbursement is a part of the first month's.
    totals[0] += sum(row.total_minor for row in rows if row.due == on) - once
    return Price(
        principal_minor=terms.principal_minor,
        cost_minor=sum(row.interest_minor + row.fee_minor for row in rows) - fixed,
        instalment_minor=max(totals),
        fixed_minor=fixed,
        fixed_instalment_minor=once + every,
    )
