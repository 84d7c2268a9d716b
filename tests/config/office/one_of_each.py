"""One row of everything that has a page."""

from typing import Any

from django.contrib.auth.models import Group

from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.approvals import Act, request_approval
from config.office.models import (
    ApprovalRequest,
    AuditSeal,
    JobRun,
    OperationEvent,
)
from config.office.seals import seal_events
from lending.domain.books.ledger import Account
from lending.models import (
    Bank,
    BankAnswer,
    BankFile,
    BankStatement,
    DayClose,
    Decision,
    Loan,
    LoanSpell,
    Posting,
    StatementLine,
)
from lending.operations.loans import book_repayment
from merchants.models import Batch, FeedUpload, Merchant, Partner
from scoring.models import CalibrationVersion, Score, ScorecardVersion, ScoreRun
from tests.config.office.made_lists import DONE, make_export, make_view
from tests.config.office.notes import make_document, make_note, make_task
from tests.conftest import NOW, make_user
from tests.lending.arrears import make_case
from tests.lending.bank_files import take_statement
from tests.lending.calendars import make_calendar
from tests.lending.handovers import make_handover
from tests.lending.letters import make_letter
from tests.lending.lines import make_line
from tests.lending.loans import OPENED, application_of, lent
from tests.lending.office import publish_market
from tests.lending.provisions import make_month_close, make_provision
from tests.lending.watch import make_warning
from tests.merchants.admin.test_payout_account import make_account
from tests.merchants.contact_details import make_detail
from tests.workers import wait_until


def make_one_of_each() -> dict[str, Any]:
    """Make one row of everything that has a page, and return its key by the model's name in addresses."""
    publish_market()
    account = make_account()
    score = Score.objects.filter(not_scored__isnull=True).latest("pk")
    loan = lent()
    book_repayment(loan_id=loan.pk, amount_minor=1, on=OPENED, external_ref="p1", actor=SYSTEM, now=NOW)
    Decision.objects.create(
        application=application_of(loan),
        outcome="APPROVE",
        snapshot="{}",
        snapshot_sha256="a" * 64,
        actor="system:0",
        booked_at=NOW,
    )
    uploaded = {"name": "may.csv", "key": "k", "size": 1, "uploaded_by": "staff:1", "uploaded_at": NOW}
    FeedUpload.objects.create(partner=Partner.objects.latest("pk"), sha256="a" * 64, **uploaded)
    make_handover(case := make_case(loan))
    close = DayClose.objects.create(day=OPENED, parts=1, started_by="system:0", started_at=NOW)
    take_statement()
    return {
        "merchants_merchant": Merchant.objects.get(pk=score.merchant_id).pk,
        "merchants_partner": Partner.objects.latest("pk").pk,
        "merchants_batch": Batch.objects.latest("pk").pk,
        "merchants_feedupload": FeedUpload.objects.latest("pk").pk,
        "merchants_payoutaccount": account.pk,
        "merchants_contactdetail": make_detail(account.merchant).pk,
        "scoring_scorerun": ScoreRun.objects.latest("pk").pk,
        "scoring_scorecardversion": ScorecardVersion.objects.latest("pk").pk,
        "scoring_calibrationversion": CalibrationVersion.objects.latest("pk").pk,
        "lending_productversion": loan.product_id,
        "lending_calendarversion": make_calendar().pk,
        "lending_offer": application_of(loan).offer_id,
        "lending_application": loan.application_id,
        "lending_line": make_line(loan).pk,
        "lending_earlywarning": make_warning(loan.merchant).pk,
        "lending_arrearscase": case.pk,
        "lending_letter": (letter := make_letter(case)).pk,
        "lending_dunningpolicy": letter.policy_id,
        "lending_loan": loan.pk,
        "lending_transfer": loan.transfers.latest("pk").pk,
        "lending_dayclose": close.pk,
        "lending_posting": Posting.objects.latest("pk").pk,
        "lending_loanprovision": (provision := make_provision(loan, close)).pk,
        "lending_provisionmonth": provision.month_id,
        "lending_monthclose": make_month_close().pk,
        "lending_ledgeraccount": Account.PRINCIPAL,
        "lending_loanorigin": loan.pk,
        "lending_loanspell": LoanSpell.objects.earliest("pk").pk,
        "lending_bank": Bank.objects.get().pk,
        "lending_bankanswer": BankAnswer.objects.get().pk,
        "lending_bankfile": BankFile.objects.latest("pk").pk,
        "lending_bankstatement": BankStatement.objects.get().pk,
        "lending_statementline": StatementLine.objects.earliest("pk").pk,
        "office_approvalrequest": _request(loan).pk,
        "office_jobrun": JobRun.objects.latest("pk").pk,
        "office_note": make_note(loan).pk,
        "office_task": make_task(loan).pk,
        "office_document": make_document(loan).pk,
        "office_operationevent": OperationEvent.objects.latest("pk").pk,
        "office_auditseal": _seal().pk,
        "office_listexport": make_export(**DONE).pk,
        "office_savedview": make_view(shared_with=Role.VIEWER).pk,
        "auth_user": make_user("someone").pk,
        "auth_group": Group.objects.earliest("pk").pk,
    }


def _seal() -> AuditSeal:
    wait_until(lambda: seal_events() is not None)
    return AuditSeal.objects.latest("pk")


def _request(loan: Loan) -> ApprovalRequest:
    return request_approval(
        Act(operation="lending.book_by_hand", subject=loan),
        verb="lending_loan_refund",
        entered={"amount": "1.00", "on": OPENED.isoformat(), "reason": "agreed"},
        actor=SYSTEM,
        now=NOW,
    )
