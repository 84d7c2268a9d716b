"""Every rule that is a constraint is tried round Python: broken once, by raw SQL, and reported under its name.

A copy of a good row with a few columns changed; as the owner of the tables, who signs nothing.
"""

import json
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from oauth2_provider.models import Application
from psycopg import errors
from psycopg.sql import Literal

from config.office.models import (
    AuditProgress,
    AuditSeal,
    BusinessDate,
    Heartbeat,
    JobRun,
    TaskReassignment,
)
from lending.models import (
    AccountDay,
    Bank,
    BankAnswer,
    BankFile,
    BankStatement,
    CalendarVersion,
    CaseContact,
    DayClose,
    Decision,
    DelinquencyFigures,
    DelinquencyPolicy,
    GrantedLimit,
    ImportedLoan,
    Loan,
    LoanEvent,
    LoanProvision,
    MonthClose,
    Offer,
    OfferRound,
    PaymentPromise,
    PeerCell,
    PortfolioFigures,
    ProofLine,
    ProvisionMonth,
    ProvisionPolicy,
    StatementLine,
    Transfer,
    WatchPolicy,
    WatchRun,
)
from lending.models.bank import sealed_file
from merchants.models import (
    Batch,
    BatchIssue,
    FeedDay,
    FeedUpload,
    FormerOwnership,
    KeptRequest,
    Merchant,
    Owner,
    Partner,
    PartnerClient,
    PayoutAccount,
    Transaction,
)
from scoring.domain.features.measures import REFERENCE_MEASURE_NAMES
from scoring.models import (
    BehaviourFact,
    CalibrationVersion,
    FlaggedSale,
    IntegrityFinding,
    LiveRun,
    MeasuredMerchant,
    ReferenceCell,
    ReferenceFeed,
    ReferenceMerchant,
    ReferenceRating,
    RunCheck,
    Score,
    ScorecardVersion,
    ScoreRun,
)
from tests.approvals import make_request
from tests.architecture.violations import IMPLIED, LETTER, LINE, PAYMENT, VIOLATIONS
from tests.config.office.made_lists import make_export, make_view
from tests.config.office.notes import colleague, make_document, make_note, make_task
from tests.conftest import NOW, owner_connection
from tests.events import make_event
from tests.forge import as_owner
from tests.lending.arrears import make_case
from tests.lending.handovers import make_handover
from tests.lending.letters import make_letter
from tests.lending.lines import make_line
from tests.lending.loans import application_of, lent
from tests.lending.watch import make_warning
from tests.merchants.contact_details import make_detail

OURS = ("office", "merchants", "scoring", "lending")
CATALOGUE = """
SELECT conname, conrelid::regclass::text FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype IN ('c', 'u', 'x') AND NOT relispartition AND split_part(relname, '_', 1) = ANY(%(ours)s)
UNION
SELECT indexrelid::regclass::text, indrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE indisunique AND NOT indisprimary AND NOT relispartition AND split_part(relname, '_', 1) = ANY(%(ours)s)
"""
KEYS = {"merchants_batch": "number", "lending_ledgeraccount": "code", "lending_loanorigin": "loan_id"}
COPY = "INSERT INTO {table} SELECT (jsonb_populate_record(good, {changes})).* FROM {table} good ORDER BY good.{key}"

pytestmark = pytest.mark.django_db


def catalogue() -> dict[str, str]:
    """Read the CHECK and UNIQUE constraints of our tables, partial unique indexes too: name to table."""
    with connection.cursor() as cursor:
        cursor.execute(CATALOGUE, {"ours": list(OURS)})
        return dict(cursor.fetchall())


