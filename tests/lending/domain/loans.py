"""Loans for the tests of the engine."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from config.kernel.daycount import DayCount
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.terms import Method, PeriodUnit, Prepayment, Terms

OPENED = date(2024, 1, 31)


def terms_of(**changed: Any) -> Terms:  # noqa: ANN401
    usual: dict[str, Any] = {
        "principal_minor": 1_200_000,
        "currency": "CNY",
        "rate": Decimal("0.1095"),
        "day_count": DayCount.ACT_365F,
        "method": Method.EQUAL_INSTALMENTS,
        "periods": 12,
        "every": 1,
        "unit": PeriodUnit.MONTH,
        "first_due": None,
        "grace_days": 3,
        "tolerance_minor": 100,
        "penalty_multiple_extra": Decimal("0.5"),
        "prepayment": Prepayment.NEXT,
    }
    return Terms(**{**usual, **changed})


def disbursed(terms: Terms, on: date = OPENED) -> LoanEvent:
    return LoanEvent(id="out", on=on, type=EventType.DISBURSEMENT, amount_minor=terms.principal_minor)


def paid(id: str, after: int, amount: int) -> LoanEvent:  # noqa: A002
    return LoanEvent(id=id, on=OPENED + timedelta(after), type=EventType.REPAYMENT, amount_minor=amount)
