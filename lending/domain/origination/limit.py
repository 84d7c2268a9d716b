"""Bound what a merchant may owe: every cap computed and stored, the binding one named.

Integer minor units; every cap is computed exactly and rounded down. A cap bounds the whole exposure, active loans
included: limit = used + free.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from config.kernel.exact import BASIS_POINTS
from lending.domain.origination.facts import MerchantFacts
from lending.domain.origination.kinds.registry import kind_of
from lending.domain.origination.price import price_of
from lending.domain.origination.product import Months, Product
from scoring.domain.calibration import Grade


class Cap(StrEnum):
    """The caps; of several equal ones, the first binds."""

    GRADE_MULTIPLE = "GRADE_MULTIPLE"
    AFFORDABILITY = "AFFORDABILITY"
    DEBT_SERVICE = "DEBT_SERVICE"
    YEARLY_SALES = "YEARLY_SALES"
    WORST_MONTH = "WORST_MONTH"
    LADDER = "LADDER"
    PRODUCT_MAXIMUM = "PRODUCT_MAXIMUM"
    PORTFOLIO_ROOM = "PORTFOLIO_ROOM"
    CATEGORY_ROOM = "CATEGORY_ROOM"
    OWNER_ROOM = "OWNER_ROOM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Every cap in minor units, None where it does not apply, the least of them, and the resulting limit.

    limit_minor: what the least cap allows; 0 below the product's minimum.
    """

    caps: Mapping[Cap, int | None]
    binding: Cap
    limit_minor: int

    @property
    def least_minor(self) -> int:
        """What the binding cap allows, even below the minimum."""
        return self.caps[self.binding] or 0


def compute_limit(facts: MerchantFacts, product: Product, *, grade: Grade) -> Limit:
    """Compute the limit of a merchant of a grade, for the grade's longest term. Raises KeyError for no such grade.

    AFFORDABILITY and DEBT_SERVICE bound what is newly lent, so what is outstanding is added to them. Merchants of
    one owner share one limit: OWNER_ROOM is the least of the other caps less what the others use of it.
    """
    caps = _own_caps(facts, product, grade)
    used = facts.exposure.owner_used_minor
    caps[Cap.OWNER_ROOM] = max(0, min(_applying(caps).values()) - used) if used else None
    applying = _applying(caps)
    binding = min(applying, key=lambda cap: applying[cap])  # of equal ones the first: the order of Cap
    least = applying[binding]
    return Limit(
        caps=MappingProxyType(caps), binding=binding, limit_minor=least if least >= product.minimum_minor else 0
    )


def affordable(facts: MerchantFacts, product: Product, *, grade: Grade) -> int:
    """Compute what can be newly lent so that the grade's share of n months' sales repays it and what runs already.

    (share x M x n - dues of n months - fees that are an amount) / (1 + cost share), n the grade's longest term; in
    minor units, rounded down.
    """
    row = product.grades[grade]
    price = price_of(product, grade=grade, months=row.months, on=facts.on)
    available = row.sales_share_bps * facts.score.sales_basis_minor * row.months
    left = available - BASIS_POINTS * (sum(facts.exposure.dues_minor[: row.months]) + price.fixed_minor)
    return max(0, left * price.principal_minor // (BASIS_POINTS * (price.principal_minor + price.cost_minor)))


def debt_service_room(facts: MerchantFacts, product: Product, *, grade: Grade, months: Months) -> int:
    """Compute what can be newly lent for a term with debt service below the gate, in minor units, rounded down.

    Debt service is a month's instalments, the new one and the largest month of those that run already, over M.
    The gate as an amount, so that no limit promises what the gate then refuses.
    """
    price = price_of(product, grade=grade, months=months, on=facts.on)
    gate = product.limits.debt_service_bps * facts.score.sales_basis_minor
    below_gate = (gate - 1) // BASIS_POINTS  # the largest whole amount that is below it
    left = below_gate - max(facts.exposure.dues_minor[:months], default=0) - price.fixed_instalment_minor
    return max(0, left * price.principal_minor // price.instalment_minor)


def most_by_months(facts: MerchantFacts, product: Product, *, grade: Grade, free_minor: int) -> dict[Months, int]:
    """Return the most that can be lent for each term that an offer lets choose; 0 if below the minimum.

    A shorter term has larger instalments, so less passes the debt service gate; the longest has all that is free.
    """
    found, kind = {}, kind_of(product)
    for months in kind.choices(product, grade):
        judged = kind.judged(product, grade, months)
        most = min(free_minor, debt_service_room(facts, product, grade=grade, months=judged))
        found[months] = most if most >= product.minimum_minor else 0
    return found


def _own_caps(facts: MerchantFacts, product: Product, grade: Grade) -> dict[Cap, int | None]:
    row, rules, score, owed = product.grades[grade], product.limits, facts.score, facts.exposure
    seasoned = score.tenure_months is not None and score.tenure_months >= rules.seasoned_months
    first_loan = not owed.largest_repaid_minor
    ladder = (
        (row.first_step, score.sales_basis_minor) if first_loan else (rules.ladder_factor, owed.largest_repaid_minor)
    )
    return {
        Cap.GRADE_MULTIPLE: _times(row.multiple, score.sales_basis_minor),
        Cap.AFFORDABILITY: owed.outstanding_minor + affordable(facts, product, grade=grade),
        Cap.DEBT_SERVICE: owed.outstanding_minor + debt_service_room(facts, product, grade=grade, months=row.months),
        Cap.YEARLY_SALES: max(0, score.sales_365_minor * rules.yearly_sales_bps // BASIS_POINTS) if seasoned else None,
        Cap.WORST_MONTH: _times(rules.worst_month_multiple, score.worst_month_minor) if seasoned else None,
        Cap.LADDER: _times(*ladder),
        Cap.PRODUCT_MAXIMUM: product.maximum_minor,
        Cap.PORTFOLIO_ROOM: _left(rules.portfolio_room_minor, owed.portfolio_used_minor),
        Cap.CATEGORY_ROOM: _left(rules.category_rooms_minor.get(facts.profile.category), owed.category_used_minor),
    }


def _applying(caps: Mapping[Cap, int | None]) -> dict[Cap, int]:
    return {cap: minor for cap, minor in caps.items() if minor is not None}


def _times(multiple: Decimal, minor: int) -> int:
    """Multiply exactly and round down; never below 0."""
    return max(0, int(Fraction(multiple) * minor))


def _left(room_minor: int | None, used_minor: int) -> int | None:
    return None if room_minor is None else max(0, room_minor - used_minor)