def make_one_of_each() -> None:
    """Make one good row in every table."""
    BusinessDate.objects.create(pk=1, current=NOW.date())
    Heartbeat.objects.create(pk=1, at=NOW)
    make_request(verb="lending_loan_refund", subject="s", digest="a" * 64, requested_by="staff:1", requested_at=NOW)
    make_export()
    make_view()
    JobRun.objects.create(name="merchants.fill_batch", subject_id=1, started_by="system:0", sent_at=NOW)
    AuditSeal.objects.create(after_event=0, last_event=1, events=1, digest="a" * 64, sealed_at=NOW)
    AuditProgress.objects.create(pk=1, upto=1, begun_before=1, bounded_at=NOW)
    make_event()
    partner = Partner.objects.create(code="bazaar", name="Bazaar", settlement="ESCROW")
    application = Application.objects.create(hash_client_secret=False)  # Argon2 takes half a second
    PartnerClient.objects.create(partner=partner, application=application)
    owner = Owner.objects.create(partner=partner, external_ref="o")
    merchant = Merchant.objects.create(partner=partner, external_id="kiln", name="Kiln", currency="EUR", owner=owner)
    FormerOwnership.objects.create(merchant=merchant, owner=owner, until=NOW)
    PayoutAccount.objects.enter(
        merchant=merchant,
        number="GB82WEST12345698765432",
        holder="Kiln",
        state="VERIFIED",
        entered_by="staff:1",
        entered_at=NOW,
        verified_by="staff:2",
        verified_at=NOW,
    )
    make_detail(merchant)
    batch = Batch.objects.create(
        number=1, partner=partner, state="SEALED", received=1, rejected=1, opened_at=NOW, sealed_at=NOW
    )
    BatchIssue.objects.create(batch=batch, line=1, kind="REJECTED", reason="BAD_TIME")
    Transaction.objects.create(
        merchant=merchant, batch=batch, external_id="1", kind="SALE", occurred_at=NOW, day=20_514, amount_minor=1_000
    )
    FeedUpload.objects.create(
        partner=partner, name="may.csv", key="k", size=1, sha256="a" * 64, uploaded_by="staff:1", uploaded_at=NOW
    )
    FeedDay.objects.create(partner=partner, day=20_514, kind="SALE", currency="EUR", rows=1, amount_minor=1, late=0)
    make_one_of_what_is_written(merchant)
    make_one_run(partner, merchant)
    make_one_loan(partner)


def make_one_of_what_is_written(merchant: Merchant) -> None:
    """Make a note that mentions somebody, a task that was given to another, and a document."""
    lena = colleague("lena")
    make_note(merchant, "@lena, look")
    task = make_task(merchant, user=lena)
    moved = {"before": "staff:1", "after": "staff:2", "reason": "x", "made_by": "staff:1", "made_at": NOW}
    TaskReassignment.objects.create(task=task, **moved)
    make_document(merchant)


def make_one_file(transfer: Transfer) -> None:
    """Make a bank, a file of it, an answer, and a statement with a line."""
    Bank.objects.create(name="bank", sha256="a" * 64, content="{}", created_by="system:0", created_at=NOW)
    file = BankFile.objects.create(bank="bank", is_ours=False, name="f", made_at=NOW, **sealed_file(b""))
    BankAnswer.objects.create(file=file, place=1, outcome="BOOKED", state="NEW")
    statement = {"file": file, "bank": "bank", "statement_id": "1", "currency": "EUR", "closed_on": NOW.date()}
    moved = {"opening_minor": 0, "closing_minor": 1, "booked_at": NOW, "booked_no": 1}
    opened = BankStatement.objects.create(**statement, **moved)
    dates = {"booked_on": NOW.date(), "value_on": NOW.date()}
    StatementLine.objects.create(statement=opened, place=1, amount_minor=1, transfer=transfer, **dates)


