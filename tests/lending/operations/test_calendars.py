"""Calendars from the command to the loan: what is named, offered, lent, told ahead and kept."""

from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.business_date import get_business_date, open_day
from config.office.models import OperationEvent
from lending.admin.calendar import CALENDAR_REFUSALS
from lending.admin.transfer_words import PAYOUT_HOLDS
from lending.domain.books.transfer import Moved, PayoutHold
from lending.domain.contract.quote import Quote
from lending.domain.contract.terms import parse_terms
from lending.domain.origination.calendars import CalendarRefusal
from lending.domain.origination.offer import read_choices
from lending.models import CalendarVersion, Decision, Loan, Offer, ProductVersion, Transfer
from lending.operations.calendars import CalendarNotEntered
from lending.operations.payouts import PayoutHeld, claim_payout, record_payout
from lending.operations.products import EntryRefusal, ProductNotEntered
from lending.queries.applications import replay_decision
from lending.queries.loans import contract_of
from lending.queries.offers import quote_offer
from tests.conftest import NOW
from tests.lending.api.calls import euros, post
from tests.lending.calendars import by_calendar, document, make_calendar
from tests.lending.market import accept, make_round, next_run, publish, sell, verify_accounts
from tests.lending.office import staff
from tests.partners import Api, token_for
from tests.scoring.market import AS_OF

pytestmark = pytest.mark.django_db(transaction=True)


def command(*arguments: object) -> str:
    out = StringIO()
    call_command("enter_calendar", *map(str, arguments), stdout=out)
    return out.getvalue()


def offered(rule: str = "FOLLOWING", **changes: object) -> Offer:
    """Offer by a calendar of these changes; return the offer with the largest limit."""
    publish()
    verify_accounts()
    make_calendar(**changes)
    sell(by_calendar(rule))
    make_round()
    return Offer.objects.order_by("-limit_minor", "pk")[0]


def test_a_library_or_a_file_is_listed_first_and_then_entered(tmp_path: Path) -> None:
    listed = command("--library", "china", "--years", "2026", "--preview")
    assert "2026-02: Mon 16, Tue 17, Wed 18, Thu 19, Fri 20, Mon 23" in listed
    assert "2026-02: Sat 14, Sat 28" in listed
    assert not CalendarVersion.objects.exists()
    command("--library", "china", "--years", "2025-2026")
    china = CalendarVersion.objects.get()
    assert (china.name, china.first_year, china.last_year) == ("china", 2025, 2026)
    assert china.source.startswith("chinesecalendar ")
    file = tmp_path / "town.json"
    file.write_text(document())
    command(file)
    file.write_text(document(holidays=["2026-05-01"], working=[]))
    changed = command(file, "--preview")
    assert "no more free    2026-05: Sat 02, Sun 03, Mon 04" in changed
    assert "no more worked  2026-05: Sat 09" in changed
    command(file)
    with pytest.raises(CommandError, match="so already"):
        command(file)
    assert CalendarVersion.objects.filter(name="town").count() == 2
    assert OperationEvent.objects.filter(name="lending.enter_calendar").count() == 3


@pytest.mark.parametrize("arguments", [
    (), ("--library", "china"), ("--years", "2026"), ("--library", "china", "--years", "2027"),
    ("--library", "china", "--years", "2026-2025"), ("--library", "brazil", "--years", "x"), ("none.json",),
    ("--library", "brazil", "--years", "99999"),
])  # fmt: skip
def test_what_cannot_be_entered_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        command(*arguments)
    assert not CalendarVersion.objects.exists()


def test_a_calendar_is_entered_before_the_product_that_names_it() -> None:
    with pytest.raises(ProductNotEntered) as refused:
        sell(by_calendar())
    assert refused.value.reason is EntryRefusal.CALENDAR_UNKNOWN
    make_calendar()
    sell(by_calendar())
    with pytest.raises(CalendarNotEntered):
        make_calendar()


