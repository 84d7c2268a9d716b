"""Provide for one loan, or for what is undrawn of a line, at the end of a month: stage, category, expected loss.

Expected loss = LGD x the sum over the periods ahead of marginal PD x exposure x discount (IFRS 9, 5.5.17, B5.5.28 ff.):
PD of the time t in days = 1 - (1 - PD of a year)**(t / 365), a constant hazard; discount = (1 + rate)**(-t / 365), at
the effective rate of the loan when it was paid out (B5.5.44). Stage 1: defaults within 365 days; stage 2: within all
periods; stage 3: it has defaulted, so LGD x what is owed now, which the others never exceed.
docs/algorithms/provisions.md works examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from enum import IntEnum, StrEnum
from fractions import Fraction
from functools import lru_cache
from typing import Final

from config.kernel.calendar import add_months, day_number
from config.kernel.daycount import DayCount, place_of
from config.kernel.exact import BASIS_POINTS, MILLION, half_even
from config.kernel.timevalue import NoRate, effective_rate
from lending.domain.books.ledger import Position
from lending.domain.books.projection import AccrualCarry
from lending.domain.books.provision_policy import Basis, Category, Policy
from lending.domain.contract.schedule import draw_schedule
from lending.domain.contract.terms import Terms

YEAR: Final = 365
"""Days, of a PD and of a rate; and how far ahead stage 1 looks."""
HIGHEST_RATE_PPM: Final = 1_000 * MILLION
"""What is worth a thousandth in a year; a higher rate, or none that makes the flows even, changes nothing more."""
_CONTEXT: Final = Context(prec=30)


class Stage(IntEnum):
    """The stages of IFRS 9: as risky as when it was lent, riskier, defaulted."""

    ONE = 1
    TWO = 2
    THREE = 3


class Cause(StrEnum):
    """Why a loan is of its stage."""

    SOUND = "SOUND"
    LATE = "LATE"
    DEFAULTED = "DEFAULTED"
    CROSS_DEFAULT = "CROSS_DEFAULT"  # another loan of the borrower is in default
    PD_RISEN = "PD_RISEN"
    RE_AGED = "RE_AGED"
    SAME_LINE = "SAME_LINE"  # a loan under the line is of this stage
    CURING = "CURING"  # it qualifies for a better stage, for too few months


class Left(StrEnum):
    """Why a loan that was provided for is not any more."""

    REPAID = "REPAID"  # or its payout came back
    WRITTEN_OFF = "WRITTEN_OFF"


@dataclass(frozen=True, slots=True)
class Period:
    """A time from the month's end to a due date, in days, and what is owed then if nothing is paid on it."""

    days: int
    exposure_minor: int


