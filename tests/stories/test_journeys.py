"""What people of five roles do in a browser, from signing in to what stands in the books afterwards.

python -m pytest tests/stories/test_journeys.py --pictures=DIR    # with a picture of the last page of each person
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

import pytest
from django.db import connections
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from config.declarations import Role
from config.office.actors import Actor, ActorKind
from config.office.models import ApprovalRequest, OperationEvent
from config.office.verbs import ASKED
from lending.models import ArrearsCase, Loan, PaymentPromise, StatementLine
from lending.operations.loans import book_repayment
from merchants.domain.payout_account import PayoutAccountState
from merchants.models import PayoutAccount
from merchants.operations.payout_accounts import enter_payout_account
from tests.browser import FLAGS
from tests.conftest import CLERK, EVIDENCE, NOW, make_user
from tests.lending.bank_files import take_statement
from tests.lending.letters import late_borrower
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, proven, roll
from tests.markets import make_merchants, make_partner

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]
PATIENCE = 15_000
"""Milliseconds that the browser waits for what should be there: the machine may be busy."""
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


class Office:
    """The office as people see it: each signs in with a browser of their own.

    complaints: what a browser said of a page, like a script that was refused or a file that is missing.
    """

    def __init__(self, browser: Browser, address: str, pictures: Path | None) -> None:
        self._browser, self._address, self._pictures = browser, address, pictures
        self.complaints = list[str]()

    @contextmanager
    def signed_in(self, role: Role, *, viewport: ViewportSize = DESK) -> Iterator[Page]:
        """Sign somebody of a role in by the form, and see to it that the browser complains of nothing."""
        user, password = make_user(role.name.lower(), role), token_urlsafe()
        user.set_password(password)
        user.save()
        context = self._browser.new_context(viewport=viewport)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(f"{said.location['url']}: {said.text}"))
        page.goto(f"{self._address}/admin/")
        page.get_by_label("Username").fill(user.username)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        try:
            yield page
        finally:
            self._picture(page, user.username)
            context.close()
        assert not self.complaints

    def _picture(self, page: Page, name: str) -> None:
        if self._pictures is not None:
            page.screenshot(path=self._pictures / f"{name}.png", full_page=True)


@pytest.fixture
def office(
    live_server: LiveServer, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # Playwright's loop runs in this thread, and waits meanwhile
    pictures = request.config.getoption("--pictures")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield Office(browser, live_server.url, None if pictures is None else Path(pictures))
        browser.close()
        connections.close_all()  # Django keeps others for what runs in a loop than for what does not


def open_list(page: Page, name: str) -> None:
    """Open a list from the sidebar."""
    page.locator("#nav-sidebar-apps").get_by_role("link", name=name, exact=True).click()


def open_first(page: Page) -> None:
    """Open the first row of a list."""
    page.locator("table.tl-list-table tbody tr").first.get_by_role("link").first.click()


def press(page: Page, name: str) -> None:
    page.locator("form.tl-form").get_by_role("button", name=name).click()


def approve(page: Page) -> None:
    """Approve the one thing that waits, from the overview."""
    page.get_by_role("link", name="1 request waits for approval").click()
    open_first(page)
    page.get_by_role("link", name="Approve").click()
    if page.get_by_label("I have checked this").count():
        page.get_by_label("I have checked this").check()
    press(page, "Approve")
    expect(page.get_by_role("main")).to_contain_text("It is approved and done.")


def test_finance_explains_money_that_nobody_knows(office: Office) -> None:
    take_statement()
    with office.signed_in(Role.FINANCE) as page:
        open_list(page, "Statement lines")
        page.locator("[name=state]").select_option("suspense")
        page.get_by_role("button", name="Show").click()
        open_first(page)
        page.get_by_role("link", name="Say what it is").click()
        page.locator("[name=resolution]").select_option("CHARGE")
        page.locator("[name=reason]").fill("the monthly fee")
        page.locator("form.tl-form button.tl-primary").click()
        expect(page.locator("form.tl-form")).to_contain_text("Confirm")
        expect(page.locator(".tl-card")).to_contain_text("Bank charges")
        press(page, "Confirm")
        expect(page.locator("body")).to_contain_text("The line is resolved.")
    line = StatementLine.objects.get(resolution="CHARGE")
    assert line.contra_id == "BANK_CHARGES"
    assert not StatementLine.objects.in_suspense().exists()
    assert proven()


def test_an_underwriter_verifies_an_account_and_finance_approves_it(office: Office) -> None:
    partner = make_partner("kilns")
    make_merchants(partner, "Blue Kiln Ceramics")
    enter_payout_account(
        partner_id=partner.pk,
        external_id="Blue Kiln Ceramics",
        number="DE89370400440532013000",
        holder="Blue Kiln Ceramics",
        actor=Actor(ActorKind.PARTNER, partner.pk),
        now=NOW,
    )
    with office.signed_in(Role.UNDERWRITER) as page:
        open_list(page, "Payout accounts")
        open_first(page)
        page.get_by_role("link", name="Show full number").click()
        press(page, "Show full number")
        expect(page.get_by_role("main")).to_contain_text("DE89 3704 0044 0532 0130 00")
        page.go_back()
        page.go_back()
        page.get_by_role("link", name="Verify", exact=True).click()
        page.locator("[name=evidence]").fill(EVIDENCE)
        page.locator("form.tl-form button.tl-primary").click()
        press(page, "Ask for approval")
        expect(page.get_by_role("main")).to_contain_text(str(ASKED))
    assert PayoutAccount.objects.get().state == PayoutAccountState.PENDING
    with office.signed_in(Role.FINANCE) as page:
        approve(page)
    account = PayoutAccount.objects.get()
    assert account.state == PayoutAccountState.VERIFIED
    assert account.verified_by != account.approved_by
    assert OperationEvent.objects.filter(name="merchants.reveal_payout_account").exists()


def test_risk_settles_for_less_and_a_controller_approves_it(office: Office) -> None:
    loan = lent(amount_minor=100_000)
    with office.signed_in(Role.RISK_MANAGER) as page:
        open_list(page, "Loans")
        open_first(page)
        page.get_by_role("link", name="Settle for less").click()
        page.locator("[name=amount]").fill("900.00")
        page.locator("[name=on]").fill(OPENED.isoformat())
        page.locator("[name=reason]").fill("the shop burnt down")
        page.locator("form.tl-form button.tl-primary").click()
        expect(page.locator("[role=alert]").first).to_be_visible()
        page.get_by_label("I have checked this").check()
        press(page, "Ask for approval")
        expect(page.get_by_role("main")).to_contain_text(str(ASKED))
    assert Loan.objects.get(pk=loan.pk).status == "ACTIVE", "nothing has happened yet"
    with office.signed_in(Role.CONTROLLER) as page:
        approve(page)
    settled = Loan.objects.get(pk=loan.pk)
    assert (settled.status, settled.waived_minor) == ("CLOSED", 10_000)
    assert ApprovalRequest.objects.get().state == "APPROVED"
    assert proven()


def test_a_collector_works_on_a_case_and_the_close_judges_the_promise(office: Office) -> None:
    loan = lent(amount_minor=100_000, terms=EVERY_FIVE_DAYS)
    roll(OPENED + timedelta(days=8))
    case = ArrearsCase.objects.get()
    with office.signed_in(Role.COLLECTOR) as page:
        page.get_by_role("link", name="1 arrears case is due").click()
        open_first(page)
        page.get_by_role("link", name="Take the case").click()
        press(page, "Take the case")
        page.get_by_role("link", name="Record a contact").click()
        page.locator("[name=result]").select_option("REACHED")
        page.locator("[name=words]").fill("Was at the fair, pays tomorrow.")
        press(page, "Record a contact")
        page.get_by_role("link", name="Record a promise").click()
        page.locator("[name=amount]").fill("50.00")
        page.locator("[name=due_on]").fill((case.opened_on + timedelta(days=1)).isoformat())
        press(page, "Record a promise")
        expect(page.get_by_role("main")).to_contain_text("The promise is recorded.")
        expect(page.get_by_role("main")).to_contain_text("Was at the fair, pays tomorrow.")
    by = case.opened_on + timedelta(days=1)
    book_repayment(
        loan_id=loan.pk, amount_minor=5_000, on=case.opened_on, external_ref="till 7", actor=CLERK, now=timezone.now()
    )
    roll(by)
    promise = PaymentPromise.objects.get()
    assert (promise.state, promise.paid_minor) == ("KEPT", 5_000)
    case.refresh_from_db()
    assert case.owner == promise.made_by
    assert proven()


def test_an_auditor_follows_an_event_and_changes_nothing_on_a_phone(office: Office) -> None:
    loan = lent(amount_minor=100_000)
    book_repayment(loan_id=loan.pk, amount_minor=5_000, on=OPENED, external_ref="till 7", actor=CLERK, now=NOW)
    before = OperationEvent.objects.count()
    with office.signed_in(Role.AUDITOR, viewport=PHONE) as page:
        page.goto(page.url.split("/admin/")[0] + reverse("admin:office_operationevent_changelist"))
        page.locator("[name=q]").fill(str(loan))
        page.keyboard.press("Enter")
        open_first(page)
        expect(page.locator("body")).to_contain_text("50.00")
        page.goto(page.url.split("/admin/")[0] + reverse("admin:lending_loan_change", args=[loan.pk]))
        expect(page.locator("body")).to_contain_text("Not for your role")
        answer = page.goto(page.url.split("/admin/")[0] + reverse("admin:lending_loan_repay", args=[loan.pk]))
        assert answer is not None
        assert answer.status == 403
        assert ["403" in said for said in office.complaints] == [True]
        office.complaints.clear()
        page.get_by_role("link", name="To the office").click()
    assert OperationEvent.objects.count() == before


def test_a_collector_reads_a_letter_agrees_on_relief_and_a_controller_approves_it(office: Office) -> None:
    loan, case = late_borrower()
    with office.signed_in(Role.COLLECTOR) as page:
        open_list(page, "Arrears")
        open_first(page)
        page.locator("main table").get_by_role("link", name=str(case.opened_on)).first.click()
        expect(page.get_by_role("main")).to_contain_text("Dear")
        page.go_back()
        page.get_by_role("main").get_by_role("link", name="Re-age", exact=True).click()
        page.locator("[name=periods]").fill("4")
        page.locator("[name=on]").fill(case.opened_on.isoformat())
        page.locator("[name=reason]").fill("the shop was flooded")
        page.locator("form.tl-form button.tl-primary").click()
        if page.get_by_label("I have checked this").count():
            page.get_by_label("I have checked this").check()
        press(page, "Ask for approval")
        expect(page.get_by_role("main")).to_contain_text(str(ASKED))
    assert Loan.objects.get(pk=loan.pk).late_since is not None, "nothing has happened yet"
    with office.signed_in(Role.CONTROLLER) as page:
        approve(page)
    roll(case.opened_on + timedelta(days=1))
    assert Loan.objects.get(pk=loan.pk).late_since is None
    assert ArrearsCase.objects.get().state == "CLOSED"
    assert proven()
