"""The application's role rewrites nothing that was applied for, agreed, decided or proven, nor turns the date back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from config.office.models import BusinessDate
from lending.models import Application, DayClose, Loan, ProvisionMonth, Transfer
from merchants.models import PayoutAccount
from tests.conftest import NOW
from tests.forge import forge
from tests.lending.loans import OPENED, lent, roll
from tests.lending.provisions import make_provision

pytestmark = pytest.mark.django_db(transaction=True)
Rows = Callable[[], QuerySet[Any]]
FORGED: dict[str, tuple[Rows, dict[str, object]]] = {
    "a loan's amount": (Loan.objects.all, {"amount_minor": F("amount_minor") + 1}),
    "a loan's terms": (Loan.objects.all, {"terms": {}}),
    "a loan's merchant": (Loan.objects.all, {"merchant_id": F("merchant_id") + 1}),
    "when a loan was approved": (Loan.objects.all, {"approved_at": F("approved_at") - timedelta(days=1)}),
    "an application's amount": (Application.objects.all, {"amount_minor": F("amount_minor") + 1}),
    "whoever entered an application": (Application.objects.all, {"entered_by": "staff:9"}),
    "what became of an application": (Application.objects.all, {"state": "REFERRED", "decided_at": None}),
    "a payout account's number": (PayoutAccount.objects.all, {"number": "DE89370400440532013000"}),
    "a payout account's merchant": (PayoutAccount.objects.all, {"merchant_id": F("merchant_id") + 1}),
    "whoever entered a payout account": (PayoutAccount.objects.all, {"entered_by": "staff:9"}),
    "what a merchant was called": (PayoutAccount.objects.all, {"merchant_name": "Another"}),
    "a transfer's loan": (Transfer.objects.all, {"loan_id": F("loan_id") + 1}),
    "a proven close": (lambda: DayClose.objects.filter(state="PROVEN"), {"state": "BROKEN"}),
    "what a proven close found": (lambda: DayClose.objects.filter(state="PROVEN"), {"drifted": []}),
    "the business date, backwards": (BusinessDate.objects.all, {"current": OPENED - timedelta(days=1)}),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_stands_is_not_rewritten(what: str) -> None:
    """Red without the trigger."""
    lent()
    roll(OPENED + timedelta(days=1))
    rows, change = FORGED[what]
    before = list(rows().values())
    assert before
    with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        rows().update(**change)
    assert list(rows().values()) == before


def test_the_owner_of_the_tables_may_mend_a_row() -> None:
    loan = lent()
    forge(loan, category="Tea")
    loan.refresh_from_db()
    assert loan.category == "Tea"


def test_what_the_provisions_of_a_month_rest_on_is_not_rewritten() -> None:
    """Red without the triggers: another policy or run, or a month that is booked again."""
    loan = lent()
    roll(OPENED + timedelta(days=1))
    month = make_provision(loan, DayClose.objects.get()).month
    months = ProvisionMonth.objects.filter(pk=month.pk)
    for change in ({"policy_id": F("policy_id") + 1}, {"month": OPENED - timedelta(days=28)}, {"last_line": 9}):
        with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
            months.update(**change)
    months.update(booked_at=NOW)
    with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        months.update(booked_at=None)
