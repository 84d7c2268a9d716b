"""The terms of a TERM loan, parsed from and written as JSON scalars."""

import re
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from config.kernel.daycount import DAILY, DayCount
from config.kernel.documents import ADDED, Unfit, read, shown, unfit, written
from config.kernel.money import CURRENCY_PATTERN, MAX_MINOR
from lending.domain.contract.fields import refusing, require_range, require_rate
from lending.domain.contract.refusal import LoanRefusal

LONGEST: Final = 3_660
"""Of periods, of units in one, of days of grace: ten years of days, beyond any product."""


class Method(StrEnum):
    """How principal is spread over the due dates."""

    EQUAL_INSTALMENTS = "EQUAL_INSTALMENTS"
    EQUAL_PRINCIPAL = "EQUAL_PRINCIPAL"
    INTEREST_ONLY = "INTEREST_ONLY"
    BULLET = "BULLET"


class PeriodUnit(StrEnum):
    """The units of periods."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class Prepayment(StrEnum):
    """Which instalments a prepayment of principal reduces."""

    NEXT = "NEXT"  # the next ones first
    LAST = "LAST"  # the last ones first: a shorter term
    PRO_RATA = "PRO_RATA"  # all of them: a smaller instalment


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed. Raises LoanRefused (BAD_TERMS) for terms that make no loan.

    principal_minor, tolerance_minor: minor units of the currency. rate: yearly, at most 12 decimals.
    A period is `every` units long. first_due: None for one period after the disbursement.
    penalty_multiple_extra: what overdue principal costs on top of its interest, as a multiple of the rate (1.5 times
    the rate in all is an extra of 0.5).
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

    def __post_init__(self) -> None:
        with refusing(LoanRefusal.BAD_TERMS, "terms"):
            require_range("principal_minor", self.principal_minor, 1, MAX_MINOR)
            if not re.fullmatch(CURRENCY_PATTERN, self.currency):
                message = f"currency: {shown(self.currency)} is not a currency code"
                raise Unfit(message)
            require_rate("rate", self.rate)
            if self.day_count not in DAILY:
                raise unfit(
                    self.day_count.value, "day_count", f"one that gives each day its weight: {', '.join(DAILY)}"
                )
            require_range("periods", self.periods, 1, LONGEST)
            require_range("every", self.every, 1, LONGEST)
            require_range("grace_days", self.grace_days, 0, LONGEST)
            require_range("tolerance_minor", self.tolerance_minor, 0, MAX_MINOR)
            require_rate("penalty_multiple_extra", self.penalty_multiple_extra)
            if sorted(self.waterfall) != sorted(Step):
                message = "waterfall: each of the twelve steps must be there once"
                raise Unfit(message)


def parse_terms(raw: object) -> Terms:
    """Parse terms from JSON scalars. Raises LoanRefused (BAD_TERMS)."""
    with refusing(LoanRefusal.BAD_TERMS, "terms"):
        return read(Terms, raw)


def write_terms(terms: Terms) -> dict[str, object]:
    """Write terms as JSON scalars: the inverse of parse_terms."""
    return {name: written(value) for name, value in asdict(terms).items()}
