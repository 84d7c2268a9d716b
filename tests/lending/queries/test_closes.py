from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from config.office.models import BusinessDate
from config.office.words import money
from lending.admin.words import OPENING_REFUSALS
from lending.domain.books.day_close import CloseRefusal, OpeningRefusal
from lending.models import DayClose
from lending.operations.day_close import DayNotClosed, DayNotOpened, close_day, open_next_day
from lending.queries.closes import Dues, get_opening
from lending.queries.servicing import get_servicing
from tests.conftest import CLERK, NOW
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, roll
from tests.lending.office import staff
from tests.lending.operations.test_loans import pay
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)
DUE = OPENED + timedelta(days=5)


def refuse(after_days: int = 0) -> OpeningRefusal:
    before = (get_business_date(), DayClose.objects.count())
    with pytest.raises(DayNotOpened) as refused:
        open_next_day(after=OPENED + timedelta(days=after_days), actor=CLERK, now=NOW)
    assert (get_business_date(), DayClose.objects.count()) == before
    return refused.value.reason


def test_the_page_says_what_the_close_behind_the_next_day_will_ask_for() -> None:
    """Red if the dues were those of another day, of loans that owe nothing then, or currencies were added up."""
    first, second, paid = (lent(amount_minor=minor, terms=EVERY_FIVE_DAYS) for minor in (600_000, 900_000, 600_000))
    roll(DUE)
    pay(paid, 700_000, on=DUE)
    rows = [loan.instalments.get(no=1) for loan in (first, second)]
    opening = get_opening()
    assert (opening.refusal, opening.after, opening.closes) == (None, DUE, DUE)
    total = sum(row.principal_minor + row.interest_minor for row in rows)
    assert opening.dues == [Dues(currency="CNY", loans=2, minor=total)]
    assert open_next_day(after=DUE, actor=CLERK, now=NOW).day == DUE
    assert get_business_date() == DUE + timedelta(days=1)


def test_a_stale_page_opens_nothing_but_the_day_it_showed(settings: Settings) -> None:
    """Red if the operation opened whatever is next, or left these rules to the page."""
    with pytest.raises(DayNotOpened) as refused:
        open_next_day(after=OPENED, actor=CLERK, now=NOW)
    assert refused.value.reason is OpeningRefusal.NO_BUSINESS_DATE
    assert get_opening().refusal is OpeningRefusal.NO_BUSINESS_DATE
    lent()
    open_day(on=OPENED + timedelta(days=1), actor=SYSTEM, now=NOW)
    assert refuse(0) is OpeningRefusal.NOT_THE_DAY_SHOWN
    assert refuse(2) is OpeningRefusal.NOT_THE_DAY_SHOWN
    settings.BUSINESS_CLOCK = "wall"
    assert refuse(1) is OpeningRefusal.BY_CALENDAR
    settings.BUSINESS_CLOCK = "manual"
    open_next_day(after=OPENED + timedelta(days=1), actor=CLERK, now=NOW)
    assert refuse(2) is OpeningRefusal.CLOSE_UNDER_WAY
    assert get_opening().refusal is OpeningRefusal.CLOSE_UNDER_WAY


def test_of_two_who_open_the_same_day_one_does() -> None:
    lent()
    outcomes = race(*[partial(open_next_day, after=OPENED, actor=CLERK, now=NOW)] * 2, held=BusinessDate.objects.all())
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["DayClose", "DayNotOpened"]
    assert get_business_date() == OPENED + timedelta(days=1)


def test_the_next_instalment_on_the_page_is_what_will_be_due(client: Client) -> None:
    """Red if the page added the interest that was quoted before a part was paid in advance."""
    loan = lent(amount_minor=1_200_000, terms=EVERY_FIVE_DAYS)
    pay(loan, 1_000_000)
    servicing = get_servicing(loan)
    following = next(row for row in servicing.rows if row.left_minor)
    quoted = following.left_minor + following.drawn.interest_minor
    assert servicing.projection.next_due is not None
    client.force_login(staff(Role.FINANCE))
    page = client.get(reverse("admin:lending_loan_change", args=[loan.pk]))
    expected = f"next {money(servicing.projection.next_due_minor, 'CNY')} on {servicing.projection.next_due}"
    assertContains(page, expected)
    roll(servicing.projection.next_due)
    assert get_servicing(loan).projection.due_minor == servicing.projection.next_due_minor < quoted


def test_a_stale_page_closes_nothing_but_the_day_it_showed() -> None:
    """Red if the second of two people who saw the same day closed the next one unseen."""
    lent()
    open_day(on=OPENED + timedelta(days=2), actor=SYSTEM, now=NOW)
    with pytest.raises(DayNotClosed) as refused:
        close_day(actor=CLERK, now=NOW, seen=OPENED - timedelta(days=1))
    assert refused.value.reason is CloseRefusal.NOT_THE_DAY_SHOWN
    assert close_day(actor=CLERK, now=NOW, seen=OPENED).day == OPENED


def test_staff_close_the_day_that_the_page_shows(client: Client) -> None:
    """Red if the page did not hand back the day it showed, or a form without one closed whichever is next."""
    lent()
    open_day(on=OPENED + timedelta(days=1), actor=SYSTEM, now=NOW)
    client.force_login(staff(Role.FINANCE))
    address = reverse("admin:lending_dayclose_start")
    assertContains(client.get(address), f'name="seen" value="{OPENED}"')
    assertContains(client.post(address), "Another day is next by now")
    assert not DayClose.objects.exists()
    client.post(address, {"seen": OPENED.isoformat()})
    assert DayClose.objects.get().day == OPENED


def test_the_page_that_opens_the_next_day_shows_what_falls_due(client: Client) -> None:
    """Red if the page left the dues out, or took a loan that owes nothing then for one that does."""
    loans = [lent(amount_minor=minor, terms=EVERY_FIVE_DAYS) for minor in (600_000, 900_000)]
    lent(amount_minor=600_000)
    client.force_login(staff(Role.FINANCE))
    address = reverse("admin:lending_dayclose_open")
    assertContains(client.get(address), "Nothing is due on the day that is closed.")
    roll(DUE)
    rows = [loan.instalments.get(no=1) for loan in loans]
    total = money(sum(row.principal_minor + row.interest_minor for row in rows), "CNY")
    page = client.get(address)
    assertContains(page, f'CNY</th><td class="tl-number">2</td><td class="tl-number">{total}</td>')
    assertContains(page, f'name="seen" value="{DUE}"')


def test_staff_open_no_day_but_the_one_after_that_on_the_page(client: Client) -> None:
    """Red if the verb opened whichever is next, whatever the page had shown, or without having shown one."""
    lent()
    roll(OPENED + timedelta(days=1))
    client.force_login(staff(Role.FINANCE))
    address = reverse("admin:lending_dayclose_open")
    before = (get_business_date(), DayClose.objects.count())
    for stale in ({"seen": OPENED.isoformat()}, {"seen": "today"}, {}):
        page = client.post(address, stale | {"step": "confirm"})
        assertContains(page, OPENING_REFUSALS[OpeningRefusal.NOT_THE_DAY_SHOWN])
        assert (get_business_date(), DayClose.objects.count()) == before, stale
    client.post(address, {"seen": page.context["step"].seen, "step": "confirm"})
    assert get_business_date() == OPENED + timedelta(days=2)
