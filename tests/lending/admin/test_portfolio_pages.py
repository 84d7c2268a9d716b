"""The reports on the portfolio: each figure is what the list behind it comes to, on any day, by everything."""

from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook
from pytest_django.asserts import assertContains

from config.declarations import Role
from lending.admin.portfolio import listed
from lending.domain.books.portfolio import Report, Share
from lending.domain.books.report_table import Figure, ListName, ReportTable
from lending.domain.contract.events import EventType
from lending.models import Loan, LoanEvent, LoanOrigin, PortfolioFigures
from lending.operations.loans import EventNotBooked
from lending.queries.portfolio import lent_currencies
from lending.queries.portfolio_figures import dimensions_of
from lending.queries.portfolio_lists import lent_totals
from lending.queries.portfolio_questions import Question
from lending.queries.portfolio_reports import tables_of
from scoring.domain.calibration import Grade
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, reverse_event, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, checked, lent, make_loan, pay_out, roll
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
# What a column of a list's totals says, by the column of a report whose figure leads there.
TOTALS = {
    "Paid out": "disbursed_minor",
    "30+ days past due": "outstanding_minor",
    "Written off": "written_off_minor",
    "Recovered": "recovered_minor",
    "Expected loss": "expected_minor",
    "Average outstanding": "average_minor",
    "Received": "received_minor",
    "Outstanding then": "before_minor",
}
YEAR = 365


def analyst(client: Client) -> Client:
    client.force_login(staff(Role.CREDIT_ANALYST))
    return client


