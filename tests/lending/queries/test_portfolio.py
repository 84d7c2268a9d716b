"""What is kept of all loans equals, to the unit, what their list gives."""

from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office import lists
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.events import EventType
from lending.models import Loan
from lending.operations.payouts import cancel_loan
from lending.queries.closes import closed_to
from lending.queries.portfolio import Lateness, kept_totals, portfolios, totals_of, with_lateness
from tests.beginnings import begin
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, reverse_event, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, make_loan, roll
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:lending_loan_changelist"


def told(loan: Loan, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"loan_id": loan.pk, "on": OPENED, "reason": "by hand", "actor": CLERK, "now": NOW, **fields}


@pytest.fixture
def loans() -> None:
    begin("a loan in each status", lend_each)


def lend_each() -> None:
    """Make a loan in each status, one that is late, and one whose repayment was reversed."""
    make_loan(amount_minor=100_000)
    cancel_loan(loan_id=make_loan(amount_minor=200_000).pk, reason="changed its mind", actor=CLERK, now=NOW)
    take_repayment(**told(lent(amount_minor=300_000), amount_minor=310_000))
    paid = lent(amount_minor=400_000)
    take_repayment(**told(paid, amount_minor=50_000))
    again = lent(amount_minor=500_000)
    reverse_event(**told(again, seq=take_repayment(**told(again, amount_minor=500_000)).seq))
    book(EventType.WRITE_OFF, loan_id=lent(amount_minor=450_000).pk)
    late = lent(amount_minor=600_000, terms=EVERY_FIVE_DAYS)
    roll(OPENED.replace(day=9))
    late.refresh_from_db()
    assert late.late_since is not None


@pytest.mark.usefixtures("loans")
def test_totals_that_are_kept_are_those_of_the_list() -> None:
    """Red if a booking, a reversal, a payout, a cancellation or a night leaves a sum behind."""
    for status, currency in product([None, *LoanStatus], [None, "CNY", "EUR"]):
        asked = {"status": status, "currency": currency}
        narrowed = {name: value for name, value in asked.items() if value is not None}
        found = totals_of(Loan.objects.filter(**narrowed))
        assert (narrowed, kept_totals(**narrowed)) == (narrowed, found)
        assert bool(found) is (currency != "EUR")


@pytest.mark.usefixtures("loans")
def test_a_portfolio_is_the_sum_of_its_loans() -> None:
    [found] = portfolios(to=closed_to())
    [of_all] = totals_of(Loan.objects.all())
    [late] = totals_of(with_lateness(Loan.objects.all(), Lateness.ANY))
    assert totals_of(with_lateness(Loan.objects.all(), Lateness.DELINQUENT)) == []
    assert (found.active, found.outstanding_minor, found.disbursed_minor) == (
        Loan.objects.active().count(),
        of_all.outstanding_minor,
        of_all.disbursed_minor,
    )
    assert found.repaid_minor == sum(Loan.objects.values_list("repaid_minor", flat=True)) == 360_000
    assert (found.late, found.late_minor) == (late.loans, late.outstanding_minor)
    assert (found.late, found.delinquent, found.delinquent_minor) == (1, 0, 0)


@pytest.mark.usefixtures("loans")
def test_a_long_list_says_what_it_does_not_sum_and_not_sort(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if many rows were sorted without an index, or if a bound were not told."""
    monkeypatch.setattr(lists, "COUNTED", 2)
    client.force_login(staff(Role.VIEWER))
    page = client.get(reverse(LIST), {"sort": "-amount_minor"})
    assertContains(page, "Not sorted by “Amount”")
    assert [loan.pk for loan in page.context["listing"].rows] == [
        *Loan.objects.order_by("-pk").values_list("pk", flat=True)
    ]
    assertNotContains(page, 'href="?sort=-amount_minor')
    assert page.context["listing"].kept == [("sort", "-amount_minor")], "narrowed, it is sorted"
    by_lateness = client.get(reverse(LIST), {"sort": "late_since"})
    assertNotContains(by_lateness, "Not sorted")
    assert by_lateness.context["listing"].rows[0].late_since is not None
    few = client.get(reverse(LIST), {"sort": "-amount_minor", "status": "CLOSED"})
    assertNotContains(few, "Not sorted")
    assertContains(few, "sort=amount_minor")
    note = "Totals are shown of 2 loans or fewer"
    assertContains(client.get(reverse(LIST), {"grade": "B1"}), note)
    for narrowed in ({}, {"late": "1"}, {"status": "CLOSED", "currency": "CNY"}):
        assertNotContains(client.get(reverse(LIST), narrowed), note)


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


@pytest.mark.usefixtures("loans")
def test_a_list_is_planned_for_its_values(client: Client) -> None:
    """Red if PostgreSQL kept a plan of a list: it would look for a rare state as it does for a frequent one."""
    client.force_login(staff(Role.VIEWER))
    connection.close()  # what earlier tests prepared goes with it
    before = set(prepared())
    for _ in range(4):
        client.get(reverse(LIST), {"status": "CLOSED"})
    added = set(prepared()) - before
    assert any("auth_permission" in statement for statement in added), "others are kept"
    assert [statement for statement in added if "lending" in statement] == []


@pytest.mark.usefixtures("loans")
def test_totals_cost_one_query(client: Client) -> None:
    """Red if all loans were read for the totals of a list that is not narrowed."""
    client.force_login(staff(Role.VIEWER))
    client.get(reverse(LIST))
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse(LIST))
    summed = [query["sql"] for query in queries if "SUM(" in query["sql"]]
    assert len(summed) == 1
    assert "lending_loan" not in summed[0].replace("lending_loan_", "")
