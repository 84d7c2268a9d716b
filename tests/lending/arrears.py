"""Cases of arrears, made without a night."""

from lending.domain.arrears.case import CaseState
from lending.models import ArrearsCase, Loan
from tests.conftest import NOW


def make_case(loan: Loan, **fields: object) -> ArrearsCase:
    """Make an open case of a loan's borrower, with nobody who works on it."""
    day = NOW.date()
    given = {"state": CaseState.OPEN, "opened_on": day, "reviewed_to": day, "next_on": day, "due_minor": 0}
    given |= {"claim_minor": 0, "owed_minor": 0, "currency": loan.currency, "merchant": loan.merchant}
    return ArrearsCase.objects.create(**given | fields)
