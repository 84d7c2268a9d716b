"""The product's own terms of a peer's loan, and its own quote."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from config.kernel.daycount import DayCount
from lending.domain.contract.events import EventType, LoanEvent
from lending.domain.contract.quote import quote
from lending.domain.contract.replay import replay
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


def disbursed(terms: Terms, tranches: Sequence[tuple[date, int]], *, as_of: date | None = None) -> Sequence[Instalment]:
    """Return the schedule of a loan that is disbursed on these dates, as it stands on a date or after the last."""
    events = [
        LoanEvent(id=str(number), on=on, type=EventType.DISBURSEMENT, amount_minor=amount)
        for number, (on, amount) in enumerate(tranches)
    ]
    together = sum(amount for _, amount in tranches)
    loan = replay(replace(terms, principal_minor=together, tranches=len(tranches)), events)
    account = loan.account(as_of) if as_of else None
    return account.schedule if account else loan.schedule


def minor(amount: str) -> int:
    """Convert an amount of two decimals to minor units."""
    return int(Decimal(amount).scaleb(2))
