"""What people of the roles do in a browser, from their desks to what stands in the books afterwards.

python -m pytest tests/stories/test_journeys.py --pictures=DIR    # with a picture of the last page of each person
"""

import shutil
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from config.declarations import Role
from config.office.actors import Actor, ActorKind
from config.office.business_date import get_business_date
from config.office.models import ApprovalRequest, Document, OperationEvent
from config.office.staff import roles_of
from config.office.verbs import ASKED
from lending.domain.origination.application import ApplicationState
from lending.models import ArrearsCase, DayClose, EarlyWarning, Loan, Offer, PaymentPromise, StatementLine
from lending.operations.loans import book_repayment
from merchants.domain.payout_account import PayoutAccountState
from merchants.models import PayoutAccount
from merchants.operations.payout_accounts import enter_payout_account
from tests.config.office.notes import PDF
from tests.conftest import CLERK, EVIDENCE, NOW, make_user
from tests.lending.bank_files import take_statement
from tests.lending.letters import late_borrower
from tests.lending.loans import EVERY_FIVE_DAYS, OPENED, lent, proven, roll
from tests.lending.market import accept, make_round, publish, sell, verify_accounts
from tests.lending.operations.test_applications import referring
from tests.lending.watch import make_warning
from tests.markets import make_merchants, make_partner
from tests.stories.people import PHONE, Office, approve, begin_with, open_first, open_list, press

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]


def test_finance_explains_money_that_nobody_knows(office: Office) -> None:
    take_statement()
    with office.signed_in(Role.FINANCE) as page:
        begin_with(page, "Resolve: 1 statement line is in suspense")
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
        begin_with(page, "Verify: 1 payout account to verify")
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
        begin_with(page, "Work on them: 1 unassigned case is due")
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
        begin_with(page, "Work on them: 1 unassigned case is due")
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


def test_an_analyst_confirms_a_warning(office: Office) -> None:
    loan, _case = late_borrower()
    warning = make_warning(loan.merchant, effects=["REVIEW"])
    with office.signed_in(Role.CREDIT_ANALYST) as page:
        begin_with(page, "Review: 1 early warning to review")
        page.get_by_role("link", name="Confirm", exact=True).click()
        page.locator("[name=reason]").fill("the shop moved to another platform")
        press(page, "Confirm")
        expect(page.get_by_role("main")).to_contain_text("the shop moved to another platform")
        page.locator("#nav-sidebar-apps").get_by_role("link", name="My desk").click()
        expect(page.get_by_role("main")).to_contain_text("You have nothing to do.")
    assert EarlyWarning.objects.get(pk=warning.pk).state == "CONFIRMED"


def test_an_application_above_the_band_is_decided_by_risk(office: Office) -> None:
    publish(16)
    sell(referring)
    verify_accounts()
    make_round()
    partner = Actor(ActorKind.PARTNER, 1)
    application = accept(Offer.objects.earliest("pk"), actor=partner)
    assert application.state == ApplicationState.REFERRED
    with office.signed_in(Role.UNDERWRITER) as page:
        expect(page.get_by_role("main")).not_to_contain_text("to decide")  # it is above the band
    with office.signed_in(Role.RISK_MANAGER) as page:
        begin_with(page, "Decide: 1 application to decide")
        page.get_by_role("link", name="Approve", exact=True).click()
        page.locator("[name=reason]").fill("known for years")
        press(page, "Approve")
        expect(page.get_by_role("main")).to_contain_text("known for years")
    application.refresh_from_db()
    assert application.state == ApplicationState.APPROVED
    assert Loan.objects.get().application_id == application.pk


def test_finance_opens_the_next_day(office: Office) -> None:
    lent(amount_minor=100_000)
    with office.signed_in(Role.FINANCE) as page:
        page.get_by_role("link", name="Open the next day: 1 business day can be opened").click()
        press(page, "Open the next day")
        expect(page.get_by_role("main")).to_contain_text("Collect what is due")
    assert get_business_date() == OPENED + timedelta(days=1)
    assert DayClose.objects.get().day == OPENED


def test_an_administrator_asks_for_a_role_and_a_controller_approves_it(office: Office) -> None:
    newcomer = User.objects.create_user("mei", is_staff=True)
    newcomer.set_password("chosen by its owner")
    newcomer.save()
    with office.signed_in(Role.ADMINISTRATOR) as page:
        open_list(page, "Staff")
        page.get_by_role("link", name="mei").click()
        page.get_by_role("link", name="Give a role").click()
        page.locator("[name=role]").select_option("Collections officer")
        page.locator("form.tl-form button.tl-primary").click()
        press(page, "Ask for approval")
        expect(page.get_by_role("main")).to_contain_text(str(ASKED))
    assert roles_of(newcomer) == frozenset()
    with office.signed_in(Role.CONTROLLER) as page:
        approve(page)
    assert roles_of(User.objects.get(pk=newcomer.pk)) == {Role.COLLECTOR}


def test_an_analyst_tells_a_colleague_and_adds_a_document(office: Office) -> None:
    loan = lent(amount_minor=100_000)
    make_user("underwriter", Role.UNDERWRITER)
    with office.signed_in(Role.CREDIT_ANALYST) as page:
        open_list(page, "Loans")
        open_first(page)
        page.get_by_role("link", name="Write a note").click()
        page.locator("[name=text]").fill(
            "@underwriter the lease in the file ends in May.\n<b>Look</b> before you extend."
        )
        press(page, "Write a note")
        page.get_by_role("link", name="Add a document").click()
        page.locator("[name=file]").set_input_files({"name": "lease.pdf", "mimeType": "application/pdf", "buffer": PDF})
        press(page, "Add a document")
        expect(page.locator("#notes")).to_contain_text("lease.pdf")
    with office.signed_in(Role.UNDERWRITER) as page:
        begin_with(page, "Read: 1 note mentions you")
        expect(page.get_by_role("main")).to_contain_text("<b>Look</b> before you extend.")
        page.get_by_role("link", name="Seen").click()
        press(page, "Seen")
        page.get_by_role("main").get_by_role("link", name="Loan").first.click()
        with page.expect_download() as opened:
            page.get_by_role("link", name="lease.pdf").click()
        assert opened.value.path().read_bytes() == PDF
        page.locator("#nav-sidebar-apps").get_by_role("link", name="My desk").click()
        expect(page.get_by_role("main")).to_contain_text("You have nothing to do.")
    assert Document.objects.get().about == f"lending.loan:{loan.pk}"
    assert OperationEvent.objects.filter(name="office.open_document").exists()
