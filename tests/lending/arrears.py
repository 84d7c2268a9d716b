"""Cases of arrears, made without a night."""

from lending.domain.arrears.case import CaseState
from lending.models import ArrearsCase, Loan
from tests.conftest import NOW


def make_case(loan: Loan, **fields: object) -> ArrearsCase:
    """Make an open case of a loan's borrower, with nobody who works on it."""
    day = NOW.date()
    given = {"state": CaseState.OPEN, "opened_on": day, "next_on": day, "principal_minor": 0}
    given |= {"currency": loan.currency, "merchant": loan.merchant}
    return ArrearsCase.objects.create(**given | fields)
