"""The page that changes the rate of a loan, and the rates to which one person may change it alone."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.display import Heading, Row, Table
from config.office.verbs import SECOND
from config.office.words import money
from lending.domain.books.booking import Booking
from lending.domain.contract.events import EventType
from lending.domain.contract.fields import HIGHEST_RATE, MOST_DECIMALS
from lending.models import Loan
from lending.operations.loans import booking_act
from tests.lending.bookings import book
from tests.lending.loans import OPENED, lent, roll, serviced
from tests.lending.office import staff

pytestmark = pytest.mark.django_db(transaction=True)
BOUNDS = {"lowest_rate": "0.05", "highest_rate": "0.36"}
STEP = Decimal(1).scaleb(-MOST_DECIMALS)


@pytest.fixture
def risk(client: Client) -> Client:
    client.force_login(staff(Role.RISK_MANAGER))
    return client


def preview(client: Client, loan: Loan, verb: str, **figure: str) -> Any:  # noqa: ANN401 - Django's response
    """Return the page that shows what a verb would do as of the loan's first day."""
    address = reverse(f"admin:lending_loan_{verb}", args=[loan.pk])
    entered = {**figure, "on": OPENED.isoformat(), "reason": "agreed", "step": "preview"}
    before = loan.events.count()
    page = client.post(address, entered)
    assert page.context["step"].confirms
    assert loan.events.count() == before, "a preview books nothing"
    return page


def rows_under(page: Any, heading: str) -> list[list[str]]:  # noqa: ANN401 - Django's response
    """Return the rows of the table under a heading, as text."""
    assertContains(page, f"<h3>{heading}</h3>")
    parts = page.context["step"].effects.parts
    [table] = [
        table
        for part, table in pairwise(parts)
        if isinstance(part, Heading) and str(part.text) == heading and isinstance(table, Table)
    ]
    return [[str(cell) for cell in row] for row in table.rows if not isinstance(row, Row)]


def instalments(loan: Loan) -> list[list[str]]:
    rows = loan.instalments.order_by("no")
    return [[str(row.due), money(row.principal_minor + row.interest_minor, loan.currency)] for row in rows]


def is_made_alone(loan: Loan, rate: Decimal) -> bool:
    """Tell whether one person may change a loan's rate as of its first day, which is today."""
    booking = Booking(type=EventType.RATE_CHANGE, on=OPENED, rate=rate, by_hand=True, reason="agreed")
    return booking_act(loan, booking) is None


def test_the_page_shows_the_rate_now_and_what_the_product_allows(risk: Client) -> None:
    """Red if the rate were that of the terms for ever, or the bounds not those of the loan's own product."""
    loan = serviced(lent(), **BOUNDS)
    said = "Yearly rate now 14.6 % Its product allows from 5 % to 36 %"
    address = reverse("admin:lending_loan_rate", args=[loan.pk])
    for page in (risk.get(address), preview(risk, loan, "rate", percent="24")):
        assertContains(page, "Its product allows")
        [facts] = page.context["step"].about
        assert " ".join(f"{name} {value}" for name, value in facts.facts) == said
    book(EventType.RATE_CHANGE, loan_id=loan.pk, rate=Decimal("0.073"))
    assertContains(risk.get(address), "7.3 %")
    assertNotContains(risk.get(address), "14.6 %")


def test_what_falls_due_next_at_the_new_rate_is_shown(risk: Client) -> None:
    """Red if whoever confirms a rate saw no figure that it changes."""
    loan = serviced(lent(months=1), **BOUNDS)
    page = preview(risk, loan, "rate", percent="7.3")
    for words in ("Due next", "12,148.80", "12,074.40", "2026-04-01"):
        assertContains(page, words)
    costs = [row for row in rows_under(page, f"The loan as of {OPENED}") if row[0].startswith("Interest to come")]
    assert costs == [["Interest to come, if paid as it falls due", "148.80", "74.40"]]


def test_a_rate_from_an_earlier_day_shows_what_it_takes_back(risk: Client) -> None:
    """Red if the preview were of the day that the rate changes, or left out that a second person has to approve it."""
    loan = serviced(lent(amount_minor=1_000_000), **BOUNDS)
    roll(OPENED + timedelta(days=3))
    page = preview(risk, loan, "rate", percent="7.3")
    charged = rows_under(page, f"The loan as of {OPENED + timedelta(days=3)}")[0]
    assert charged == ["Interest charged to date", "12.00", "6.00"], "0.04 % a day, then 0.02 %"
    assert [amount for _, _, amount in rows_under(page, "Postings")] == ["6.00"]
    assertContains(page, SECOND)


def test_the_schedule_at_a_new_rate_is_shown_before_it_is_drawn(risk: Client) -> None:
    """Red if the page showed other instalments than are booked, or drew them at the rate of the terms.

    A change of rate leaves the schedule as it was drawn; who wants instalments of the new rate re-amortises.
    """
    loan = serviced(lent(months=3), **BOUNDS)
    drawn = instalments(loan)
    book(EventType.RATE_CHANGE, loan_id=loan.pk, rate=Decimal("0.24"))
    assert instalments(loan) == drawn
    shown = rows_under(preview(risk, loan, "re_amortise", periods="3"), "The schedule")
    book(EventType.RE_AMORTISE, loan_id=loan.pk, periods=3)
    assert [row[:2] for row in shown] == drawn
    assert [row[2:] for row in shown] == instalments(loan)
    assert shown[0] == ["2026-04-01", "4,098.53", "2026-04-01", "4,162.39"]


@pytest.mark.parametrize(
    ("servicing", "alone", "together"),
    [
        (BOUNDS, ["0.05", "0.36"], [Decimal("0.05") - STEP, Decimal("0.36") + STEP]),
        ({"highest_rate": "0.36"}, ["0", "0.36"], [Decimal("0.36") + STEP]),
        ({"lowest_rate": "0.05"}, [], [Decimal("0.05") - STEP, "0.05", "0.36"]),
        ({}, [], [0, "0.146", "0.24", HIGHEST_RATE]),
        ({"lowest_rate": "0.00", "highest_rate": "100.0"}, [], [0, "0.146", HIGHEST_RATE]),
    ],
    ids=["bounds", "highest", "lowest", "none", "none, said"],
)
def test_one_person_changes_a_rate_within_what_the_product_foresees(
    servicing: dict[str, str], alone: list[Any], together: list[Any]
) -> None:
    """Red if a bound were refused or not looked at, or a product without bounds were taken to foresee every rate."""
    loan = serviced(lent(), **servicing)
    assert [rate for rate in alone if not is_made_alone(loan, Decimal(rate))] == []
    assert [rate for rate in together if is_made_alone(loan, Decimal(rate))] == []
