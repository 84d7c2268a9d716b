"""The reports on the portfolio: each figure is what the list behind it comes to, on any day, by everything."""

from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from django.test import Client

from config.declarations import Role
from lending.admin.portfolio import listed
from lending.domain.books.portfolio import Report, Share
from lending.domain.books.report_table import Figure, ListName, ReportTable
from lending.domain.contract.events import EventType
from lending.models import LoanEvent, LoanOrigin
from lending.operations.loans import EventNotBooked
from lending.queries.portfolio import lent_currencies
from lending.queries.portfolio_figures import dimensions_of
from lending.queries.portfolio_questions import Question
from lending.queries.portfolio_reports import tables_of
from scoring.domain.calibration import Grade
from tests.conftest import CLERK, NOW
from tests.lending.bookings import book, reverse_event, take_repayment
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, checked, lent, make_loan, roll
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
# What a column of a list's totals says, by the column of a report whose figure leads there.
TOTALS = {
    "Paid out": "disbursed_minor",
    "30 days past due or more": "outstanding_minor",
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
    today, loans = OPENED, list[Any]()
    make_loan()
    while (today - OPENED).days < days:
        if random.random() < 0.6 and len(loans) < 14:
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
            happen(random, random.choice(loans) if loans else None, today)
    return today


def happen(random: Random, loan: Any, today: date) -> None:
    if loan is None:
        return
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
                on = max(loan.disbursed_on, today - random.randint(0, 9) * DAY)
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
    if figure.behind.of is ListName.RUNNING:
        assert value == sum(row.principal_minor for row in listing.matching), (column, figure)
        return
    [total] = totals(answer) or [None]
    if isinstance(value, Share):
        is_curve = figure.behind.asked.get("stands") == "bad_or_lost"
        came = (
            0
            if total is None
            else total.outstanding_minor + total.written_off_minor
            if is_curve
            else total.before_minor
        )
        assert value.part == came, (column, figure)
        return
    assert value == (0 if total is None else getattr(total, TOTALS[column])), (column, figure)


def totals(answer: Any) -> list[Any]:
    from lending.queries.portfolio_lists import lent_totals  # noqa: PLC0415

    on = date.fromisoformat(answer.wsgi_request.GET["on"])
    return lent_totals(answer.context["listing"].matching, on=on)


@pytest.mark.parametrize("seed", range(3))
def test_each_figure_is_what_the_list_behind_it_comes_to(client: Client, seed: int) -> None:
    """Red if a figure led to other loans than it adds up, on the day or on a past one."""
    random = Random(seed)  # noqa: S311 - no secret
    today = random_market(random, days=70 if seed else YEAR)
    analyst(client)
    seen = 0
    for on in {today, *(OPENED + random.randrange((today - OPENED).days) * DAY for _ in range(2))}:
        for report, question in asked_of(on):
            for table in tables_of(report, question):
                for column, figure in figures_of_table(table):
                    if figure.number != 0 and random.random() < 0.3:
                        compare(client, column, figure)
                        seen += 1
    assert seen > 100
    assert checked()["proven"]
