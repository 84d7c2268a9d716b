"""The application's role rewrites nothing that was applied for, agreed, decided or proven, nor turns the date back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.approvals import Act, request_approval
from config.office.events import signed
from config.office.models import ApprovalRequest, BusinessDate, ListExport, OperationEvent, SavedView
from lending.models import (
    Application,
    BankAnswer,
    BankFile,
    BankStatement,
    DayClose,
    Loan,
    ProvisionMonth,
    StatementLine,
    Transfer,
)
from merchants.models import KeptRequest, PayoutAccount
from merchants.operations.idempotency import KEPT_FOR
from tests.config.office.made_lists import DONE, make_export, make_view
from tests.conftest import NOW, make_user
from tests.events import PLAIN, make_event
from tests.forge import as_owner, forge
from tests.lending.bank_files import take_statement
from tests.lending.loans import OPENED, lent, roll
from tests.lending.provisions import make_provision

pytestmark = pytest.mark.django_db(transaction=True)
Rows = Callable[[], QuerySet[Any]]


def broken_close() -> QuerySet[DayClose]:
    forge(DayClose.objects.latest("pk"), state="BROKEN")
    return DayClose.objects.filter(state="BROKEN")


FORGED: dict[str, tuple[Rows, dict[str, object]]] = {
    "who exported a list": (ListExport.objects.all, {"requested_by": "staff:9"}),
    "which list was exported": (ListExport.objects.all, {"listed": "lending.loan"}),
    "what was exported of a list": (ListExport.objects.all, {"query": "state=OPEN"}),
    "the hash of an exported file": (ListExport.objects.all, {"sha256": "c" * 64}),
    "what a saved view lists": (SavedView.objects.all, {"query": "region=south"}),
    "with whom a saved view is shared": (SavedView.objects.all, {"shared_with": "Viewer"}),
    "a loan's amount": (Loan.objects.all, {"amount_minor": F("amount_minor") + 1}),
    "a loan's terms": (Loan.objects.all, {"terms": {}}),
    "a loan's merchant": (Loan.objects.all, {"merchant_id": F("merchant_id") + 1}),
    "when a loan was approved": (Loan.objects.all, {"approved_at": F("approved_at") - timedelta(days=1)}),
    "an application's amount": (Application.objects.all, {"amount_minor": F("amount_minor") + 1}),
    "whoever entered an application": (Application.objects.all, {"entered_by": "staff:9"}),
    "what became of an application": (Application.objects.all, {"state": "REFERRED", "decided_at": None}),
    "a payout account's number": (PayoutAccount.objects.all, {"sealed_number": b"x"}),
    "the key of a payout account's number": (PayoutAccount.objects.all, {"number_key": "other"}),
    "the hash of a payout account's number": (PayoutAccount.objects.all, {"number_index": b"x"}),
    "a payout account's merchant": (PayoutAccount.objects.all, {"merchant_id": F("merchant_id") + 1}),
    "whoever entered a payout account": (PayoutAccount.objects.all, {"entered_by": "staff:9"}),
    "what a merchant was called": (PayoutAccount.objects.all, {"merchant_name": "Another"}),
    "whoever verified a payout account": (PayoutAccount.objects.all, {"verified_by": "staff:9"}),
    "that a payout account is verified": (
        PayoutAccount.objects.all,
        {"state": "PENDING", "verified_by": None, "verified_at": None},
    ),
    "whoever approved a payout account": (PayoutAccount.objects.all, {"approved_by": "staff:9"}),
    "which account a payout account follows": (PayoutAccount.objects.all, {"follows": F("pk")}),
    "a payout's amount": (Transfer.objects.all, {"amount_minor": F("amount_minor") + 1}),
    "a payout's key": (Transfer.objects.all, {"key": "00000000-0000-0000-0000-000000000009"}),
    "a payout's gateway": (Transfer.objects.all, {"gateway": "another"}),
    "that a transfer pays out": (Transfer.objects.all, {"kind": "COLLECTION"}),
    "a transfer's loan": (Transfer.objects.all, {"loan_id": F("loan_id") + 1}),
    "what a bank sent": (BankFile.objects.all, {"sealed_content": b"another"}),
    "whose an answer of a bank is": (BankAnswer.objects.all, {"transfer": None}),
    "how a statement closed": (BankStatement.objects.all, {"closing_minor": F("closing_minor") + 1}),
    "the order that a line names": (StatementLine.objects.all, {"reference": "another"}),
    "a proven close": (lambda: DayClose.objects.filter(state="PROVEN"), {"state": "BROKEN"}),
    "that the books did not hold": (broken_close, {"state": "PROVEN"}),
    "what a proven close found": (lambda: DayClose.objects.filter(state="PROVEN"), {"drifted": []}),
    "the business date, backwards": (BusinessDate.objects.all, {"current": OPENED - timedelta(days=1)}),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_stands_is_not_rewritten(what: str) -> None:
    """Red without the trigger."""
    lent()
    roll(OPENED + timedelta(days=1))
    take_statement()
    make_export(**DONE)
    make_view()
    rows, change = FORGED[what]
    before = list(rows().values())
    assert before
    with pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        rows().update(**change)
    assert list(rows().values()) == before


UNGRANTED: dict[str, dict[str, object]] = {
    "what was asked for": {"digest": "b" * 64},
    "who asked for it": {"requested_by": "staff:9"},
    "what was entered": {"entered": {}},
    "until when it can be approved": {"expires_at": NOW},
}


@pytest.mark.parametrize("what", UNGRANTED)
def test_a_request_for_approval_stays_as_it_was_asked_for(what: str) -> None:
    """Red without the grant by column."""
    act = Act(operation="a.b")
    request_approval(act, verb="lending_loan_refund", entered={"amount": "1.00"}, actor=SYSTEM, now=NOW)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        ApprovalRequest.objects.update(**UNGRANTED[what])


def make_kept_request() -> KeptRequest:
    partner = lent().merchant.partner
    return KeptRequest.objects.create(partner=partner, key="k", digest="a" * 64, result=1, kept_at=timezone.now())


def test_a_kept_request_is_not_rewritten() -> None:
    kept = make_kept_request()
    for change in ({"key": "l"}, {"digest": "b" * 64}, {"result": 2}, {"kept_at": NOW}):
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            KeptRequest.objects.update(**change)
    assert KeptRequest.objects.get() == kept


def test_a_kept_request_is_not_forgotten_early() -> None:
    """Red if a payment could be reported twice under its key, once the row of the first is gone."""
    kept = make_kept_request()
    with as_in_production(), pytest.raises(IntegrityError, match="this stays as it is"), transaction.atomic():
        KeptRequest.objects.all().delete()
    forge(kept, kept_at=timezone.now() - KEPT_FOR)
    with as_in_production():
        assert KeptRequest.objects.all().delete()[0] == 1


@contextmanager
def as_in_production() -> Iterator[None]:
    """Restore what the test database is lenient about, in a transaction that is rolled back."""
    stamped = import_module("config.office.migrations.0009_stamped_events")
    with transaction.atomic():
        as_owner(stamped.CLOCK_TOLERANCE)
        as_owner(stamped.MAY_ACT)
        yield
        transaction.set_rollback(True)


def event(**others: Any) -> OperationEvent:  # noqa: ANN401 - of any column
    return make_event(**{"booked_at": timezone.now()} | others)


FORGED_EVENTS: dict[str, tuple[dict[str, object], str]] = {
    "an old date": ({"booked_at": timezone.now() - timedelta(days=2)}, "it is dated"),
    "a date to come": ({"booked_at": timezone.now() + timedelta(days=2)}, "it is dated"),
    "somebody who was never there": ({"actor": "staff:900001"}, "nobody of the staff"),
}


@pytest.mark.parametrize("what", FORGED_EVENTS)
def test_an_event_is_not_recorded_under(what: str) -> None:
    """Red without the trigger."""
    event()
    values, words = FORGED_EVENTS[what]
    with as_in_production(), pytest.raises(IntegrityError, match=words), transaction.atomic():
        event(**values)


def test_an_event_is_not_recorded_under_an_id_from_between_others() -> None:
    """Red without the trigger."""
    event()
    with as_in_production(), pytest.raises(IntegrityError, match="its id was not drawn for it"), transaction.atomic():
        signed(OperationEvent(pk=0, **PLAIN | {"booked_at": timezone.now()})).save(force_insert=True)


def test_the_database_alone_says_when_an_event_was_recorded() -> None:
    began = timezone.now()
    with as_in_production():
        member = make_user("rita", Role.RISK_MANAGER)
        recorded = event(actor=f"staff:{member.pk}", recorded_at=NOW)
        recorded.refresh_from_db()
    assert recorded.recorded_at is not None
    assert began < recorded.recorded_at < timezone.now()


def test_the_sequence_of_events_is_not_set_back() -> None:
    event()
    with pytest.raises(ProgrammingError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute("SELECT setval('office_operationevent_id_seq', 1)")


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
