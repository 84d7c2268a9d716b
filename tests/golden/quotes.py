"""The product's own terms of a peer's loan, and its own quote."""

from datetime import date
from decimal import Decimal
from typing import Any

from config.kernel.daycount import DayCount
from lending.domain.contract.quote import quote
from lending.domain.contract.schedule import Instalment
from lending.domain.contract.terms import Prepayment, Terms


def terms_of(**said: Any) -> Terms:  # noqa: ANN401
    usual: dict[str, Any] = {
        "currency": "EUR",
        "day_count": DayCount.E30_360,
        "first_due": None,
        "grace_days": 0,
        "tolerance_minor": 0,
        "penalty_multiple_extra": Decimal(0),
        "prepayment": Prepayment.NEXT,
    }
    return Terms(**{**usual, **said})


def quoted(terms: Terms, *, on: date) -> tuple[Instalment, ...]:
    return quote(terms, on=on).schedule


def minor(amount: str) -> int:
    """Convert an amount of two decimals to minor units."""
    return int(Decimal(amount).scaleb(2))