def test_a_loan_falls_due_on_business_days_and_keeps_its_calendar() -> None:
    """Red if a calendar that is mended moved the due dates of loans that are out."""
    closed = [(AS_OF + timedelta(days=days)).isoformat() for days in range(1, 60)]
    free = [day for day in closed if date.fromisoformat(day).day in (8, 9, 10)]
    offer = offered(holidays=free, working=[])
    on = get_business_date()
    assert on is not None
    months = max(months for months in read_choices(offer.most_by_months) if months)
    quoted = quote_offer(offer, on=on, amount_minor=offer.minimum_minor, months=months)
    assert isinstance(quoted, Quote)
    application = accept(offer, amount_minor=offer.minimum_minor)
    loan = Loan.objects.get(application=application)
    transfer = Transfer.objects.get(loan=loan)
    claim_payout(transfer_id=transfer.pk, now=NOW)
    record_payout(transfer_id=transfer.pk, answer=Moved(loan.amount_minor), now=NOW)
    drawn = list(loan.instalments.order_by("no").values_list("due", flat=True))
    assert drawn == [row.due for row in quoted.schedule]
    assert all(day.isoformat() not in free and day.isoweekday() < 6 for day in drawn)
    kept = parse_terms(loan.terms).calendar
    assert kept is not None
    assert kept.holidays == tuple(map(date.fromisoformat, free))
    make_calendar(holidays=[], working=[])
    decision = Decision.objects.get(application=application)
    replayed = replay_decision(decision)
    assert replayed.verdict.outcome == decision.outcome
    assert replayed.equal
    assert [row.due for row in contract_of(loan).replayed().schedule] == drawn


def test_terms_that_the_calendar_does_not_know_are_not_offered_and_not_quoted(client: Client) -> None:
    """Over the office, over REST and in the decision; the offer was made while the year was known."""
    year = AS_OF.year
    offer = offered(last_year=year + 1)
    most = dict(offer.most_by_months)
    make_calendar(last_year=year, holidays=[], working=[])
    on = get_business_date()
    assert on is not None
    longest = max(map(int, most))
    amount = offer.minimum_minor
    assert quote_offer(offer, on=on, amount_minor=amount, months=longest) is CalendarRefusal.TERM_BEYOND_CALENDAR
    assert isinstance(quote_offer(offer, on=on, amount_minor=amount, months=min(map(int, most))), Quote)
    asked = {"amount": euros(f"{amount / 100:.2f}"), "months": longest}
    api = Api(token_for(offer.merchant.partner))
    status, problem = post(api, f"offers/offer_{offer.pk}/quote", asked, key=None)
    assert (status, problem["code"]) == (422, "term_beyond_calendar")
    client.force_login(staff(Role.UNDERWRITER))
    page = client.post(
        reverse("admin:lending_offer_apply", args=[offer.pk]), {"amount": f"{amount / 100:.2f}", "months": longest}
    )
    assertContains(page, escape(CALENDAR_REFUSALS[CalendarRefusal.TERM_BEYOND_CALENDAR]))
    application = accept(offer, amount_minor=amount)
    assert Decision.objects.get(application=application).ground == "TERM_BEYOND_CALENDAR"
    assert not Loan.objects.exists()
    next_run()
    make_round()
    later = Offer.objects.open().filter(merchant__currency=offer.currency)
    assert later.exists()
    assert all(max(map(int, one.most_by_months)) < longest for one in later)


def test_a_product_that_will_lack_years_is_told_a_quarter_ahead(client: Client) -> None:
    publish()
    version = make_calendar(last_year=AS_OF.year + 3)
    sell(by_calendar())
    client.force_login(staff(Role.RISK_MANAGER))
    told = "on its longest loans are refused"
    assertNotContains(client.get(reverse("admin:index")), told)
    make_calendar(last_year=AS_OF.year, holidays=[], working=[])
    page = client.get(reverse("admin:index"))
    assertContains(page, told)
    assertContains(page, f"From {get_business_date()} on")
    for address in (
        reverse("admin:lending_calendarversion_changelist"),
        reverse("admin:lending_calendarversion_change", args=[version.pk]),
        reverse("admin:lending_productversion_change", args=[ProductVersion.objects.latest("pk").pk]),
    ):
        assertContains(client.get(address), "town")
    page = client.get(reverse("admin:lending_calendarversion_change", args=[version.pk]))
    assertContains(page, "Fri 1, Sat 2, Sun 3, Mon 4")
    assertContains(page, "Replaced by a later version")


def test_money_does_not_leave_for_a_loan_whose_due_dates_are_not_known_any_more(client: Client) -> None:
    offer = offered(last_year=AS_OF.year + 1, holidays=[], working=[])
    loan = Loan.objects.get(application=accept(offer, amount_minor=offer.minimum_minor))
    transfer = Transfer.objects.get(loan=loan)
    open_day(on=date(AS_OF.year + 1, 12, 1), actor=SYSTEM, now=NOW)
    with pytest.raises(PayoutHeld) as held:
        claim_payout(transfer_id=transfer.pk, now=NOW)
    assert held.value.reason is PayoutHold.CALENDAR_ENDS
    client.force_login(staff(Role.FINANCE))
    page = client.get(reverse("admin:lending_loan_change", args=[loan.pk]))
    assertContains(page, escape(PAYOUT_HOLDS[PayoutHold.CALENDAR_ENDS]))