@dataclass(frozen=True, slots=True)
class LossTerm:
    """What one period adds to an expected loss: PD of the period, its discount, and minor units, not rounded."""

    period: Period
    pd: Decimal
    discount: Decimal
    loss: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What is provided for, at the end of a day.

    worst_dpd: the most days past due it ever was. re_aged_on: when last. pd_ppm, origination_pd_ppm: of a year, in
    millionths; None without a score. rate_ppm: effective, a year. ead_minor: what is owed now, or of a line what of it
    is expected to be drawn. least_stage: of the worst loan under the line. borrower_defaulted: by another loan.
    """

    on: date
    dpd: int
    worst_dpd: int
    re_aged_on: date | None
    pd_ppm: int | None
    origination_pd_ppm: int | None
    lgd_bps: int
    rate_ppm: int
    ead_minor: int
    periods: tuple[Period, ...]
    least_stage: Stage = Stage.ONE
    borrower_defaulted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """How it stood a month ago."""

    stage: Stage
    good_months: int
    worst_dpd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """What is provided for one exposure; minor units.

    good_months: at how many month ends in a row it qualified for a better stage. pd_ppm: that of a year which was
    used. minimum_minor: of its category.
    """

    stage: Stage
    cause: Cause
    good_months: int
    category: Category
    pd_ppm: int
    ecl_minor: int
    minimum_minor: int
    provision_minor: int


def provide(policy: Policy, exposure: Exposure, before: Before | None) -> Provision:
    """Provide for an exposure by a policy; before: None at its first month end."""
    stage, cause, good_months = _stage_of(policy, exposure, before)
    category = category_of(policy, exposure.dpd, is_impaired=stage is Stage.THREE)
    pd = _pd_of(policy, exposure, stage)
    ecl = expected_loss(exposure, stage=stage, pd_ppm=pd)
    minimum = half_even(exposure.ead_minor * policy.categories[category].minimum_bps, BASIS_POINTS)
    booked = {Basis.IFRS9: ecl, Basis.MINIMUM: minimum, Basis.GREATER: max(ecl, minimum)}
    return Provision(
        stage=stage,
        cause=cause,
        good_months=good_months,
        category=category,
        pd_ppm=pd,
        ecl_minor=ecl,
        minimum_minor=minimum,
        provision_minor=booked[policy.basis],
    )


def is_default(policy: Policy, *, dpd: int, worst_dpd: int, worst_before: int) -> bool:
    """Tell whether a loan is in default, or was since the last month end, be it paid or re-aged meanwhile.

    worst_dpd, worst_before: the most days past due it ever was, now and a month ago.
    """
    return dpd >= policy.default_dpd or policy.default_dpd <= worst_dpd > worst_before


def category_of(policy: Policy, dpd: int, *, is_impaired: bool) -> Category:
    """Classify by days past due; what is credit-impaired is at least substandard.

    Measures for the Risk Classification of Financial Assets of Commercial Banks (2023), articles 10 to 13.
    """
    reached = [category for category, rule in policy.categories.items() if dpd >= rule.from_dpd]
    least = Category.SUBSTANDARD if is_impaired else Category.NORMAL
    return max(least, *reached, key=list(Category).index)


def expected_loss(exposure: Exposure, *, stage: Stage, pd_ppm: int) -> int:
    """Return the expected loss in minor units, rounded once, half to even."""
    most: int = half_even(exposure.ead_minor * exposure.lgd_bps, BASIS_POINTS)
    if stage is Stage.THREE:
        return most
    with localcontext(_CONTEXT):
        loss = sum((term.loss for term in terms_of_loss(exposure, stage=stage, pd_ppm=pd_ppm)), start=Decimal(0))
        return min(most, int(loss.to_integral_value(ROUND_HALF_EVEN)))


def terms_of_loss(exposure: Exposure, *, stage: Stage, pd_ppm: int) -> list[LossTerm]:
    """Return what each period adds to the expected loss in stages 1 and 2."""
    found, survived = list[LossTerm](), Decimal(1)
    with localcontext(_CONTEXT):
        for period in exposure.periods:
            # Where the year ends within the period, the loss is still one of its due date.
            survives = _survival(pd_ppm, min(period.days, YEAR) if stage is Stage.ONE else period.days)
            pd, discount = survived - survives, _discount(exposure.rate_ppm, period.days)
            loss = pd * period.exposure_minor * discount * exposure.lgd_bps / BASIS_POINTS
            found.append(LossTerm(period, pd, discount, loss))
            survived = survives
    return found


def exposure_of(position: Position) -> int:
    """Return what a running loan owes: its share of the receivables; credit that it holds is not netted."""
    earned = position.interest_open_minor + position.penalty_open_minor + position.fees_open_minor
    return position.principal_minor + earned + position.receivable_minor


def periods_of(
    *, on: date, position: Position, carry: AccrualCarry, left: Sequence[tuple[date, int]], past_maturity_days: int
) -> tuple[Period, ...]:
    """Return what a loan owes before each of its due dates after a day, if all before are paid.

    position, carry: after the night of the day. left: by row of the schedule, its date and what is left of its
    principal. What is past due is expected to be paid with what falls due next.
    """
    owed, ahead = exposure_of(position), [(due, minor) for due, minor in left if due > on]
    if not ahead:
        return (Period(past_maturity_days, owed),)
    found, reached = list[Period](), on + timedelta(days=1)
    scheduled = sum(minor for _, minor in ahead)
    for due, minor in ahead:
        is_first = not found
        principal = position.principal_minor if is_first else scheduled
        if not principal and not is_first:
            break
        interest = _interest(carry, principal, reached, due)
        found.append(Period((due - on).days, (owed if is_first else principal) + interest))
        reached, scheduled = due, scheduled - minor
    return tuple(found)


def effective_rate_ppm(terms: Terms, on: date) -> int:
    """Return the effective yearly rate of a loan as it was paid out on a date, in millionths, half to even.

    The rate X at which its payments, fees included, are worth what was lent, each discounted by
    (1 + X)**(-days / 365); 0 for one that earns nothing, as there is nothing to discount at.
    """
    rows = draw_schedule(terms, on=on)
    flows = [(Fraction(0), terms.principal_minor)]
    flows += [(Fraction((row.due - on).days, YEAR), -row.total_minor) for row in rows]
    try:
        rate = effective_rate(flows)
    except NoRate:
        return HIGHEST_RATE_PPM
    return max(0, min(int((rate * MILLION).to_integral_value(ROUND_HALF_EVEN)), HIGHEST_RATE_PPM))


@lru_cache(maxsize=256)
def line_rate_ppm(daily_rate: Decimal) -> int:
    """Return the effective yearly rate of a line by its rate of a day, in millionths, half to even."""
    with localcontext(_CONTEXT):
        rate = (((1 + daily_rate) ** YEAR - 1) * MILLION).to_integral_value(ROUND_HALF_EVEN)
    return min(int(rate), HIGHEST_RATE_PPM)


def _stage_of(policy: Policy, exposure: Exposure, before: Before | None) -> tuple[Stage, Cause, int]:
    stage, cause = _stage_by_facts(policy, exposure, before)
    if before is None or stage >= before.stage:
        return stage, cause, 0
    good, needed = before.good_months + 1, policy.cure_3_months
    if before.stage is Stage.TWO:
        needed = policy.cure_2_months
    if good < needed:
        return before.stage, Cause.CURING, good
    # One stage at a time: what leaves the third is in the second first.
    better = Stage(before.stage - 1)
    return (stage, cause, 0) if stage is better else (better, Cause.CURING, 0)


def _stage_by_facts(policy: Policy, exposure: Exposure, before: Before | None) -> tuple[Stage, Cause]:
    """Return the stage that this month's facts alone make, with the first cause of it."""
    worst_before = 0 if before is None else before.worst_dpd
    defaulted = is_default(policy, dpd=exposure.dpd, worst_dpd=exposure.worst_dpd, worst_before=worst_before)
    re_aged = exposure.re_aged_on is not None and exposure.on < add_months(exposure.re_aged_on, policy.re_aged_months)
    causes = (
        (Stage.THREE, Cause.DEFAULTED, defaulted),
        (Stage(policy.re_aged_stage), Cause.RE_AGED, re_aged and policy.re_aged_stage == Stage.THREE),
        (Stage.THREE, Cause.CROSS_DEFAULT, exposure.borrower_defaulted),
        (exposure.least_stage, Cause.SAME_LINE, exposure.least_stage is Stage.THREE),
        (Stage.TWO, Cause.LATE, exposure.dpd >= policy.late_dpd),
        (Stage.TWO, Cause.RE_AGED, re_aged),
        (Stage.TWO, Cause.PD_RISEN, _pd_has_risen(policy, exposure)),
        (exposure.least_stage, Cause.SAME_LINE, exposure.least_stage is Stage.TWO),
    )
    found = ((stage, cause) for stage, cause, holds in causes if holds)
    return next(found, (Stage.ONE, Cause.SOUND))