def make_one_loan(partner: Partner) -> None:
    """Make a loan of one instalment, and what lies beside it."""
    loan = lent(months=1)
    event = {"loan": loan, "on": NOW.date(), "partner": partner, "booked_at": NOW}
    LoanEvent.objects.create(id=PAYMENT, seq=2, type="repayment", amount_minor=1, external_ref="p1", **event)
    LoanEvent.objects.create(seq=3, type="reversal", of_id=PAYMENT, **event)
    collection = {"loan": loan, "kind": "COLLECTION", "key": uuid4(), "on": "2026-03-08", "amount_minor": 1}
    transfer = Transfer.objects.create(**collection, state="DUE", made_at=NOW)
    make_one_file(transfer)
    ImportedLoan.objects.create(loan=loan, number="1", disbursed_minor=1, content_sha256="a" * 64, booked_at=NOW)
    Offer.objects.filter(pk=application_of(loan).offer_id).update(made_on=NOW.date())
    offer = Offer.objects.get(pk=application_of(loan).offer_id)
    offer.pk, offer.state, offer.closed_at = None, "MADE", None
    offer.save()
    Decision.objects.create(
        application=application_of(loan), outcome="APPROVE", snapshot_sha256="a" * 64, actor="system:0", booked_at=NOW
    )
    KeptRequest.objects.create(partner=partner, key="k1", digest="a" * 64, result=1, kept_at=NOW)
    OfferRound.objects.create(run=ScoreRun.objects.earliest("pk"), on=NOW.date(), parts=1, started_at=NOW)
    GrantedLimit.objects.create(merchant=loan.merchant, limit_minor=1)
    make_line(loan, id=LINE)
    close = DayClose.objects.create(day=NOW.date(), parts=1, started_at=NOW)
    AccountDay.objects.create(day=close.day, account_id="PRINCIPAL", currency="CNY", debit_minor=0, credit_minor=0)
    ProofLine.objects.create(close=close, account="PRINCIPAL", currency="CNY", ledger_minor=0, loans_minor=0)
    make_one_provision(loan, close)
    make_one_case(loan)
    make_one_warning(loan)
    DelinquencyPolicy.objects.create(sha256="a" * 64, version=1, content="{}", created_at=NOW)
    DelinquencyFigures.objects.create(on=NOW.date(), basis="a" * 64, rows=[])
    PortfolioFigures.objects.create(on=NOW.date(), report="risk", dimension="all", rows=[])
    MonthClose.objects.create(month="2025-01-01", sha256="a" * 64, closed_by="staff:1", closed_at=NOW)


def make_one_case(loan: Loan) -> None:
    case, day = make_case(loan), NOW.date()
    told = {"channel": "CALL", "result": "REACHED", "on": day, "next_on": day, "actor": "staff:1", "booked_at": NOW}
    CaseContact.objects.create(case=case, **told)
    make_letter(case, key=LETTER)
    make_handover(case)
    made = {"made_on": day, "made_at": NOW, "made_by": "staff:1"}
    PaymentPromise.objects.create(case=case, state="OPEN", amount_minor=1, due_on=day, **made)


def make_one_warning(loan: Loan) -> None:
    warning = make_warning(loan.merchant)
    WatchRun.objects.update(state="WORKING", finished_at=None)
    PeerCell.objects.create(run=warning.run, part=0, currency="CNY", merchants=1, sales_recent=1, sales_usual=1)
    WatchPolicy.objects.create(sha256="a" * 64, version=1, content="{}", created_at=NOW)


def make_one_provision(loan: Loan, close: DayClose) -> None:
    policy = ProvisionPolicy.objects.create(sha256="a" * 64, version=1, content="{}", created_at=NOW)
    month = ProvisionMonth.objects.create(month="2026-03-01", close=close, policy=policy, last_line=0)
    row: dict[str, Any] = {"month": month, "product_id": loan.product_id, "currency": "CNY", "ead_minor": 10}
    row |= {"stage": 1, "cause": "SOUND", "category": "NORMAL"}
    LoanProvision.objects.create(**row, loan=loan)
    LoanProvision.objects.create(**row, line_id=LINE)


