"""Every rule that is a constraint is tried round Python: broken once, by raw SQL, and reported under its name.

A copy of a good row with a few columns changed; as the application's role, which may insert everywhere.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from oauth2_provider.models import Application
from psycopg import errors

from config.office.models import BusinessDate, Heartbeat, JobRun, OperationEvent
from lending.models import (
    CalendarVersion,
    DayClose,
    Decision,
    GrantedLimit,
    ImportedLoan,
    LoanEvent,
    Offer,
    OfferRound,
    ProofLine,
    Transfer,
)
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
from tests.conftest import NOW, owner_connection
from tests.lending.lines import make_line
from tests.lending.loans import application_of, lent

OTHER_KEY = "00000000-0000-0000-0000-000000000009"
PAYMENT = 900_001
LINE = 900_002
SPARE = 900_003
UNSETTLED = {"state": "DUE", "moved_minor": 0, "settled_at": None}
OURS = ("office", "merchants", "scoring", "lending")
# By constraint, what to change in a copy of a good row besides its key.
VIOLATIONS: dict[str, Mapping[str, object]] = {
    "office_businessdate_one_row": {},
    "office_heartbeat_one_row": {},
    "office_jobrun_once": {},
    "office_jobrun_state_known": {"state": "LOST"},
    "office_jobrun_leased_while_running": {"state": "RUNNING"},
    "office_jobrun_finished_when": {"state": "DONE"},
    "office_jobrun_counts_not_negative": {"done": -1},
    "office_jobrun_attempts_are_claims": {"attempts": 1},
    "office_operationevent_name_dotted": {"name": "Renamed"},
    "office_operationevent_actor_known": {"actor": "robot:1"},
    "merchants_partner_code_key": {},
    "merchants_partner_settlement_known": {"settlement": "BARTER"},
    "merchants_partner_feed_signal_known": {"feed_signal": "LOUD"},
    "merchants_feedupload_state_known": {"state": "LOST", "finished_at": str(NOW)},
    "merchants_feedupload_finished_when": {"finished_at": str(NOW)},
    "merchants_feedday_once": {},
    "merchants_feedday_kind_known": {"kind": "GIFT"},
    "merchants_partnerclient_application_id_key": {},
    "merchants_owner_ref_once": {},
    "merchants_merchant_external_id_once": {},
    "merchants_merchant_currency_code": {"currency": "eur"},
    "merchants_payoutaccount_state_known": {"state": "LOST", "verified_by": None, "verified_at": None},
    "merchants_payoutaccount_number_canonical": {"number": "gb82-west"},
    "merchants_payoutaccount_number_once": {"state": "PENDING", "verified_by": None, "verified_at": None},
    "merchants_payoutaccount_verified_by_whom_and_when": {"verified_at": None},
    "merchants_payoutaccount_four_eyes": {"verified_by": "staff:1"},
    "merchants_payoutaccount_one_verified": {"number": "DE89370400440532013000"},
    "merchants_batch_state_known": {"state": "LOST", "sealed_at": None},
    "merchants_batch_sealed_when": {"sealed_at": None},
    "merchants_batch_every_row_counted_once": {"received": 99},
    "merchants_batchissue_line_once": {},
    "merchants_batchissue_kind_known": {"kind": "LOST"},
    "merchants_batchissue_conflict_shows_both": {"kind": "CONFLICT"},
    "merchants_transaction_id_once": {},
    "merchants_transaction_kind_known": {"kind": "GIFT"},
    "merchants_transaction_amount_sign": {"amount_minor": 0},
    "scoring_scorecardversion_sha256_key": {},
    "scoring_scorecardversion_sha256": {"sha256": "A" * 64},
    "scoring_calibrationversion_sha256_key": {},
    "scoring_calibrationversion_sha256": {"sha256": "a" * 63},
    "scoring_scorerun_kind_known": {"kind": "HALF", "state": "HELD", "finished_at": str(NOW)},
    "scoring_scorerun_state_known": {"state": "LOST", "finished_at": str(NOW)},
    "scoring_scorerun_finished_when": {"finished_at": str(NOW)},
    "scoring_scorerun_parts": {"parts": 0, "state": "HELD", "finished_at": str(NOW)},
    "scoring_scorerun_published_with_pd": {"state": "PUBLISHED", "finished_at": str(NOW)},
    "scoring_scorerun_single_reads_others": {"kind": "SINGLE"},
    "scoring_scorerun_one_works": {},
    "scoring_runcheck_once": {},
    "scoring_liverun_one_row": {},
    "scoring_score_once": {},
    "scoring_measuredmerchant_once": {},
    "scoring_score_not_scored_known": {"not_scored": "LOST"},
    "scoring_score_in_range": {"score": 851},
    "scoring_score_grade_with_pd": {"grade": None},
    "scoring_score_pd_is_a_share": {"pd_ppm": 1_000_001},
    "scoring_score_basis_not_negative": {"needed": -1},
    "scoring_referencemerchant_once": {},
    "scoring_referencecell_once": {},
    "scoring_referencerating_once": {},
    "scoring_referencefeed_once": {},
    "scoring_behaviourfact_once_a_batch": {},
    "scoring_behaviourfact_not_negative": {"business_date": "2026-03-09", "dpd": -1},
    "merchants_keptrequest_once": {},
    "merchants_keptrequest_digest": {"key": "k2", "digest": "x"},
    "lending_calendarversion_sha256": {"sha256": "A" * 64},
    "lending_productversion_sha256_key": {},
    "lending_productversion_sha256": {"sha256": "A" * 64},
    "lending_productversion_currency_code": {"sha256": "c" * 64, "currency": "cny"},
    "lending_productversion_once": {"sha256": "c" * 64},
    "lending_productversion_kind_known": {"sha256": "c" * 64, "version": 9, "kind": "GIFT"},
    "lending_offerround_run_id_key": {},
    "lending_offerround_parts": {"parts": 0},
    "lending_creditline_kind_known": {"kind": "GIFT"},
    "lending_creditline_once_a_kind": {},
    "lending_creditline_not_negative": {"limit_minor": -1},
    "lending_creditline_higher_since_when": {"higher_since": str(NOW.date())},
    "lending_offer_kind_known": {"kind": "GIFT"},
    "lending_offer_state_known": {"state": "LOST"},
    "lending_offer_currency_code": {"currency": "cny"},
    "lending_offer_amounts": {"limit_minor": 99_999},
    "lending_offer_rate_not_negative": {"daily_rate": -1},
    "lending_offer_lasts": {"expires_on": str(NOW.date())},
    "lending_offer_closed_when": {"state": "MADE"},
    "lending_offer_one_open_a_kind": {"state": "MADE", "closed_at": None},
    "lending_application_state_known": {"state": "LOST"},
    "lending_application_amounts": {"months": 0},
    "lending_application_document_sha256": {"document_sha256": "x"},
    "lending_application_decided_when": {"decided_at": None},
    "lending_application_ref_once": {},
    "lending_decision_outcome_known": {"outcome": "LOST"},
    "lending_decision_snapshot_sha256": {"snapshot_sha256": "x"},
    "lending_decision_one_by_rules": {},
    "lending_line_application_id_key": {"state": "CLOSED", "closed_at": str(NOW)},
    "lending_line_state_known": {"state": "LOST"},
    "lending_line_currency_code": {"currency": "cny"},
    "lending_line_not_negative": {"limit_minor": -1},
    "lending_line_higher_since_when": {"higher_since": str(NOW.date())},
    "lending_line_frozen_for_when": {"frozen_for": "PAST_DUE"},
    "lending_line_closed_when": {"closed_at": str(NOW)},
    "lending_line_one_open": {"application_id": SPARE},
    "lending_line_of_merchant": {"id": LINE, "application_id": SPARE, "state": "CLOSED", "closed_at": str(NOW)},
    "lending_lineevent_type_known": {"type": "GIFT", "amount_minor": None, "loan_id": None},
    "lending_lineevent_amount_when": {"amount_minor": None},
    "lending_lineevent_loan_when": {"loan_id": None},
    "lending_lineevent_loan_id_key": {},
    "lending_loan_application_id_key": {},
    "lending_loan_status_known": {"status": "LOST"},
    "lending_loan_currency_code": {"currency": "cny"},
    "lending_loan_amount_positive": {"amount_minor": 0},
    "lending_loan_disbursed_when": {"disbursed_on": None},
    "lending_loan_imported_when": {"imported_on": "2026-03-01"},
    "lending_loan_closed_when": {"closed_on": "2026-03-01"},
    "lending_loan_not_negative": {"due_minor": -1},
    "lending_loan_paid_at_most_owed": {"interest_paid_minor": 5, "repaid_minor": 5},
    "lending_loan_money_adds_up": {"repaid_minor": 5},
    "lending_loanevent_type_known": {"type": "gift"},
    "lending_loanevent_one_figure": {"rate": "0.1"},
    "lending_loanevent_figure_fits": {"amount_minor": 0},
    "lending_loanevent_once": {},
    "lending_loanevent_reversed_once": {"seq": 9, "type": "reversal", "amount_minor": None, "of_id": PAYMENT},
    "lending_loanevent_ref_once": {"seq": 9, "external_ref": "p1"},
    "lending_importedloan_loan_id_key": {"number": "2"},
    "lending_importedloan_number_key": {"loan_id": 0},
    "lending_importedloan_number": {"loan_id": 0, "number": ""},
    "lending_importedloan_disbursed": {"loan_id": 0, "number": "2", "disbursed_minor": 0},
    "lending_importedloan_sha256": {"loan_id": 0, "number": "2", "content_sha256": "A" * 64},
    "lending_instalment_once": {},
    "lending_instalment_amounts": {"no": 9, "interest_minor": -1},
    "lending_productexposure_once_a_status": {},
    "lending_productexposure_status_known": {"status": "LOST"},
    "lending_transfer_key_key": {"on": "2026-03-09", "kind": "COLLECTION"},
    "lending_transfer_kind_known": {"key": OTHER_KEY, "kind": "LOST"},
    "lending_transfer_state_known": {"key": OTHER_KEY, "state": "LOST", "moved_minor": 0},
    "lending_transfer_amounts": {"key": OTHER_KEY, "moved_minor": -1},
    "lending_transfer_moved_when_done": {"key": OTHER_KEY, "state": "FAILED"},
    "lending_transfer_payout_whole": {"key": OTHER_KEY, "moved_minor": 1},
    "lending_transfer_settled_when": {"key": OTHER_KEY, "settled_at": None},
    "lending_transfer_one_open": {"key": OTHER_KEY, "kind": "COLLECTION", "on": "2026-03-09", **UNSETTLED},
    "lending_transfer_one_collection_a_day": {"key": OTHER_KEY, "kind": "COLLECTION", "on": "2026-03-08"},
    "lending_ledgeraccount_place_key": {"code": "SPARE"},
    "lending_ledgeraccount_kind_known": {"code": "SPARE", "place": 99, "kind": "LOST"},
    "lending_dayclose_day_key": {"state": "PROVEN", "finished_at": str(NOW)},
    "lending_dayclose_state_known": {"day": "2026-03-09", "state": "LOST", "finished_at": str(NOW)},
    "lending_dayclose_parts": {"day": "2026-03-09", "parts": 0},
    "lending_dayclose_finished_when": {"day": "2026-03-09", "finished_at": str(NOW)},
    "lending_dayclose_one_works": {"day": "2026-03-09"},
    "lending_proofline_once": {},
    "lending_entry_event_id_key": {},
    "lending_entry_code_known": {"code": "LOST", "event_id": None},
    "lending_entry_of_loan_or_close": {"loan_id": None},
    "lending_entry_event_unless_accrual": {"event_id": None},
    "lending_posting_amount_positive": {"amount_minor": 0},
    "lending_posting_two_accounts": {"debit_id": "PRINCIPAL", "credit_id": "PRINCIPAL"},
    "lending_posting_currency_code": {"currency": "cny"},
}
# What breaks the first also breaks the second, which is reported before it.
IMPLIED = {
    "merchants_batchissue_kind_known": "merchants_batchissue_conflict_shows_both",
    "lending_loan_status_known": "lending_loan_disbursed_when",
    "lending_line_of_merchant": "lending_line_pkey CASCADE",  # keys refer to it with the merchant
}
CATALOGUE = """
SELECT conname, conrelid::regclass::text FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype IN ('c', 'u', 'x') AND NOT relispartition AND split_part(relname, '_', 1) = ANY(%(ours)s)
UNION
SELECT indexrelid::regclass::text, indrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
WHERE indisunique AND NOT indisprimary AND NOT relispartition AND split_part(relname, '_', 1) = ANY(%(ours)s)
"""
KEYS = {"merchants_batch": "number", "lending_ledgeraccount": "code"}
COPY = "INSERT INTO {table} SELECT (jsonb_populate_record(good, %s)).* FROM {table} good ORDER BY good.{key}"

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
    JobRun.objects.create(name="merchants.fill_batch", subject_id=1, started_by="system:0", sent_at=NOW)
    OperationEvent.objects.create(name="a.b", subject="s", actor="system:0", before={}, after={}, booked_at=NOW)
    partner = Partner.objects.create(code="bazaar", name="Bazaar", settlement="ESCROW")
    application = Application.objects.create(hash_client_secret=False)  # Argon2 takes half a second
    PartnerClient.objects.create(partner=partner, application=application)
    owner = Owner.objects.create(partner=partner, external_ref="o")
    merchant = Merchant.objects.create(partner=partner, external_id="kiln", name="Kiln", currency="EUR", owner=owner)
    FormerOwnership.objects.create(merchant=merchant, owner=owner, until=NOW)
    PayoutAccount.objects.create(
        merchant=merchant,
        number="GB82WEST12345698765432",
        holder="Kiln",
        state="VERIFIED",
        entered_by="staff:1",
        entered_at=NOW,
        verified_by="staff:2",
        verified_at=NOW,
    )
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
    make_one_run(partner, merchant)
    make_one_loan(partner)


def make_one_loan(partner: Partner) -> None:
    """Make a loan of one instalment, and what lies beside it."""
    loan = lent(months=1)
    event = {"loan": loan, "on": NOW.date(), "partner": partner, "booked_at": NOW}
    LoanEvent.objects.create(id=PAYMENT, seq=2, type="repayment", amount_minor=1, external_ref="p1", **event)
    LoanEvent.objects.create(seq=3, type="reversal", of_id=PAYMENT, **event)
    collection = {"loan": loan, "kind": "COLLECTION", "key": uuid4(), "on": "2026-03-08", "amount_minor": 1}
    Transfer.objects.create(**collection, state="DUE", made_at=NOW)
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
    ProofLine.objects.create(close=close, account="PRINCIPAL", currency="CNY", ledger_minor=0, loans_minor=0)


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
    CalendarVersion.objects.create(sha256="a" * 64, first_year=2026, last_year=2026, created_at=NOW)
    told = dict.fromkeys(("dpd", "scheduled_minor", "repaid_minor", "loans_repaid"), 0)
    BehaviourFact.objects.create(merchant=merchant, business_date=NOW.date(), batch_id=1, **told)


def violate(cursor: Any, name: str) -> None:  # noqa: ANN401 - of Django or of psycopg
    table = catalogue()[name]
    key = KEYS.get(table, "id")
    changes = {key: 1_000_000, **VIOLATIONS[name]}
    cursor.execute(COPY.format(table=table, key=key), [json.dumps(changes)])


@pytest.mark.parametrize("name", sorted(VIOLATIONS.keys() - IMPLIED.keys()))
def test_a_constraint_holds_round_python(name: str) -> None:
    """Red without the constraint."""
    make_one_of_each()
    with pytest.raises(IntegrityError) as broken, transaction.atomic(), connection.cursor() as cursor:
        violate(cursor, name)
    assert isinstance(broken.value.__cause__, errors.IntegrityError)
    assert constraint_of(broken.value.__cause__) == name


@pytest.mark.parametrize("name", IMPLIED)
@pytest.mark.django_db(transaction=True)
def test_a_constraint_holds_without_the_one_that_implies_it(name: str) -> None:
    make_one_of_each()
    with owner_connection() as owner, owner.transaction(force_rollback=True):
        owner.execute(f"ALTER TABLE {catalogue()[name]} DROP CONSTRAINT {IMPLIED[name]}")
        with pytest.raises(errors.IntegrityError) as broken:
            violate(owner, name)
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
