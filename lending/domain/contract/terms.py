"""Hold the terms of a TERM loan, and read and write them as JSON scalars."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final

from config.kernel.daycount import DayCount
from config.kernel.documents import Unfit, choice_of, date_of, decimal_of, integer_of, require_fields, shown, text_of
from config.kernel.money import CURRENCY_PATTERN, MAX_MINOR
from lending.domain.contract.fields import refusing, require_range, require_rate
from lending.domain.contract.refusal import LoanRefusal

LONGEST: Final = 3_660
"""Of periods, of units in one, of days of grace: ten years of days, beyond any product."""


class Method(StrEnum):
    """The ways principal is spread over the due dates."""

    EQUAL_INSTALMENTS = "EQUAL_INSTALMENTS"
    EQUAL_PRINCIPAL = "EQUAL_PRINCIPAL"
    INTEREST_ONLY = "INTEREST_ONLY"
    BULLET = "BULLET"


class PeriodUnit(StrEnum):
    """What periods are counted in."""

    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


class Prepayment(StrEnum):
    """Which instalments principal paid in advance reduces."""

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
    """What was agreed. Raises LoanRefused (BAD_TERMS) for what no loan can be made of.

    principal_minor, tolerance_minor: minor units of the currency. rate: a year's, at most 12 decimals.
    A period is `every` units long. first_due: None for one period after the disbursement.
    penalty_multiple_extra: what overdue principal costs beside its interest, as a multiple of the rate (1.5 times
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
    waterfall: tuple[Step, ...] = DEFAULT_WATERFALL

    def __post_init__(self) -> None:
        with refusing(LoanRefusal.BAD_TERMS, "terms"):
            require_range("principal_minor", self.principal_minor, 1, MAX_MINOR)
            if not re.fullmatch(CURRENCY_PATTERN, self.currency):
                message = f"currency: {shown(self.currency)} is not a currency code"
                raise Unfit(message)
            require_rate("rate", self.rate)
            require_range("periods", self.periods, 1, LONGEST)
            require_range("every", self.every, 1, LONGEST)
            require_range("grace_days", self.grace_days, 0, LONGEST)
            require_range("tolerance_minor", self.tolerance_minor, 0, MAX_MINOR)
            require_rate("penalty_multiple_extra", self.penalty_multiple_extra)
            if sorted(self.waterfall) != sorted(Step):
                message = "waterfall: each of the twelve steps must be there once"
                raise Unfit(message)


_OPTIONAL: Final = frozenset({"waterfall"})
_REQUIRED: Final = frozenset(Terms.__dataclass_fields__) - _OPTIONAL


def parse_terms(raw: object) -> Terms:
    """Read terms from JSON scalars. Raises LoanRefused (BAD_TERMS)."""
    with refusing(LoanRefusal.BAD_TERMS, "terms"):
        fields = require_fields(raw, _REQUIRED, _OPTIONAL)
        return Terms(
            principal_minor=integer_of(fields, "principal_minor"),
            currency=text_of(fields, "currency"),
            rate=decimal_of(fields, "rate"),
            day_count=choice_of(fields, "day_count", DayCount),
            method=choice_of(fields, "method", Method),
            periods=integer_of(fields, "periods"),
            every=integer_of(fields, "every"),
            unit=choice_of(fields, "unit", PeriodUnit),
            first_due=None if fields["first_due"] is None else date_of(fields, "first_due"),
            grace_days=integer_of(fields, "grace_days"),
            tolerance_minor=integer_of(fields, "tolerance_minor"),
            penalty_multiple_extra=decimal_of(fields, "penalty_multiple_extra"),
            prepayment=choice_of(fields, "prepayment", Prepayment),
            waterfall=_waterfall_of(fields),
        )


def write_terms(terms: Terms) -> dict[str, object]:
    """Write terms as JSON scalars: the inverse of parse_terms."""
    return {
        "principal_minor": terms.principal_minor,
        "currency": terms.currency,
        "rate": format(terms.rate, "f"),
        "day_count": terms.day_count.value,
        "method": terms.method.value,
        "periods": terms.periods,
        "every": terms.every,
        "unit": terms.unit.value,
        "first_due": terms.first_due and terms.first_due.isoformat(),
        "grace_days": terms.grace_days,
        "tolerance_minor": terms.tolerance_minor,
        "penalty_multiple_extra": format(terms.penalty_multiple_extra, "f"),
        "prepayment": terms.prepayment.value,
        "waterfall": [step.value for step in terms.waterfall],
    }


def _waterfall_of(fields: Mapping[str, object]) -> tuple[Step, ...]:
    value = fields.get("waterfall", DEFAULT_WATERFALL)
    if not isinstance(value, list | tuple):
        message = f"waterfall: {shown(value)} is not a list of steps"
        raise Unfit(message)
    return tuple(choice_of({"waterfall": step}, "waterfall", Step) for step in value)
