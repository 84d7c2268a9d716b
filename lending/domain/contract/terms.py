"""The terms of a TERM loan, parsed from and written as JSON scalars."""

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from config.kernel.business_days import BusinessCalendar, BusinessDayRule
from config.kernel.daycount import DAILY, DayCount
from config.kernel.documents import ADDED, Unfit, read, shown, unfit, written
from config.kernel.money import CURRENCY_PATTERN, MAX_MINOR
from lending.domain.contract.fees import MOST_FEES, Fee, FeeBase, FeeDue
from lending.domain.contract.fields import refusing, require_none_of, require_range, require_rate
from lending.domain.contract.refusal import LoanRefusal

LONGEST: Final = 3_660
"""Of periods, of units in one, of days of grace: ten years of days, beyond any product."""


class Method(StrEnum):
    """How principal is spread over the due dates."""

    EQUAL_INSTALMENTS = "EQUAL_INSTALMENTS"
    EQUAL_PRINCIPAL = "EQUAL_PRINCIPAL"
    INTEREST_ONLY = "INTEREST_ONLY"
    BULLET = "BULLET"
    MINIMUM_PAYMENT = "MINIMUM_PAYMENT"  # a share of what is outstanding, and at least an amount


class PeriodUnit(StrEnum):
    """The units of periods."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


DAYS_OF: Final = {PeriodUnit.DAY: 1, PeriodUnit.WEEK: 7}
"""How many days the units are that have a fixed number."""


class MonthEnd(StrEnum):
    """What becomes of a due date whose day its month does not have."""

    LAST_DAY = "LAST_DAY"  # the month's last
    NEXT_DAY = "NEXT_DAY"  # the first of the next month
    STAY_LAST = "STAY_LAST"  # the month's last, as is every due date counted from a month's last day


class AccrualRule(StrEnum):
    """When interest is rounded."""

    CUMULATIVE = "CUMULATIVE"  # interest to date, once
    PER_PERIOD = "PER_PERIOD"  # that of each period: interest to date is a sum of rounded amounts


class InterestMethod(StrEnum):
    """On what interest is charged."""

    DECLINING = "DECLINING"  # what is outstanding
    FLAT = "FLAT"  # what was lent, until the last due date


class InstalmentRounding(StrEnum):
    """How the equal instalment is rounded to its multiple."""

    NEAREST = "NEAREST"  # half to even
    UP = "UP"


class Remainder(StrEnum):
    """Where the units go that equal parts leave over."""

    SPREAD = "SPREAD"  # one each to the first parts
    LAST = "LAST"  # to the last part; every other is rounded, half to even


class BrokenPeriod(StrEnum):
    """With which instalments the interest falls due of the days by which the first period is longer than the others."""

    FIRST = "FIRST"  # with the first
    SPREAD = "SPREAD"  # with all, in equal parts


class Prepayment(StrEnum):
    """Which instalments a prepayment of principal reduces."""

    NEXT = "NEXT"  # the next ones first
    LAST = "LAST"  # the last ones first: a shorter term
    PRO_RATA = "PRO_RATA"  # all of them: a smaller instalment


class PenaltyOn(StrEnum):
    """On what a penalty is charged."""

    PRINCIPAL = "PRINCIPAL"  # that is overdue
    INSTALMENT = "INSTALMENT"  # what is overdue of principal and interest


class InterestCharged(StrEnum):
    """How much interest a loan is charged."""

    AS_ACCRUED = "AS_ACCRUED"  # by the day, on what is outstanding: who pays late pays more, who pays early less
    AS_SCHEDULED = "AS_SCHEDULED"  # what was drawn, whenever it is paid


class MaturedInterest(StrEnum):
    """What becomes of interest after the last due date."""

    ACCRUES = "ACCRUES"
    STOPS = "STOPS"


class Direction(StrEnum):
    """In which direction a payment walks through what is past due, and what is in advance, of several instalments."""

    VERTICAL = "VERTICAL"  # one step of the waterfall for all instalments, then the next
    HORIZONTAL = "HORIZONTAL"  # all steps for one instalment, then the next


class Recalculation(StrEnum):
    """What becomes of the rows to come where more or less interest accrues than was drawn."""

    NONE = "NONE"  # they stand as drawn, and what really accrues falls due beside them
    KEEP_INSTALMENT = "KEEP_INSTALMENT"  # their totals stand: what goes to interest does not go to principal


class Step(StrEnum):
    """The steps of a waterfall, in the order of the default one."""

    PAST_DUE_PENALTY = "PAST_DUE_PENALTY"
    PAST_DUE_FEE = "PAST_DUE_FEE"
    PAST_DUE_INTEREST = "PAST_DUE_INTEREST"
    PAST_DUE_PRINCIPAL = "PAST_DUE_PRINCIPAL"
    DUE_PENALTY = "DUE_PENALTY"
    DUE_FEE = "DUE_FEE"
    DUE_INTEREST = "DUE_INTEREST"
    DUE_PRINCIPAL = "DUE_PRINCIPAL"
    IN_ADVANCE_PENALTY = "IN_ADVANCE_PENALTY"
    IN_ADVANCE_FEE = "IN_ADVANCE_FEE"
    IN_ADVANCE_INTEREST = "IN_ADVANCE_INTEREST"
    IN_ADVANCE_PRINCIPAL = "IN_ADVANCE_PRINCIPAL"


DEFAULT_WATERFALL: Final = tuple(Step)
PARTS: Final = 4
"""Of the waterfall when something falls due: penalty, fee, interest, principal."""


def _when(step: Step) -> int:
    """Tell steps past due (0), due (1) and in advance (2)."""
    return DEFAULT_WATERFALL.index(step) // PARTS


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What was agreed. Raises LoanRefused (BAD_TERMS) for terms that make no loan.

    principal_minor, tolerance_minor: minor units of the currency. rate: yearly, at most 12 decimals.
    A period is `every` units long. first_due: None for one period after the disbursement.
    penalty_multiple_extra: what overdue principal costs on top of its interest, as a multiple of the rate (1.5 times
    the rate in all is an extra of 0.5).
    instalment_minor: the equal instalment where it is agreed and not solved for; the loan ends with the row that
    repays it. instalment_multiple_minor: equal instalments are whole multiples of it. principal_grace,
    interest_grace: so many first due dates on which no principal, or no interest, falls due. interest_free: the first
    periods that are charged none. last_due: where it breaks the last period. down_payment: the share of the principal
    that falls due on the day of the disbursement. tranches: so many disbursements there may be, of principal_minor
    together at most. calendar: moves due dates, by the rule business_days. minimum_share, minimum_minor: of a
    MINIMUM_PAYMENT, the share of what is outstanding that falls due, and the least of it; the loan ends with the row
    that repays it, and the last of its periods takes what is left. fees: fall due while principal is outstanding.
    counted_from: the day from which periods are counted where that is before the disbursement: the first is as long as
    the others, and interest is charged for what is left of it. direction: HORIZONTAL needs a waterfall that has what
    is past due before what is due, and that before what is in advance.
    """

    principal_minor: int
    currency: str
    rate: Decimal
    day_count: DayCount
    method: Method
    periods: int
    every: int
    unit: PeriodUnit
    first_due: date | None
    grace_days: int
    tolerance_minor: int
    penalty_multiple_extra: Decimal
    prepayment: Prepayment
    waterfall: tuple[Step, ...] = field(default=DEFAULT_WATERFALL, metadata=ADDED)
    accrual: AccrualRule = field(default=AccrualRule.CUMULATIVE, metadata=ADDED)
    interest: InterestMethod = field(default=InterestMethod.DECLINING, metadata=ADDED)
    instalment_minor: int | None = field(default=None, metadata=ADDED)
    instalment_multiple_minor: int = field(default=1, metadata=ADDED)
    instalment_rounding: InstalmentRounding = field(default=InstalmentRounding.NEAREST, metadata=ADDED)
    remainder: Remainder = field(default=Remainder.SPREAD, metadata=ADDED)
    principal_grace: int = field(default=0, metadata=ADDED)
    interest_grace: int = field(default=0, metadata=ADDED)
    interest_free: int = field(default=0, metadata=ADDED)
    month_end: MonthEnd = field(default=MonthEnd.LAST_DAY, metadata=ADDED)
    last_due: date | None = field(default=None, metadata=ADDED)
    down_payment: Decimal = field(default=Decimal(0), metadata=ADDED)
    tranches: int = field(default=1, metadata=ADDED)
    business_days: BusinessDayRule = field(default=BusinessDayRule.NONE, metadata=ADDED)
    calendar: BusinessCalendar | None = field(default=None, metadata=ADDED)
    minimum_share: Decimal = field(default=Decimal(0), metadata=ADDED)
    minimum_minor: int = field(default=0, metadata=ADDED)
    fees: tuple[Fee, ...] = field(default=(), metadata=ADDED)
    broken_period: BrokenPeriod = field(default=BrokenPeriod.FIRST, metadata=ADDED)
    recalculation: Recalculation = field(default=Recalculation.NONE, metadata=ADDED)
    interest_charged: InterestCharged = field(default=InterestCharged.AS_ACCRUED, metadata=ADDED)
    matured_interest: MaturedInterest = field(default=MaturedInterest.ACCRUES, metadata=ADDED)
    direction: Direction = field(default=Direction.VERTICAL, metadata=ADDED)
    penalty_on: PenaltyOn = field(default=PenaltyOn.PRINCIPAL, metadata=ADDED)
    counted_from: date | None = field(default=None, metadata=ADDED)

    def __post_init__(self) -> None:
        with refusing(LoanRefusal.BAD_TERMS, "terms"):
            require_range("principal_minor", self.principal_minor, 1, MAX_MINOR)
            if not re.fullmatch(CURRENCY_PATTERN, self.currency):
                message = f"currency: {shown(self.currency)} is not a currency code"
                raise Unfit(message)
            require_rate("rate", self.rate)
            if self.day_count not in DAILY and self._accrues_daily:
                raise unfit(
                    self.day_count.value, "day_count", f"one that gives each day its weight: {', '.join(DAILY)}"
                )
            require_range("periods", self.periods, 1, LONGEST)
            require_range("every", self.every, 1, LONGEST)
            require_range("grace_days", self.grace_days, 0, LONGEST)
            require_range("tolerance_minor", self.tolerance_minor, 0, MAX_MINOR)
            require_rate("penalty_multiple_extra", self.penalty_multiple_extra)
            self._require_waterfall()
            self._require_instalment()
            self._require_grace()
            self._require_tranches()
            self._require_minimum()
            self._require_fees()
            self._require_broken_period()
            self._require_recalculation()
            self._require_scheduled()
            require_rate("down_payment", self.down_payment)
            if self.down_payment >= 1:
                raise unfit(self.down_payment, "down_payment", "a share below 1")
            if self.month_end is not MonthEnd.LAST_DAY and self.unit is not PeriodUnit.MONTH:
                raise unfit(self.month_end.value, "month_end", "a rule for periods of days or weeks")
            if (self.business_days is BusinessDayRule.NONE) != (self.calendar is None):
                message = "calendar: a calendar needs a rule of business_days, and such a rule a calendar"
                raise Unfit(message)
            if self.counted_from and self.first_due:
                message = "counted_from: it says when the first period began, and first_due when it ends; one is enough"
                raise Unfit(message)

    def of_principal(self, principal_minor: int) -> "Terms":
        """Return the same terms for another principal: nothing else of them is checked again.

        Raises LoanRefused (BAD_TERMS).
        """
        with refusing(LoanRefusal.BAD_TERMS, "terms"):
            require_range("principal_minor", principal_minor, 1, MAX_MINOR)
        other: Terms = object.__new__(Terms)
        # A night does this for each loan that it replays: `replace` takes ten times as long.
        other.__dict__.update(self.__dict__, principal_minor=principal_minor)
        return other

    @property
    def _accrues_daily(self) -> bool:
        return self.accrual is AccrualRule.CUMULATIVE and self.interest is InterestMethod.DECLINING

    def _require_instalment(self) -> None:
        require_range("instalment_multiple_minor", self.instalment_multiple_minor, 1, MAX_MINOR)
        agreed = {
            "instalment_minor": self.instalment_minor is not None,
            "instalment_multiple_minor": self.instalment_multiple_minor > 1,
            "instalment_rounding": self.instalment_rounding is not InstalmentRounding.NEAREST,
        }
        for name, said in agreed.items():
            if said and self.method is not Method.EQUAL_INSTALMENTS:
                message = f"{name}: only equal instalments have one"
                raise Unfit(message)
        if self.instalment_minor is not None:
            require_range("instalment_minor", self.instalment_minor, 1, MAX_MINOR)
            if agreed["instalment_multiple_minor"] or agreed["instalment_rounding"]:
                message = "instalment_minor: what is agreed is not rounded"
                raise Unfit(message)
            if self.interest is InterestMethod.FLAT:
                message = "instalment_minor: flat interest is spread over the agreed periods"
                raise Unfit(message)

    def _require_tranches(self) -> None:
        require_range("tranches", self.tranches, 1, LONGEST)
        graces = (self.principal_grace, self.interest_grace, self.interest_free)
        alone = self.interest is InterestMethod.FLAT or self.instalment_minor or self.minimum_minor
        if self.tranches > 1 and (alone or any(graces)):
            message = (
                "tranches: with flat interest, an agreed instalment or a grace, or minimum payments, there can be one"
            )
            raise Unfit(message)

    def _require_minimum(self) -> None:
        pays_minimum = self.method is Method.MINIMUM_PAYMENT
        require_rate("minimum_share", self.minimum_share)
        require_range("minimum_minor", self.minimum_minor, int(pays_minimum), MAX_MINOR if pays_minimum else 0)
        if (self.minimum_share and not pays_minimum) or self.minimum_share > 1:
            message = f"minimum_share: {self.minimum_share} goes with MINIMUM_PAYMENT, and is at most 1"
            raise Unfit(message)
        if pays_minimum and self.interest is InterestMethod.FLAT:
            message = "method: flat interest is spread over the agreed periods, and minimum payments have none"
            raise Unfit(message)

    def _require_fees(self) -> None:
        require_range("fees", len(self.fees), 0, MOST_FEES)
        for number, fee in enumerate(self.fees, start=1):
            require_rate("share", fee.share)
            require_range("amount_minor", fee.amount_minor, 0, MAX_MINOR)
            if fee.share > 1 or not (fee.share or fee.amount_minor):
                message = f"fees: no. {number}: a share of at most 1, an amount, or both are needed"
                raise Unfit(message)
            if fee.base is FeeBase.INTEREST and fee.due is not FeeDue.EVERY_DUE:
                message = f"fees: no. {number}: base: a share of the interest falls due with EVERY_DUE"
                raise Unfit(message)
        if self.fees and self.tranches > 1:
            message = "fees: with tranches there can be none"
            raise Unfit(message)

    def _require_broken_period(self) -> None:
        if self.broken_period is BrokenPeriod.FIRST:
            return
        is_daily = self.day_count in DAILY and self.interest is InterestMethod.DECLINING
        graces = self.interest_grace or self.interest_free
        if not is_daily or graces or self.tranches > 1 or self.instalment_minor or self.minimum_minor:
            message = (
                "broken_period: it is spread of interest by the day, and not with a grace of interest, an agreed "
                "instalment, minimum payments or tranches"
            )
            raise Unfit(message)

    def _require_waterfall(self) -> None:
        if sorted(self.waterfall) != sorted(Step):
            message = "waterfall: each of the twelve steps must be there once"
            raise Unfit(message)
        if self.direction is Direction.HORIZONTAL and sorted(self.waterfall, key=_when) != list(self.waterfall):
            message = (
                "direction: HORIZONTAL needs what is past due before what is due, and that before what is in advance"
            )
            raise Unfit(message)

    def _require_scheduled(self) -> None:
        if self.interest_charged is InterestCharged.AS_ACCRUED:
            return
        others = {
            "recalculation": self.recalculation is not Recalculation.NONE,
            "tranches": self.tranches > 1,
            "broken_period": self.broken_period is not BrokenPeriod.FIRST,
            "matured_interest": self.matured_interest is not MaturedInterest.ACCRUES,
        }
        require_none_of("interest_charged: AS_SCHEDULED", others)

    def _require_recalculation(self) -> None:
        if self.recalculation is Recalculation.NONE:
            return
        others = {
            "method": self.method is not Method.EQUAL_INSTALMENTS,
            "interest": self.interest is not InterestMethod.DECLINING,
            "principal_grace": self.principal_grace > 0,
            "interest_free": self.interest_free > 0,
            "broken_period": self.broken_period is not BrokenPeriod.FIRST,
        }
        require_none_of("recalculation: KEEP_INSTALMENT", others)

    def fees_due(self, when: FeeDue, *, interest_minor: int = 0) -> int:
        """Return what falls due of the fees at a time, in minor units; interest_minor: that of the instalment."""
        bases = {FeeBase.PRINCIPAL: self.principal_minor, FeeBase.INTEREST: interest_minor}
        return sum(fee.of(bases[fee.base]) for fee in self.fees if fee.due is when)

    def _require_grace(self) -> None:
        require_range("principal_grace", self.principal_grace, 0, self.periods - 1)
        if not 0 <= self.interest_grace <= self.principal_grace:
            raise unfit(self.interest_grace, "interest_grace", f"from 0 to principal_grace, {self.principal_grace}")
        require_range("interest_free", self.interest_free, 0, self.periods)
        if self.principal_grace and self.method in {Method.INTEREST_ONLY, Method.BULLET}:
            message = f"principal_grace: {self.method} has principal due at the end alone"
            raise Unfit(message)


def parse_terms(raw: object) -> Terms:
    """Parse terms from JSON scalars. Raises LoanRefused (BAD_TERMS)."""
    with refusing(LoanRefusal.BAD_TERMS, "terms"):
        return read(Terms, raw)


def write_terms(terms: Terms) -> dict[str, object]:
    """Write terms as JSON scalars: the inverse of parse_terms."""
    kept: Any = written(terms)
    return {**kept, "waterfall": written(terms.waterfall)}
