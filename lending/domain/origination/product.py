"""Hold a product version: what is lent, at what price, to whom, and how much of it.

Immutable data like a scorecard; `product_document` reads and validates it. Shares are basis points, amounts minor
units of the product's currency, multiples and rates exact decimals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from config.kernel.daycount import DayCount
from config.kernel.exact import BASIS_POINTS, MILLION
from lending.domain.contract.terms import Method, PeriodUnit, Prepayment, Terms
from scoring.domain.calibration import GRADES, PD_BELOW_PPM, Grade

DAYS_IN_YEAR: Final = 365
"""The contract's yearly rate is this many daily ones, whatever the day count."""
LENDABLE: Final = GRADES[: GRADES.index(Grade.C1) + 1]
"""The grades that are offered anything, best first: those at or above the calibration's cut-off."""


class ProductKind(StrEnum):
    """The kinds of product."""

    TERM = "TERM"


class Band(StrEnum):
    """Who may decide on referred applications, each up to an amount of the product's."""

    UNDERWRITER = "UNDERWRITER"
    RISK_MANAGER = "RISK_MANAGER"


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeTerms:
    """What a grade is offered.

    sales_share_bps: the share of expected sales that may go into repaying. multiple: of a month's sales, lent at
    most. months: the longest term. first_step: of a month's sales, lent at most at first. daily_rate: simple, on
    what is outstanding.
    """

    sales_share_bps: int
    multiple: Decimal
    months: int
    first_step: Decimal
    daily_rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRules:
    """What bounds a limit beside the grade; a room of None, and a category without one, bounds nothing."""

    yearly_sales_bps: int
    worst_month_multiple: Decimal
    seasoned_months: int
    ladder_factor: Decimal
    debt_service_bps: int
    raise_bps: int
    raise_nights: int
    portfolio_room_minor: int | None
    category_rooms_minor: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What lending costs: loss given default, and basis points a year of what is outstanding."""

    lgd_bps: int
    funding_bps: int
    operating_bps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardTerms:
    """The part of a loan's terms that is the same for all loans of the product."""

    day_count: DayCount
    method: Method
    unit: PeriodUnit
    every: int
    prepayment: Prepayment
    grace_days: int
    tolerance_minor: int
    penalty_multiple_extra: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Whom the product is for; None: everybody."""

    partners: frozenset[str] | None
    regions: frozenset[str] | None
    categories: frozenset[str] | None
    memberships: frozenset[str] | None
    tenure_months: int | None
    score: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origination:
    """How offers and applications are treated.

    offer_days: an offer stands. score_days: the oldest score that is good enough. cooling_off_days: between the
    signature and the payout, in which the merchant may step back. From refer_flagged_bps on, and above
    refer_above_minor, a person decides; bands: up to which amount, None for any.
    """

    offer_days: int
    score_days: int
    cooling_off_days: int
    refer_flagged_bps: int
    refer_above_minor: int
    bands: Mapping[Band, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One version of a product; sha256 is that of its canonical document."""

    code: str
    name: str
    version: int
    kind: ProductKind
    currency: str
    minimum_minor: int
    maximum_minor: int
    shortest_months: int
    longest_months: int
    grades: Mapping[Grade, GradeTerms]
    limits: LimitRules
    costs: Costs
    contract: StandardTerms
    eligibility: Eligibility
    origination: Origination
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What a grade earns and costs, as shares of the average outstanding, a year."""

    grade: Grade
    income: Fraction
    cost: Fraction


def terms_of(product: Product, *, grade: Grade, principal_minor: int, months: int) -> Terms:
    """Make the terms of a loan: the yearly rate is 365 daily ones.

    Raises KeyError for a grade that is not lent to, LoanRefused (BAD_TERMS) for an amount that makes no loan.
    """
    contract = product.contract
    return Terms(
        principal_minor=principal_minor,
        currency=product.currency,
        rate=product.grades[grade].daily_rate * DAYS_IN_YEAR,
        day_count=contract.day_count,
        method=contract.method,
        periods=months,
        every=contract.every,
        unit=contract.unit,
        first_due=None,
        grace_days=contract.grace_days,
        tolerance_minor=contract.tolerance_minor,
        penalty_multiple_extra=contract.penalty_multiple_extra,
        prepayment=contract.prepayment,
    )


def margin_at(product: Product, grade: Grade) -> Margin:
    """Weigh a grade's income against its cost, a year on the average outstanding.

    Income: each unit outstanding earns the daily rate every day, so a unit outstanding all year earns 365 of them;
    how principal is repaid does not enter, and every other day count gives as much or more (ACT/360: 365/360).
    Cost: PD, at the grade's upper bound, is of 12 months, so a unit outstanding all year is lost to the share
    PD x LGD (Basel: EL = PD x LGD x EAD, EAD the outstanding); a loan of four months bears a third of the year's
    PD and earns a third of its income, which leaves the comparison as it is. Funding and operating costs are given
    a year on the outstanding. Penalties and interest of late loans are not counted as income.
    """
    costs = product.costs
    pd = Fraction(PD_BELOW_PPM[GRADES.index(grade)], MILLION)
    return Margin(
        grade=grade,
        income=Fraction(product.grades[grade].daily_rate) * DAYS_IN_YEAR,
        cost=(pd * costs.lgd_bps + costs.funding_bps + costs.operating_bps) / BASIS_POINTS,
    )
