"""A product version: what is lent, at what price, to whom, and how much of it.

Immutable data like a scorecard; `product_document` reads it by the types and bounds declared here. Shares are basis
points, amounts minor units of the product's currency, multiples and rates exact decimals.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import partial
from itertools import accumulate
from typing import Annotated, Final

from config.kernel.business_days import BusinessCalendar, BusinessDayRule
from config.kernel.daycount import DAILY, DayCount
from config.kernel.documents import ADDED, Amount, unfit
from config.kernel.exact import BASIS_POINTS, MILLION
from lending.domain.contract.fees import Fee, FeeDue
from lending.domain.contract.fields import HIGHEST_RATE, require_range, require_rate
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import Method, MonthEnd, PeriodUnit, Prepayment, Remainder, Terms
from merchants.domain.text import storable
from scoring.domain.calibration import GRADES, PD_BELOW_PPM, Grade
from scoring.domain.scorecard import HIGHEST_SCORE

DAYS_IN_YEAR: Final = 365
"""The contract's yearly rate is this many daily ones, whatever the day count."""
LENDABLE: Final = GRADES[: GRADES.index(Grade.C1) + 1]
"""The grades that get offers, best first: those at or above the calibration's cut-off."""
LONGEST_MONTHS: Final = 60
MONTHS_IN_YEAR: Final = 12
ANY_DAY: Final = date(2001, 1, 1)
"""On which a schedule is drawn to see what a product earns: on which does not matter."""
HIGHEST_VERSION: Final = 1_000_000
LARGEST_MULTIPLE: Final = 100
LONGEST_TEXT: Final = 200
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")


class ProductKind(StrEnum):
    """The kinds of product."""

    TERM = "TERM"
    LINE = "LINE"


class Band(StrEnum):
    """Who may decide referred applications, each up to an amount that the product sets."""

    UNDERWRITER = "UNDERWRITER"
    RISK_MANAGER = "RISK_MANAGER"


def _require_multiple(name: str, value: Decimal) -> None:
    if not 0 < value <= LARGEST_MULTIPLE:
        raise unfit(str(value), name, f"a multiple above 0 and up to {LARGEST_MULTIPLE}")


def _require_daily_rate(name: str, value: Decimal) -> None:
    require_rate(name, value * DAYS_IN_YEAR)


def _require_text(name: str, value: str) -> None:
    if not 0 < len(value) <= LONGEST_TEXT or not storable(value):
        raise unfit(value, name, f"text of 1 to {LONGEST_TEXT} characters that can be stored")


def require_code(name: str, value: str) -> None:
    """Require what may name a product or a calendar."""
    if not _CODE.fullmatch(value):
        raise unfit(value, name, "a code of small letters, digits and hyphens")


def _require_all(members: Iterable[StrEnum], name: str, value: Mapping[StrEnum, object]) -> None:
    if set(value) != set(members):
        raise unfit(", ".join(sorted(value)), name, f"exactly {', '.join(members)}")


def _require_some(name: str, value: frozenset[str]) -> None:
    if not value:
        raise unfit([], name, "null, which admits all, or a list of at least one")


def _require_monthly(name: str, value: PeriodUnit) -> None:
    if value is not PeriodUnit.MONTH:  # a term is chosen in months, and debt service is a month's
        raise unfit(value.value, name, "MONTH: the instalments of a product are monthly")


def _require_spread(name: str, value: Method) -> None:
    if value is Method.MINIMUM_PAYMENT:  # it has no term; what it needs stands with the lines
        raise unfit(value.value, name, "a method that repays over a number of months")


def _require_daily(name: str, value: DayCount) -> None:
    if value not in DAILY:  # the books accrue by the day
        raise unfit(value.value, name, f"a day count that gives each day its weight: {', '.join(DAILY)}")