def _pd_has_risen(policy: Policy, exposure: Exposure) -> bool:
    """Tell whether the PD rose enough since origination; what had none then is judged by days past due alone."""
    origination, now = exposure.origination_pd_ppm, _own_pd(policy, exposure)
    if origination is None:
        return False
    return now >= origination * policy.pd_ratio and now >= origination + policy.pd_step_ppm


def _own_pd(policy: Policy, exposure: Exposure) -> int:
    return policy.unscored_pd_ppm if exposure.pd_ppm is None else exposure.pd_ppm


def _pd_of(policy: Policy, exposure: Exposure, stage: Stage) -> int:
    if stage is Stage.THREE:
        return MILLION
    least = policy.least_pd_ppm if stage is Stage.ONE else policy.least_risen_pd_ppm
    return max(_own_pd(policy, exposure), least)


def _interest(carry: AccrualCarry, principal_minor: int, start: date, end: date) -> int:
    if carry.day_count is None or end <= start:
        return 0
    units = _place(carry.day_count, end) - _place(carry.day_count, start)
    found: int = half_even(principal_minor * carry.rate_numerator * units, carry.denominator)
    return found


def _place(day_count: DayCount, on: date) -> int:
    return place_of(day_count, day_number(on))


@lru_cache(maxsize=65_536)
def _survival(pd_ppm: int, days: int) -> Decimal:
    """Return the probability that nothing defaults in so many days."""
    if not days or not pd_ppm:
        return Decimal(1)
    return Decimal(0) if pd_ppm == MILLION else _power(Decimal(MILLION - pd_ppm) / MILLION, days)


@lru_cache(maxsize=65_536)
def _discount(rate_ppm: int, days: int) -> Decimal:
    """Return what a unit in so many days is worth now."""
    return _power(Decimal(MILLION + rate_ppm) / MILLION, -days)


def _power(base: Decimal, days: int) -> Decimal:
    with localcontext(_CONTEXT):
        return (base.ln() * days / YEAR).exp()