def make_one_run(partner: Partner, merchant: Merchant) -> None:
    card = ScorecardVersion.objects.create(sha256="a" * 64, name="card", content="{}", created_at=NOW)
    run = ScoreRun.objects.create(
        kind="FULL", as_of=NOW.date(), watermark_high=1, watermark_open=[], scorecard=card, started_at=NOW
    )
    CalibrationVersion.objects.create(sha256="b" * 64, scorecard=card, run=run, content="{}", created_at=NOW)
    RunCheck.objects.create(run=run, name="ROW_COUNT", value=0, passed=True)
    LiveRun.objects.create(pk=1, run=run, published_at=NOW)
    lists: dict[str, Any] = {
        name: [] for name in ("gates", "reasons", "floored", "absent", "characteristics", "points")
    }
    Score.objects.create(
        run=run, merchant=merchant, needed=0, score=600, pd_ppm=50_000, grade="C1", sales_basis_minor=0, **lists
    )
    numbers: dict[str, Any] = dict.fromkeys(REFERENCE_MEASURE_NAMES, 0)
    ReferenceMerchant.objects.create(run=run, merchant=merchant, partner=partner, shard=0, escrow=True, **numbers)
    MeasuredMerchant.objects.create(run=run, merchant=merchant, shard=0, version="1", measures=[1, None])
    ReferenceCell.objects.create(run=run, partner=partner, level="ALL", sellers=1, cuts=[])
    ReferenceRating.objects.create(run=run, partner=partner, level="ALL", rating_sum=0, ratings=0)
    ReferenceFeed.objects.create(run=run, partner=partner, carried=[])
    IntegrityFinding.objects.create(run=run, merchant=merchant, fired=1, measures=[1], flagged_share_bp=1)
    sale = {"external_id": "1", "order_key": "1", "day": 1, "amount_minor": 1, "marks": 1}
    FlaggedSale.objects.create(run=run, merchant=merchant, **sale)
    CalendarVersion.objects.create(sha256="a" * 64, first_year=2026, last_year=2026, created_at=NOW)
    told = dict.fromkeys(("dpd", "scheduled_minor", "repaid_minor", "loans_repaid"), 0)
    BehaviourFact.objects.create(merchant=merchant, business_date=NOW.date(), batch_id=1, **told)


def violation(name: str) -> str:
    """Write the statement that breaks a constraint."""
    table = catalogue()[name]
    key = KEYS.get(table, "id")
    return COPY.format(
        table=table, key=key, changes=Literal(json.dumps({key: 1_000_000, **VIOLATIONS[name]})).as_string()
    )


@pytest.mark.parametrize("name", sorted(VIOLATIONS.keys() - IMPLIED.keys()))
def test_a_constraint_holds_round_python(name: str) -> None:
    """Red without the constraint."""
    make_one_of_each()
    with pytest.raises(IntegrityError) as broken, transaction.atomic():
        as_owner(violation(name))
    assert isinstance(broken.value.__cause__, errors.IntegrityError)
    assert constraint_of(broken.value.__cause__) == name


@pytest.mark.parametrize("name", IMPLIED)
@pytest.mark.django_db(transaction=True)
def test_a_constraint_holds_without_the_one_that_implies_it(name: str) -> None:
    make_one_of_each()
    with owner_connection() as owner, owner.transaction(force_rollback=True):
        owner.execute(f"ALTER TABLE {catalogue()[name]} DROP CONSTRAINT {IMPLIED[name]}")
        with pytest.raises(errors.IntegrityError) as broken:
            owner.execute(violation(name).encode())
        assert broken.value.diag.constraint_name == name


def constraint_of(error: psycopg.Error) -> str | None:
    """Name the broken constraint; a partition's index goes by a name of its own."""
    name, table = error.diag.constraint_name, error.diag.table_name or ""
    if not table.startswith("merchants_transaction_p") or name in VIOLATIONS:
        return name
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = %s::regclass", [name])
        return str(cursor.fetchone()[0])


def test_every_constraint_is_tried() -> None:
    assert set(catalogue()) == set(VIOLATIONS)


def test_every_constraint_is_named_after_its_table_and_its_claim() -> None:
    assert {name: table for name, table in catalogue().items() if not name.startswith(f"{table}_")} == {}


def test_every_constraint_that_a_model_declares_is_in_the_database() -> None:
    """Red for a table made by SQL that forgot one."""
    models = [model for label in OURS for model in apps.get_app_config(label).get_models()]
    assert {constraint.name for model in models for constraint in model._meta.constraints} <= set(catalogue())


def test_a_good_row_passes() -> None:
    """Else a copy might be refused for something else."""
    make_one_of_each()
    empty = {model._meta.db_table for label in OURS for model in apps.get_app_config(label).get_models()}
    with connection.cursor() as cursor:
        for table in sorted(empty):
            cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")
            if cursor.fetchone() == (True,):
                empty.remove(table)
    assert empty == {"merchants_stagedrow"}