Share = Annotated[int, partial(require_range, lowest=0, highest=BASIS_POINTS)]
SomeShare = Annotated[int, partial(require_range, lowest=1, highest=BASIS_POINTS)]
Days = Annotated[int, partial(require_range, lowest=0, highest=DAYS_IN_YEAR)]
SomeDays = Annotated[int, partial(require_range, lowest=1, highest=DAYS_IN_YEAR)]
AnyMonths = Annotated[int, partial(require_range, lowest=0, highest=LONGEST_MONTHS)]
SomeMonths = Annotated[int, partial(require_range, lowest=1, highest=LONGEST_MONTHS)]
Multiple = Annotated[Decimal, _require_multiple]
Text = Annotated[str, _require_text]
Months = int | None
"""A term: None where there is none, or where it is no part of what is chosen."""
Texts = Annotated[frozenset[Text], _require_some]


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeTerms:
    """What a grade is offered.

    sales_share_bps: the share of expected sales that may go into repaying. multiple: of a month's sales, lent at
    most. months: the longest term. first_step: of a month's sales, lent at most at first. daily_rate: simple, on
    what is outstanding.
    """

    sales_share_bps: SomeShare
    multiple: Multiple
    months: SomeMonths
    first_step: Multiple
    daily_rate: Annotated[Decimal, _require_daily_rate]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRules:
    """What bounds a limit besides the grade; a room of None, and a category without one, bounds nothing."""

    yearly_sales_bps: SomeShare
    worst_month_multiple: Multiple
    seasoned_months: AnyMonths
    ladder_factor: Multiple
    debt_service_bps: SomeShare
    raise_bps: Share
    raise_nights: SomeDays
    portfolio_room_minor: Amount | None
    category_rooms_minor: Mapping[Text, Amount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What lending costs: loss given default, and basis points a year of what is outstanding."""

    lgd_bps: Share
    funding_bps: Share
    operating_bps: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFee:
    """A fee of each loan: a share of the principal, and an amount."""

    due: FeeDue
    share: Annotated[Decimal, require_rate] = field(default=Decimal(0), metadata=ADDED)
    amount_minor: Amount = field(default=0, metadata=ADDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardTerms:
    """The part of a loan's terms that is the same for all loans of the product; calendar: its name."""

    day_count: Annotated[DayCount, _require_daily]
    method: Annotated[Method, _require_spread]
    unit: Annotated[PeriodUnit, _require_monthly]
    every: Annotated[int, partial(require_range, lowest=1, highest=1)]
    prepayment: Prepayment
    grace_days: Days
    tolerance_minor: Amount
    penalty_multiple_extra: Annotated[Decimal, require_rate]
    month_end: MonthEnd = field(default=MonthEnd.LAST_DAY, metadata=ADDED)
    remainder: Remainder = field(default=Remainder.SPREAD, metadata=ADDED)
    principal_grace: AnyMonths = field(default=0, metadata=ADDED)
    business_days: BusinessDayRule = field(default=BusinessDayRule.NONE, metadata=ADDED)
    calendar: Annotated[str, require_code] | None = field(default=None, metadata=ADDED)
    fees: tuple[ProductFee, ...] = field(default=(), metadata=ADDED)


NOT_SOLD: Final = (
    frozenset(one.name for one in fields(Terms) if one.metadata == ADDED)
    - {one.name for one in fields(StandardTerms)}
    - {"waterfall", "minimum_share", "minimum_minor"}
)
"""Terms of a loan that no product has: with them a loan at rest is no straight line, or a price is no share of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumPayment:
    """What falls due each month of an open-ended draw, beside the interest: a share of it, and at least an amount."""

    share_bps: SomeShare
    least_minor: Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFigures:
    """What a line has beside what a term loan has.

    minimum_draw_minor: the least that is drawn at once; the product's minimum and maximum are those of the limit.
    tenors: the terms in months that a draw may have, as far as the grade has them. open_ended: None where each draw
    has a term.
    """

    minimum_draw_minor: Amount
    tenors: tuple[SomeMonths, ...]
    open_ended: MinimumPayment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligibility:
    """Whom the product is for; None: everybody."""

    partners: Texts | None
    regions: Texts | None
    categories: Texts | None
    memberships: Texts | None
    tenure_months: SomeMonths | None
    score: Annotated[int, partial(require_range, lowest=1, highest=HIGHEST_SCORE)] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origination:
    """How offers and applications are treated.

    offer_days: how long an offer stands. score_days: the oldest score that is good enough. cooling_off_days: between
    the signature and the payout, in which the merchant may withdraw. account_wait_days: how long no money goes to an
    account that was verified for a merchant which had another before. From refer_flagged_bps on, and above
    refer_above_minor, a person decides; bands: up to which amount, None for any.
    """

    offer_days: SomeDays
    score_days: Days
    cooling_off_days: Days
    refer_flagged_bps: Share
    refer_above_minor: Amount
    bands: Annotated[Mapping[Band, Amount | None], partial(_require_all, tuple(Band))]
    account_wait_days: Days = field(default=0, metadata=ADDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servicing:
    """What may become of loans that are out; the last version entered counts for the loans of all.

    A rate may be changed within lowest_rate and highest_rate, yearly. A loan that is write_off_dpd days past due is
    written off; None: only by a person.
    """

    lowest_rate: Annotated[Decimal, require_rate] = field(default=Decimal(0), metadata=ADDED)
    highest_rate: Annotated[Decimal, require_rate] = field(default=Decimal(HIGHEST_RATE), metadata=ADDED)
    write_off_dpd: SomeDays | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One version of a product; sha256 is that of its canonical document. line: of a LINE alone.

    calendar: the latest of the name in its contract; None where it names none, and where none was entered.
    """

    code: Annotated[str, require_code]
    name: Text
    version: Annotated[int, partial(require_range, lowest=1, highest=HIGHEST_VERSION)]
    kind: ProductKind
    currency: str
    minimum_minor: Amount
    maximum_minor: Amount
    shortest_months: SomeMonths
    longest_months: SomeMonths
    grades: Annotated[Mapping[Grade, GradeTerms], partial(_require_all, LENDABLE)]
    limits: LimitRules
    costs: Costs
    contract: StandardTerms
    eligibility: Eligibility
    origination: Origination
    servicing: Servicing = field(default=Servicing(), metadata=ADDED)
    line: LineFigures | None = field(default=None, metadata=ADDED)
    sha256: str
    calendar: BusinessCalendar | None = field(default=None, metadata=ADDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What a grade earns and costs, as shares of the average outstanding, a year."""

    grade: Grade
    income: Fraction
    cost: Fraction


def terms_of(product: Product, *, grade: Grade, principal_minor: int, months: int) -> Terms:
    """Return the terms of a loan over some months: the yearly rate is 365 daily ones.

    Raises KeyError for a grade that is not lent to, LoanRefused (BAD_TERMS) for an amount that makes no loan, and
    where the product names a calendar that was never entered.
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
        month_end=contract.month_end,
        remainder=contract.remainder,
        principal_grace=contract.principal_grace,
        business_days=contract.business_days,
        calendar=product.calendar,
        fees=tuple(Fee(due=fee.due, share=fee.share, amount_minor=fee.amount_minor) for fee in contract.fees),
    )


def margin_at(product: Product, grade: Grade) -> Margin:
    """Weigh a grade's income against its cost, a year on the average outstanding.

    Income: each unit outstanding earns the daily rate every day, so a unit outstanding all year earns 365 of them;
    how principal is repaid does not enter, and every other day count gives as much or more (ACT/360: 365/360).
    Fees are those of the product's maximum over the grade's longest term, of which they are the least share.
    Cost: PD, at the grade's upper bound, is of 12 months, so a unit outstanding all year is lost to the share
    PD x LGD (Basel: EL = PD x LGD x EAD, EAD the outstanding); a loan of four months bears a third of the year's
    PD and earns a third of its income, which leaves the comparison as it is. Funding and operating costs are given
    a year on the outstanding. Penalties and interest of late loans are not counted as income.
    """
    costs = product.costs
    pd = Fraction(PD_BELOW_PPM[GRADES.index(grade)], MILLION)
    return Margin(
        grade=grade,
        income=Fraction(product.grades[grade].daily_rate) * DAYS_IN_YEAR + _fees_a_year(product, grade),
        cost=(pd * costs.lgd_bps + costs.funding_bps + costs.operating_bps) / BASIS_POINTS,
    )


def _fees_a_year(product: Product, grade: Grade) -> Fraction:
    """Return the fees of a loan of a grade as a share of its average outstanding, a year."""
    if not product.contract.fees:
        return Fraction(0)
    contract = replace(product.contract, business_days=BusinessDayRule.NONE, calendar=None)
    months, principal = product.grades[grade].months, product.maximum_minor
    terms = terms_of(
        replace(product, contract=contract, calendar=None), grade=grade, principal_minor=principal, months=months
    )
    rows = draw_schedule(terms, on=ANY_DAY)
    left = accumulate((row.principal_minor for row in rows), lambda before, repaid: before - repaid, initial=principal)
    outstanding = sum(before for before, row in zip(left, rows, strict=False) if row.due > ANY_DAY)
    return Fraction(MONTHS_IN_YEAR * sum(row.fee_minor for row in rows), outstanding)
