"""Take the pictures of docs/screens.md: every page of the demo's office, light, dark and on a phone.

    make demo ONCE=1 && make screenshots        # all; python -m tests.screens NAME... takes some

Needs Debian's chromium and fonts-noto-cjk, and the demo's database.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from shutil import which
from urllib.request import urlopen

import django
from playwright.sync_api import Browser, ConsoleMessage, sync_playwright
from playwright.sync_api import Page as BrowserPage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402 - after setup
from django.db.models import Count  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from config.declarations import Role  # noqa: E402
from config.office.actors import SYSTEM, actor_of  # noqa: E402
from config.office.exports import request_export, write_export  # noqa: E402
from config.office.heartbeat import record_heartbeat  # noqa: E402
from config.office.job_runs import run_job  # noqa: E402
from config.office.models import ApprovalRequest, JobRun, ListExport  # noqa: E402
from config.office.models.approval_request import RequestState  # noqa: E402
from config.office.saved_views import ViewNotSaved, save_view  # noqa: E402
from lending.domain.books.loan import LoanStatus  # noqa: E402
from lending.domain.origination.line import LineState  # noqa: E402
from lending.domain.origination.product import ProductKind  # noqa: E402
from lending.management.processes import free_port  # noqa: E402
from lending.models import (  # noqa: E402
    Application,
    ArrearsCase,
    Bank,
    BankFile,
    BankStatement,
    DayClose,
    EarlyWarning,
    Letter,
    Line,
    Loan,
    LoanProvision,
    MonthClose,
    Offer,
    StatementLine,
)
from lending.operations.month_close import close_month  # noqa: E402
from lending.queries.month_closes import next_month  # noqa: E402
from merchants.domain.contact_detail import Language  # noqa: E402
from merchants.models import Batch  # noqa: E402
from scoring.models import Score, ScoreRun  # noqa: E402
from scoring.queries.scores import get_live_run  # noqa: E402
from tests.browser import FLAGS  # noqa: E402

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SCREENS = IMAGES.parent / "screens.md"
LOOKS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "tablet": {"color_scheme": "light", "viewport": {"width": 820, "height": 1180}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
TALLEST = 1_900  # pixels: a list of everything shows no more than its beginning


@dataclass(frozen=True, slots=True)
class Page:
    """A page; `fields` are filled into its form and sent, so that the picture shows what comes next."""

    title: str
    path: str
    user: str = "risk"
    fields: Mapping[str, str] | None = None


def portfolio_pages() -> dict[str, Page]:
    """Name the reports on the portfolio."""
    named = "admin:lending_loanorigin"
    return {
        "portfolio": Page("Portfolio at risk, by grade", f"{reverse(f'{named}_changelist')}?by=grade", "risk"),
        "vintages": Page("Vintages", reverse(f"{named}_vintages"), "risk"),
        "rolls": Page("Roll rates", reverse(f"{named}_rolls"), "risk"),
        "yield": Page("Yield by product", f"{reverse(f'{named}_yield')}?by=product", "risk"),
        "loss": Page("Expected and actual loss by grade", f"{reverse(f'{named}_loss')}?by=grade", "risk"),
        "concentration": Page("Concentration", reverse(f"{named}_concentration"), "risk"),
        "funnel": Page("What became of offers", reverse(f"{named}_funnel"), "risk"),
        "portfolio-list": Page("The loans behind a figure", reverse(f"{named}_loans"), "risk"),
    }


def pages() -> dict[str, Page]:
    """Name the pages."""
    live = get_live_run()
    if live is None:
        sys.exit("No run is published: `make demo ONCE=1` first.")
    scored = Score.objects.filter(run=live, not_scored__isnull=True).order_by("-sales_basis_minor")
    good, unscored = scored[0], Score.objects.filter(run=live, not_scored__isnull=False).order_by("pk")[0]
    weak = scored.filter(grade="C2").first() or scored.reverse()[0]
    held = ScoreRun.objects.full().order_by("-pk")[0]
    late = Loan.objects.active().filter(late_since__isnull=False).order_by("-principal_minor", "pk")[0]
    repaid = Loan.objects.filter(status=LoanStatus.CLOSED).order_by("pk").first() or late
    offer = Offer.objects.open().filter(kind=ProductKind.TERM).order_by("-limit_minor")[0]
    line = Line.objects.filter(state=LineState.ACTIVE).annotate(drawn=Count("loans")).order_by("-drawn", "pk")[0]
    application = Application.objects.order_by("-amount_minor")[0]
    batch = Batch.objects.order_by("pk")[0]
    close = DayClose.objects.order_by("-day")[0]
    case = ArrearsCase.objects.open().order_by("-principal_minor")[0]
    warning = EarlyWarning.objects.standing().order_by("-share_bps")[0]
    english, chinese = (
        Letter.objects.filter(state="SENT", language=language).order_by("-from_days", "-pk")[0]
        for language in (Language.EN, Language.ZH)
    )

    provided = LoanProvision.objects.filter(loan__isnull=False, left=None).order_by("-stage", "-pk")[0]
    month = closed_month()

    def change(model: str, pk: int) -> str:
        return reverse(f"admin:{model}_change", args=[pk])

    def verb(name: str, loan: Loan) -> str:
        return reverse(f"admin:lending_loan_{name}", args=[loan.pk])

    booked = {"on": f"{close.day + timedelta(days=1)}", "reason": "paid at the counter"}
    signed = {
        "amount": "1,500.00",
        "external_ref": "contract-1",
        "signatory": "Whoever signs for the shop",
        "signed_at": f"{close.day}T10:00",
        "document_sha256": "ab" * 32,
        "address": "192.0.2.1",
    }
    drawn = {**signed, "amount": "100.00"}
    today = {"on": f"{close.day + timedelta(days=1)}", "reason": "hardship"}
    settled = today | {"amount": "100.00"}
    asked = ask(verb("settle", late), settled, events=late.events.count())
    return {
        "desk": Page("The desk of a risk manager", reverse("admin:index"), "risk"),
        "desk-collector": Page("The desk of a collector", reverse("admin:index"), "collector"),
        "desk-underwriter": Page("The desk of an underwriter", reverse("admin:index"), "underwriter"),
        "desk-finance": Page("The desk of finance", reverse("admin:index"), "finance"),
        "overview": Page("Overview", reverse("admin:overview")),
        "merchants": Page("Merchants", reverse("admin:merchants_merchant_changelist")),
        "merchant": Page("A merchant and its score", change("merchants_merchant", good.merchant_id)),
        "merchant-weak": Page("A merchant with a weak score", change("merchants_merchant", weak.merchant_id)),
        "merchant-unscored": Page("A merchant that is not scored", change("merchants_merchant", unscored.merchant_id)),
        "merchant-offer": Page("A merchant with an offer", change("merchants_merchant", offer.merchant_id)),
        "products": Page("Products", reverse("admin:lending_productversion_changelist")),
        "product": Page(
            "A product: prices, bounds, whom it is for", change("lending_productversion", offer.product_id)
        ),
        "offers": Page("Offers", reverse("admin:lending_offer_changelist")),
        "apply": Page(
            "Applying: what it costs", reverse("admin:lending_offer_apply", args=[offer.pk]), "underwriter", signed
        ),
        "applications": Page("Applications", reverse("admin:lending_application_changelist")),
        "application": Page("A decision, with its rules and caps", change("lending_application", application.pk)),
        "lines": Page("Credit lines", reverse("admin:lending_line_changelist")),
        "line": Page("A credit line and what was drawn on it", change("lending_line", line.pk)),
        "draw": Page("A draw: what it costs", reverse("admin:lending_line_draw", args=[line.pk]), "underwriter", drawn),
        "merchant-line": Page("A merchant with a credit line", change("merchants_merchant", line.merchant_id)),
        "loans": Page("Loans", reverse("admin:lending_loan_changelist")),
        "loan": Page("A loan that is late", change("lending_loan", late.pk)),
        "loan-repaid": Page("A loan that is repaid", change("lending_loan", repaid.pk)),
        "repayment": Page("A repayment: what it does", verb("repay", late), "finance", {"amount": "100.00"} | booked),
        "rate": Page("A change of the rate, before anything is entered", verb("rate", late)),
        "re-age": Page(
            "A loan re-aged: the schedule before and after", verb("re_age", late), "risk", today | {"periods": "3"}
        ),
        "write-off": Page("A write-off: what it posts", verb("write_off", late), "risk", today),
        "ask": Page("A settlement that a second person has to approve", verb("settle", late), "risk", settled),
        "approvals": Page("Approvals", reverse("admin:office_approvalrequest_changelist"), "controller"),
        "approval": Page("A request for approval", change("office_approvalrequest", asked), "controller"),
        "approve": Page(
            "Approving: what it does now", reverse("admin:office_approvalrequest_approve", args=[asked]), "controller"
        ),
        "transfers": Page("Payouts and collections", reverse("admin:lending_transfer_changelist")),
        "closes": Page("Day closes", reverse("admin:lending_dayclose_changelist")),
        "arrears": Page("Arrears", reverse("admin:lending_arrearscase_changelist"), "collector"),
        "arrears-case": Page("An arrears case", change("lending_arrearscase", case.pk), "collector"),
        "warnings": Page("Early warnings", reverse("admin:lending_earlywarning_changelist"), "analyst"),
        "warning": Page("An early warning and what it rests on", change("lending_earlywarning", warning.pk), "analyst"),
        **work_pages(case),
        "letters": Page("Letters to borrowers in arrears", reverse("admin:lending_letter_changelist"), "collector"),
        "letter": Page("A letter", change("lending_letter", english.pk), "collector"),
        "letter-chinese": Page("A letter in Chinese", change("lending_letter", chinese.pk), "collector"),
        "delinquency": Page("Delinquency", reverse("admin:lending_loanspell_changelist")),
        "delinquency-list": Page(
            "The loans of a bucket", f"{reverse('admin:lending_loanspell_loans')}?bucket=1", "risk"
        ),
        **portfolio_pages(),
        "trial-balance": Page("The trial balance", reverse("admin:lending_ledgeraccount_changelist")),
        "income": Page("The income statement", reverse("admin:lending_ledgeraccount_income")),
        "balance-sheet": Page("The balance sheet", reverse("admin:lending_ledgeraccount_sheet")),
        "journal": Page("The journal", reverse("admin:lending_posting_changelist")),
        **bank_pages(change),
        "provisions": Page("Provisions of a month", change("lending_provisionmonth", provided.month_id)),
        "provisions-list": Page("Provisions, loan by loan", reverse("admin:lending_loanprovision_changelist")),
        "provision": Page("How the provision of a loan adds up", change("lending_loanprovision", provided.pk)),
        "months": Page("Closed months", reverse("admin:lending_monthclose_changelist")),
        "month": Page("A closed month", change("lending_monthclose", month.pk)),
        "start-close": Page("Closing the next day", reverse("admin:lending_dayclose_start"), "finance"),
        "open-day": Page("Opening the next day", reverse("admin:lending_dayclose_open"), "finance"),
        "not-found": Page("A page that does not exist", "/admin/nothing/here/"),
        "close": Page("The close of a day and its proof", change("lending_dayclose", close.pk)),
        "runs": Page("Scoring runs", reverse("admin:scoring_scorerun_changelist")),
        "run": Page("A run and its checks", change("scoring_scorerun", held.pk)),
        "scorecard": Page("The scorecard", change("scoring_scorecardversion", live.scorecard_id)),
        "calibration": Page("A calibration", change("scoring_calibrationversion", live.calibration_id or 0)),
        "replay": Page(
            "A score, replayed", reverse("admin:merchants_merchant_replay", args=[good.merchant_id, good.pk])
        ),
        "transactions": Page(
            "Transactions of a merchant",
            reverse("admin:merchants_merchant_transactions", args=[good.merchant_id]),
        ),
        "partner": Page("A partner and its feed", change("merchants_partner", batch.partner_id)),
        "upload": Page("Uploading a file", reverse("admin:merchants_partner_upload", args=[batch.partner_id]), "admin"),
        "batch": Page("A batch", change("merchants_batch", batch.pk)),
        "batches": Page("Batches", reverse("admin:merchants_batch_changelist")),
        "jobs": Page("Jobs", reverse("admin:office_jobrun_changelist")),
        "staff": Page("Staff", reverse("admin:auth_user_changelist"), "admin"),
        "account": Page(
            "An account and its roles", change("auth_user", User.objects.get(username="finance").pk), "admin"
        ),
        "roles": Page("Roles", reverse("admin:auth_group_changelist"), "admin"),
        "role": Page("A role", change("auth_group", Group.objects.get(name=Role.FINANCE).pk), "admin"),
        "events": Page("Audit trail", reverse("admin:office_operationevent_changelist")),
    }


def bank_pages(change: Callable[[str, int], str]) -> dict[str, Page]:
    """Name the pages of banks."""
    sent = BankFile.objects.filter(is_ours=True).annotate(filed=Count("orders")).order_by("-filed")[0]
    taken = BankFile.objects.filter(kind__startswith="camt.054").order_by("-pk")[0]
    shown = BankStatement.objects.annotate(booked_lines=Count("lines")).order_by("-booked_lines")[0]
    line = StatementLine.objects.filter(transfer__isnull=False).order_by("-pk")[0]
    lines = reverse("admin:lending_statementline_changelist")
    return {
        "bank-files": Page("Bank files", reverse("admin:lending_bankfile_changelist"), "finance"),
        "bank-file": Page("A file of payouts", change("lending_bankfile", sent.pk), "finance"),
        "bank-file-taken": Page("A file of a bank", change("lending_bankfile", taken.pk), "finance"),
        "bank-answers": Page("Answers of banks", reverse("admin:lending_bankanswer_changelist"), "finance"),
        "bank-statements": Page("Bank statements", reverse("admin:lending_bankstatement_changelist"), "finance"),
        "bank-statement": Page("A statement", change("lending_bankstatement", shown.pk), "finance"),
        "statement-lines": Page("Statement lines", lines, "finance"),
        "statement-line": Page("A line of a statement", change("lending_statementline", line.pk), "finance"),
        "suspense": Page("Suspense", f"{lines}?state=suspense", "finance"),
        "banks": Page("Bank accounts", reverse("admin:lending_bank_changelist"), "finance"),
        "bank": Page("A bank account", change("lending_bank", Bank.objects.order_by("-pk")[0].pk), "finance"),
    }


def work_pages(case: ArrearsCase) -> dict[str, Page]:
    """Name the pages of what people write, keep and take away; there is a saved view, and an export is done."""
    risk = User.objects.get(username="risk")
    finance = actor_of(User.objects.get(username="finance"))
    listed, query, now = "lending.loan", "late=1&sort=late_since", timezone.now()
    shared = {"name": "Oldest arrears", "role": Role.COLLECTOR, "seen_by": Role}
    with suppress(ViewNotSaved):  # it is from the time before
        save_view(listed=listed, query=query, user=risk, now=now, **shared)  # type: ignore[arg-type]
    if not ListExport.objects.exists():
        request_export(listed=listed, query=query, rows=1, actor=finance, now=now)
        run_job(JobRun.objects.latest("pk").pk, write_export)
    loans = reverse("admin:lending_loan_changelist")
    note = reverse("admin:lending_arrearscase_write_note", args=[case.pk])
    return {
        "loans-view": Page("A saved view of loans", f"{loans}?{query}", "collector"),
        "saved-views": Page("Saved views", reverse("admin:office_savedview_changelist"), "risk"),
        "export": Page("Exporting a list", f"{reverse('admin:lending_loan_export')}?{query}", "finance"),
        "exports": Page("Exports", reverse("admin:office_listexport_changelist"), "finance"),
        "note": Page("Writing a note on a case", note, "collector"),
        "tasks": Page("Tasks", reverse("admin:office_task_changelist"), "collector"),
    }


def closed_month() -> MonthClose:
    """Return a closed month; if there is none, the first that can be is closed, as a command would."""
    month = next_month()
    if month is not None and not MonthClose.objects.exists():
        close_month(month=month, actor=SYSTEM, now=timezone.now())
    return MonthClose.objects.latest("month")


def ask(address: str, fields: Mapping[str, str], *, events: int) -> int:
    """Have a second person asked for something, unless somebody was; return the request."""
    if not ApprovalRequest.objects.filter(state=RequestState.OPEN).exists():
        client = Client()
        client.force_login(User.objects.get(username="risk"))
        sent = {**fields, "step": "confirm", "seen": str(events), "sure": "1"}
        client.post(address, sent, headers={"host": "127.0.0.1"})
    return ApprovalRequest.objects.filter(state=RequestState.OPEN).latest("pk").pk


@contextmanager
def served() -> Iterator[str]:
    """Serve the office on a free port."""
    address = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "-b", address, "--threads", "4"]
    server = subprocess.Popen([*command, "--log-level", "error"], env=os.environ | {"LOG_LEVEL": "ERROR"})
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urlopen(f"http://{address}/admin/login/", timeout=5)
                break
            except OSError:
                time.sleep(0.2)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(10)


def complain(message: ConsoleMessage) -> None:
    """Say what the browser complained about: a refused script, a missing file."""
    sys.stderr.write(f"{message.location['url']}: {message.text}\n")


def cookie_of(username: str) -> str:
    """Log somebody in."""
    client = Client()
    client.force_login(User.objects.get(username=username))
    return client.cookies["sessionid"].value


def fill(page: BrowserPage, field: str, text: str) -> None:
    """Fill a field, if the form asks for it at this step."""
    found = page.locator(f"form.tl-form [name={field}]:visible")
    if found.count():
        found.fill(text)


def take(browser: Browser, root: str, cookies: Mapping[str, str], found: Mapping[str, Page]) -> None:
    """Take every page in every look."""
    for look, options in LOOKS.items():
        context = browser.new_context(**options)  # type: ignore[arg-type]
        page = context.new_page()
        page.on("console", complain)
        for name, wanted in found.items():
            context.add_cookies([{"name": "sessionid", "value": cookies[wanted.user], "url": root}])
            page.goto(root + wanted.path)
            for field, text in (wanted.fields or {}).items():
                fill(page, field, text)
            if wanted.fields:
                page.click("form.tl-form button.tl-primary")
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(400)  # charts ease in
            height = min(TALLEST, int(page.evaluate("document.documentElement.scrollHeight")))
            width = options["viewport"]["width"]  # type: ignore[index]
            page.screenshot(
                path=IMAGES / f"{name}-{look}.png",
                full_page=True,
                clip={"x": 0, "y": 0, "width": width, "height": height},
            )
        context.close()


def main() -> None:
    """Take the pictures and write the page that shows them."""
    chromium = which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt-get install chromium")
    record_heartbeat(now=timezone.now())  # `make demo ONCE=1` has ended: no alert about its scheduler
    found = pages()
    chosen = {name: page for name, page in found.items() if name in (sys.argv[1:] or found)}
    cookies = {user: cookie_of(user) for user in {page.user for page in chosen.values()}}
    with served() as root, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        take(browser, root, cookies, chosen)
        browser.close()
    lines = [
        "# Every page",
        "",
        "Made by `make screenshots` from `make demo`: light, dark, on a tablet, on a phone.",
        "",
    ]
    for name, page in found.items():
        lines += [f"## {page.title}", "", *(f"![{page.title}, {look}](images/{name}-{look}.png)" for look in LOOKS), ""]
    SCREENS.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
