"""The first page of each role: what waits for whom, that each number is its list, and the figures of each job."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.asserts import assertContains

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.models import JobRun
from config.office.models.job_run import JobState
from config.office.verbs import Asked
from lending.admin import desks
from lending.admin.queues import _applications
from lending.domain.books.ledger import Account
from lending.models import Application, ArrearsCase, DayClose, Letter, Loan, PortfolioFigures, Transfer
from lending.queries import trends
from merchants.models import Batch, PayoutAccount
from tests.approvals import SECOND, make_request
from tests.bank_messages import notification
from tests.config.office.notes import make_note, make_task
from tests.conftest import NOW, make_user
from tests.forge import forge
from tests.lending.bank_files import MONDAY, booked, filed, take, take_statement
from tests.lending.letters import late_borrower
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, application_of, lent, make_loan, roll
from tests.lending.office import publish_market, staff
from tests.lending.watch import make_warning
from tests.mock_bank import enter

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = re.compile(r'<a href="([^"]+)" data-figure="([^"]*)">([\d,]+)</a>')
COUNT = re.compile(r'class="tl-pages-count">\s*([\d,]+) ')


def signed_in(role: Role) -> Client:
    client = Client()
    client.force_login(User.objects.filter(username=role.name.lower()).first() or staff(role))
    return client


def home(role: Role) -> str:
    return signed_in(role).get(reverse("admin:index")).content.decode()


def waits(role: Role) -> dict[str, tuple[str, int]]:
    """Return what waits for somebody of a role: by its tag, the address of the list, and the number."""
    found = NUMBER.findall(home(role))
    tags = [tag for _link, tag, _number in found]
    assert "" not in tags
    assert len(set(tags)) == len(tags), "each kind of work has a tag of its own"
    return {tag: (link.replace("&amp;", "&"), int(number.replace(",", ""))) for link, tag, number in found}


def numbers(role: Role) -> dict[str, int]:
    """Return how much waits for somebody of a role, by its tag; without the key figures."""
    return {tag: number for tag, (_link, number) in waits(role).items() if tag not in {"open-cases", "applied"}}


def refer(loan: Loan, amount_minor: int, *, by: str = "partner:1") -> Application:
    """Let the application of a loan wait for a person."""
    application = application_of(loan)
    forge(application, state="REFERRED", decided_at=None, amount_minor=amount_minor, entered_by=by)
    return application


def let_all_wait() -> None:
    """Let something wait in most queues."""
    _loan, case = late_borrower()
    forge(Letter.objects.earliest("pk"), state="REFUSED")
    make_warning(case.merchant, effects=["REVIEW"])
    refer(make_loan(), 100_000)
    forge(Transfer.objects.earliest("pk"), state="UNKNOWN", moved_minor=0, settled_at=None)
    forge(PayoutAccount.objects.latest("pk"), state="PENDING", verified_by=None, verified_at=None)
    JobRun.objects.create(
        name="scoring.score_shard", subject_id=1, state=JobState.PARKED, attempts=3, token=3, error="boom",
        started_by="system:0", sent_at=NOW, claimed_at=NOW,
    )  # fmt: skip
    Batch.objects.create(
        number=99, partner=case.merchant.partner, source="t", state="OPEN", opened_by="system:0", opened_at=NOW
    )
    ask(str(SECOND), Loan.objects.earliest("pk"))


def ask(by: str, loan: Loan) -> None:
    """Let somebody ask for the refund of a loan."""
    about = {"subject": f"lending.loan:{loan.pk}", "digest": f"{loan.pk:064x}"}
    make_request(verb="lending_loan_refund", requested_by=by, requested_at=timezone.now(), **about)


def let_banks_be_late() -> None:
    """Let an order have no answer for long, another be on no statement; and one of each be of today."""
    bank = enter()
    silent, moved = filed(bank, 90_000, 80_000)
    take(bank, notification(booked(moved.key, 80_000)))
    assert silent.on < MONDAY + timedelta(days=2)
    open_day(on=MONDAY + timedelta(days=20), actor=SYSTEM, now=NOW)
    _silent_today, moved_today = filed(bank, 70_000, 60_000)
    take(bank, notification(booked(moved_today.key, 60_000)))


def let_letters_be_late() -> None:
    """Let a letter wait for two days."""
    late_borrower()
    forge(Letter.objects.earliest("pk"), state="DUE", written_at=timezone.now() - timedelta(days=2))


def test_late_orders_are_told_apart_from_those_of_today() -> None:
    let_banks_be_late()
    found = numbers(Role.FINANCE)
    assert (found["unanswered-mock-bank"], found["uncleared-mock-bank"]) == (1, 1)


def test_letters_are_late_after_a_day() -> None:
    let_letters_be_late()
    assert numbers(Role.COLLECTOR)["late-letters"] == 1
    forge(Letter.objects.earliest("pk"), written_at=timezone.now() - timedelta(hours=1))
    assert "late-letters" not in numbers(Role.COLLECTOR)


def test_each_role_is_told_what_it_can_do_and_nothing_else() -> None:
    """Red if a queue were read for those who cannot work on it, or missed one of those who can."""
    let_all_wait()
    told = {role: set(numbers(role)) for role in Role}
    assert told == {
        Role.VIEWER: set(),
        Role.CREDIT_ANALYST: {"warnings"},
        Role.UNDERWRITER: {"referred", "accounts", "warnings"},
        Role.COLLECTOR: {"free-cases", "letters"},
        Role.FINANCE: {"unknown", "opening"},
        Role.RISK_MANAGER: {"referred", "free-cases", "letters", "warnings", "parked", "setup"},
        Role.CONTROLLER: {"approvals"},
        Role.AUDITOR: set(),
        Role.ADMINISTRATOR: {"parked", "batches"},
    }
    assert "You have nothing to do." in home(Role.VIEWER)


@pytest.mark.parametrize("situation", [let_all_wait, take_statement, let_banks_be_late, let_letters_be_late])
def test_each_number_equals_the_list_it_leads_to(situation: Callable[[], None]) -> None:
    """Red if a queue counted other rows than the list behind it shows."""
    situation()
    seen = 0
    for role in Role:
        found, client = waits(role), signed_in(role)
        for tag, (link, number) in found.items():
            listed = COUNT.search(client.get(link).content.decode())
            if listed is not None:  # a page of one thing has no count
                seen += 1
                assert int(listed[1].replace(",", "")) == number, (role, tag, link)
    assert seen


def test_what_is_urgent_comes_first_then_the_oldest() -> None:
    let_all_wait()
    page = home(Role.RISK_MANAGER)
    tags = [tag for _link, tag, _number in NUMBER.findall(page)]
    assert set(tags[:2]) == {"parked", "letters"}
    assert page.index("Waiting for you") < page.index("Key figures")


def test_tasks_and_mentions_wait_for_whom_they_are_meant() -> None:
    loan, lena = lent(), staff(Role.UNDERWRITER)
    make_task(loan, user=lena, due_on=OPENED)
    make_task(loan, user=staff(Role.FINANCE), due_on=OPENED)
    make_note(loan, f"@{lena.username}, look")
    assert numbers(Role.UNDERWRITER) == {"tasks": 1, "mentions": 1}
    assert "overdue" not in home(Role.UNDERWRITER)
    open_day(on=OPENED + timedelta(days=3), actor=SYSTEM, now=NOW)
    assert "1 of them is overdue." in home(Role.UNDERWRITER)
    assert "3 days" in home(Role.UNDERWRITER)


def test_an_application_waits_for_whoever_may_decide_it() -> None:
    """Red if the band were not read, or somebody were asked to decide what they entered."""
    underwriter, manager = staff(Role.UNDERWRITER), staff(Role.RISK_MANAGER)
    refer(make_loan(), 100_000)
    refer(make_loan(), 10**12)
    refer(make_loan(), 100_000, by=f"staff:{underwriter.pk}")

    def number(user: User) -> int:
        return sum(one.number for one in _applications(Asked(user=user, now=NOW), OPENED))

    assert (number(underwriter), number(manager)) == (1, 3)
    verified = PayoutAccount.objects.earliest("pk")
    forge(verified, entered_by="staff:9", verified_by=f"staff:{underwriter.pk}")
    assert number(underwriter) == 0, "three persons stand behind a loan"
    forge(verified, verified_by="staff:8")
    client = Client()
    client.force_login(manager)
    address = reverse("admin:lending_application_changelist")
    listed = client.get(address, {"waits_for": f"staff:{underwriter.pk}"}).context["listing"]
    assert listed.count == "1"
    assertContains(client.get(address, {"waits_for": "staff:0"}, follow=True), "does not know")


def test_nobody_is_asked_to_approve_what_they_asked_for_or_may_not() -> None:
    ask(f"staff:{staff(Role.CONTROLLER).pk}", make_loan())
    for role in (Role.CREDIT_ANALYST, Role.FINANCE, Role.CONTROLLER):
        assert "approvals" not in waits(role)


def test_days_and_months_to_close_wait_for_finance() -> None:
    lent()
    assert "opening" in waits(Role.FINANCE), "the clock is set by hand"
    roll(OPENED + timedelta(days=2))
    forge(DayClose.objects.latest("day"), state="BROKEN")
    assert waits(Role.FINANCE)["broken"][1] == 1
    assert "broken" in waits(Role.AUDITOR)
    assert "broken" not in waits(Role.UNDERWRITER)


def test_each_role_has_three_figures() -> None:
    assert {role: len(figures) for role, figures in desks.FIGURES.items()} == dict.fromkeys(Role, 3)
    for role in Role:
        page = home(role)
        assert (page.count("<dt>"), page.count("svg class")) == (3, 0), "an office without a day"
    publish_market()
    lent()
    lent(terms=EVERY_FIVE_DAYS)
    roll(OPENED + timedelta(days=12))
    for role in Role:
        page = home(role)
        assert page.count("<dt>") == 3, role


def test_two_roles_share_a_desk() -> None:
    publish_market()
    user = make_user("both", Role.VIEWER, Role.CREDIT_ANALYST)
    client = Client()
    client.force_login(user)
    page = client.get(reverse("admin:index")).content.decode()
    assert page.count("Median score</dt>") == 1


def test_the_trends_are_what_the_rows_give() -> None:
    """Red if a week or a day began elsewhere; each is counted again here, row by row."""
    lent()
    lent(terms=EVERY_FIVE_DAYS)
    roll(OPENED + timedelta(days=6))
    lent(amount_minor=77_700)
    on = OPENED + timedelta(days=20)
    roll(on)
    refer(Loan.objects.latest("pk"), 5)

    def week_of(day: date) -> int:
        return trends.WEEKS - 1 - (on - day).days // 7

    applied, paid = [[0, 0, 0] for _ in range(trends.WEEKS)], [0] * trends.WEEKS
    for application in Application.objects.filter(applied_on__lte=on):
        counts = applied[week_of(application.applied_on)]
        counts[0] += int(application.state == "APPROVED")
        counts[1] += int(application.state != "REFERRED")
        counts[2] += 1
    for loan in Loan.objects.exclude(disbursed_on=None):
        assert loan.disbursed_on is not None
        paid[week_of(loan.disbursed_on)] += loan.amount_minor
    known = [week_of(OPENED) <= week for week in range(trends.WEEKS)]
    assert [week and list(week) for week in trends.applied_by_week(on)] == [
        counts if is_known else None for counts, is_known in zip(applied, known, strict=True)
    ]
    expected = [minor if is_known else None for minor, is_known in zip(paid, known, strict=True)]
    assert trends.disbursed_by_week(on, "CNY") == expected
    lent(currency="BRL")
    assert trends.disbursed_by_week(on, "CNY") == expected, "currencies are never added up"
    days = [on - timedelta(days=back) for back in reversed(range(trends.DAYS))]
    cases = list(ArrearsCase.objects.all())
    assert cases
    assert trends.open_cases_by_day(on) == [
        sum(case.opened_on <= day and (case.closed_on is None or case.closed_on > day) for case in cases)
        if day >= OPENED
        else None
        for day in days
    ]
    last = on - timedelta(days=1)
    kept = PortfolioFigures.objects.get(on=last, report="risk", dimension="all").rows
    risk = trends.risk_by_day(last, "CNY")
    assert risk[-1] is not None
    assert (risk[-1].outstanding_minor, risk[-1].late_minor[1]) == (kept[0][3], kept[0][8])
    assert risk[0] is None, "before the first loan nothing is kept"
    balances = trends.balances_by_day(Account.PRINCIPAL, last, "CNY")
    assert balances[-1] == risk[-1].outstanding_minor
    assert balances[0] is None, "nor were there books"
    assert all(len(points) == trends.DAYS for points in (risk, balances, trends.net_loss_by_day(last, "CNY")))


def test_promises_count_in_the_week_they_were_due() -> None:
    _loan, case = late_borrower()
    for days, state in ((0, "KEPT"), (6, "BROKEN"), (7, "PARTLY"), (1, "WITHDRAWN"), (60, "KEPT")):
        due = OPENED + timedelta(days=100 - days)
        case.promises.create(
            state=state, amount_minor=5, due_on=due, made_on=OPENED, made_at=NOW, made_by="staff:1",
            reason="wrong" if state == "WITHDRAWN" else "",
        )  # fmt: skip
    weeks = trends.promises_by_week(OPENED + timedelta(days=100))
    assert weeks == [(0, 0)] * 6 + [(0, 1), (1, 2)]


def test_a_desk_asks_few_questions(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    publish_market()
    lent()
    for role in Role:
        client = signed_in(role)
        client.get(reverse("admin:index"))
        with django_assert_max_num_queries(40):
            client.get(reverse("admin:index"))