def random_market(random: Random, days: int) -> date:
    """Lend, repay, reverse and write off in two currencies over some days; return the open one."""
    today, loans = OPENED, list[Loan]()
    while (today - OPENED).days < days:
        if not loans or (random.random() < 0.6 and len(loans) < 14):
            loan = lent(
                terms=random.choice([EVERY_FIVE_DAYS, {}]),
                amount_minor=random.choice([50_000, 100_000]),
                currency=random.choice(["CNY", "EUR"]),
                grade=random.choice([Grade.A1, Grade.B1, Grade.C1]),
            )
            loans.append(loan)
            LoanOrigin.objects.filter(pk=loan.pk).update(
                region=random.choice(["North", "=South"]), tier=random.choice(["gold", "-"])
            )
        today += random.randint(2, max(3, days // 18)) * DAY
        roll(today)
        for _ in range(2):
            happen(random, random.choice(loans), today)
    return today


def happen(random: Random, loan: Loan, today: date) -> None:
    told: dict[str, Any] = {"loan_id": loan.pk, "reason": "x", "actor": CLERK, "now": NOW}
    paid = list(LoanEvent.objects.filter(loan=loan, type="repayment", of=None))
    try:
        match random.randint(0, 7):
            case 0 if paid:
                reverse_event(seq=random.choice(paid).seq, on=today, **told)
            case 1:
                book(EventType.PAUSE, loan_id=loan.pk, on=today, periods=1)
            case 2:
                book(EventType.WRITE_OFF, loan_id=loan.pk, on=today)
            case 3:
                book(EventType.SETTLEMENT, loan_id=loan.pk, on=today, amount_minor=10_000)
            case _:
                on = max(loan.disbursed_on or today, today - random.randint(0, 9) * DAY)
                take_repayment(amount_minor=random.choice([10_000, 30_000, 120_000]), on=on, **told)
    except EventNotBooked:
        return


def figures_of_table(table: ReportTable) -> list[tuple[str, Figure]]:
    return [
        (column, figure)
        for row in table.rows
        for column, figure in zip(table.columns, row, strict=True)
        if figure.behind is not None
    ]


def asked_of(on: date) -> list[tuple[Report, Question]]:
    return [
        (report, Question(on=on, currency=currency, dimension=dimension))
        for report in Report
        for dimension in dimensions_of(report)
        for currency in lent_currencies()
    ]


def compare(client: Client, column: str, figure: Figure) -> None:
    """Demand of the list behind a figure that it has as many rows, and comes to the same."""
    assert figure.behind is not None
    answer = client.get(listed(figure.behind.of, figure.behind.asked))
    assert answer.status_code == 200, figure.behind
    listing = answer.context["listing"]
    number = listing.matching.count()
    value = figure.value
    if figure.number is not None:
        assert figure.number == number, (column, figure)
    if not figure.is_money and isinstance(value, int):
        assert value == number, (column, figure)
        return
    if figure.behind.of is ListName.OFFERS:
        return
    is_of_loans = figure.behind.of is ListName.LENT
    totals = lent_totals(listing.matching, on=date.fromisoformat(figure.behind.asked["on"])) if is_of_loans else []
    assert len(totals) < 2, "of one currency"
    if column == "Net loss":
        assert value == sum(one.written_off_minor - one.recovered_minor for one in totals)
        return
    if figure.behind.of is ListName.RUNNING:
        assert value == sum(row.principal_minor for row in listing.matching), (column, figure)
        return
    if isinstance(value, Share):
        is_curve = figure.behind.asked.get("stands") == "bad_or_lost"
        names = ("outstanding_minor", "written_off_minor") if is_curve else ("before_minor",)
        assert value.part == sum(getattr(one, name) for one in totals for name in names), (column, figure)
        return
    assert value == sum(getattr(one, TOTALS[column]) for one in totals), (column, figure)


@pytest.mark.parametrize(("seed", "days"), [(1, 35), (2, 50), pytest.param(3, YEAR, marks=pytest.mark.torture)])
def test_each_figure_is_what_the_list_behind_it_comes_to(client: Client, seed: int, days: int) -> None:
    """Red if a figure led to other loans than it adds up, on the day or on a past one."""
    random = Random(seed)  # noqa: S311 - no secret
    today = random_market(random, days)
    analyst(client)
    seen = 0
    for on in {today, *(OPENED + random.randrange((today - OPENED).days) * DAY for _ in range(2))}:
        for report, question in asked_of(on):
            for table in tables_of(report, question):
                for column, figure in figures_of_table(table):
                    if figure.number != 0 and random.random() < 0.12:
                        compare(client, column, figure)
                        seen += 1
    assert seen > 50
    assert checked()["proven"]


def test_the_future_changes_no_figure_of_a_past_day() -> None:
    """Red if anything that is told of a day followed what is booked on later ones."""
    random = Random(7)  # noqa: S311 - no secret
    on = random_market(random, 20) - DAY
    later = make_loan(amount_minor=70_000)
    PortfolioFigures.objects.all().delete()
    before = [tables_of(report, question) for report, question in asked_of(on)]
    roll(on + 4 * DAY)
    for loan in Loan.objects.filter(disbursed_on__isnull=False):
        take_repayment(loan_id=loan.pk, amount_minor=20_000, on=on + 3 * DAY, reason="x", actor=CLERK, now=NOW)
    pay_out(later)
    PortfolioFigures.objects.all().delete()
    assert [tables_of(report, question) for report, question in asked_of(on)] == before


def test_pages_show_reports_and_say_why_there_is_nothing(client: Client) -> None:
    analyst(client)
    make_loan()
    at_risk, vintages = reverse("admin:lending_loanorigin_changelist"), reverse("admin:lending_loanorigin_vintages")
    assertContains(client.get(at_risk), "No loan was paid out by this day")
    assert client.get(at_risk, {"on": "soon"}).status_code == 404
    assert client.get(at_risk, {"by": "colour"}).status_code == 404
    assert client.get(at_risk, {"currency": "XYZ"}).status_code == 404
    assertContains(client.get(at_risk, {"on": str(OPENED + DAY)}), "has not come yet")
    assertContains(client.get(reverse("admin:lending_loanorigin_loans"), {"on": "soon"}, follow=True), "does not know")
    lent(amount_minor=70_000, currency="CNY")
    assertContains(client.get(at_risk, {"on": str(OPENED)}), "This day is not closed")
    assertContains(client.get(at_risk, {"on": str(OPENED)}), "700.00")
    by_grade = client.get(vintages, {"by": "grade", "on": str(OPENED)})
    assertContains(by_grade, "value=B1")
    assertContains(
        client.get(vintages, {"by": "grade", "value": "B1", "on": str(OPENED)}), "Curves of the vintages: B1"
    )
    assert client.get(reverse("admin:lending_loanorigin_pack"), {"kind": "pdf"}, follow=True).status_code == 200


def test_a_page_asks_no_more_queries_for_more_loans(client: Client) -> None:
    analyst(client)
    asked = []
    for _ in range(2):
        for _more in range(3):
            lent(amount_minor=70_000)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("admin:lending_loanorigin_loans"), {"on": str(OPENED)})
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_the_pack_of_a_month_has_the_figures_of_the_pages(client: Client, tmp_path: Path) -> None:
    """Red if the files were of another day, or a merchant's name became a formula."""
    loan = lent(terms=EVERY_FIVE_DAYS, amount_minor=70_000)
    LoanOrigin.objects.update(category="=1+1", region="@SUM(A1)")
    with pytest.raises(CommandError, match="not all closed"):
        call_command("month_pack", "--month", "2026-03", "--to", str(tmp_path))
    roll(date(2026, 4, 1))
    written = StringIO()
    call_command("month_pack", "--month", "2026-03", "--to", str(tmp_path / "packs"), stdout=written)
    assert written.getvalue().split() == [
        str(tmp_path / "packs" / name) for name in ("portfolio-2026-03.pdf", "portfolio-2026-03.xlsx")
    ]
    book = load_workbook(tmp_path / "packs" / "portfolio-2026-03.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {"=1+1", "@SUM(A1)"} <= {cell.value for cell in cells}
    assert not [cell for cell in cells if cell.data_type == "f"]
    at_risk = [[cell.value for cell in row] for row in book["Portfolio at risk CNY"].iter_rows()]
    [whole, *_] = [row for row in at_risk if row[0] == "All"]
    assert whole[1:6] == [700, 1, 700, 1, 1], "outstanding, n, 1 day past due or more, n, PAR 1"
    pdf = (tmp_path / "packs" / "portfolio-2026-03.pdf").read_bytes()
    assert (pdf[:4], pdf.rstrip()[-5:]) == (b"%PDF", b"%%EOF")
    analyst(client)
    for kind, content in (("pdf", pdf), ("xlsx", b"PK")):
        answer = client.get(reverse("admin:lending_loanorigin_pack"), {"kind": kind})
        assert answer.content.startswith(content[:4] if kind == "pdf" else content)
        assert f"portfolio-2026-03.{kind}" in answer["Content-Disposition"]
    assert loan.disbursed_on == OPENED
