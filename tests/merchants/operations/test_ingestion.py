from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import psycopg
import pytest
from django.db import DatabaseError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.db.locking import LockingQuerySet
from config.db.transactions import StaleRow, operation
from config.office.job_runs import Claim, Clock, claim_job, run_job
from config.office.models import JobRun
from config.office.models.job_run import JobState
from merchants.domain.transaction import RowRefusal
from merchants.models import Batch, BatchIssue, StagedRow, Transaction
from merchants.models.batch import BatchState
from merchants.operations.ingestion import (
    FILL,
    FORGOTTEN_AFTER,
    MAX_ROWS,
    fill_batch,
    open_batch,
    receive_batch,
    seal_forgotten_batches,
    stage_batch,
)
from merchants.queries.batches import take_watermark
from tests.conftest import CLERK, NOW, Enqueued, owner_connection
from tests.markets import make_merchants, make_partner, receive, sale
from tests.race import race

pytestmark = pytest.mark.django_db(transaction=True)


def stored() -> list[tuple[object, ...]]:
    return sorted(Transaction.objects.values_list("merchant__external_id", "external_id", "amount_minor", "day"))


def counts(batch: Batch) -> tuple[int, int, int, int, int]:
    return batch.received, batch.accepted, batch.duplicate, batch.conflict, batch.rejected


def test_the_same_rows_twice_are_stored_once() -> None:
    partner = make_partner()
    make_merchants(partner, "kiln", "barn")
    rows = [sale("1"), sale("2"), sale("1", "barn")]
    assert counts(receive(partner, rows)) == (3, 3, 0, 0, 0)
    once = stored()
    assert counts(receive(partner, rows)) == (3, 0, 3, 0, 0)
    assert stored() == once
    assert not StagedRow.objects.exists()


def test_another_content_under_the_same_id_is_a_conflict_that_shows_both() -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    first = receive(partner, [sale("1"), sale("2")])
    again = receive(partner, [sale("1", amount="10.01"), sale("2"), sale("3"), sale("3", order_ref="o")])
    assert counts(again) == (4, 1, 1, 2, 0)
    issues = list(BatchIssue.objects.order_by("line").values_list("line", "external_id", "stored", "received"))
    assert [issue[:2] for issue in issues] == [(1, "1"), (4, "3")]
    known, sent = issues[0][2] or {}, issues[0][3] or {}
    assert (known["amount_minor"], sent["amount_minor"]) == (1000, 1001)
    assert known["batch_id"] == first.number
    assert stored() == [("kiln", "1", 1000, 20485), ("kiln", "2", 1000, 20485), ("kiln", "3", 1000, 20485)]


BROKEN: dict[RowRefusal, Mapping[str, str] | str] = {
    RowRefusal.MALFORMED: "3 cells instead of 9",
    RowRefusal.BAD_TEXT: sale("b1", order_ref="caf\udce9"),
    RowRefusal.MISSING_FIELD: {"external_id": "b2", "merchant": "kiln", "kind": "SALE"},
    RowRefusal.TEXT_TOO_LONG: sale("b3" * 60),
    RowRefusal.UNKNOWN_MERCHANT: sale("b4", "nobody"),
    RowRefusal.OTHER_CURRENCY: sale("b11", currency="USD"),
    RowRefusal.UNKNOWN_KIND: sale("b5", kind="GIFT"),
    RowRefusal.BAD_TIME: sale("b6", occurred_at="yesterday"),
    RowRefusal.IN_THE_FUTURE: sale("b7", occurred_at="2999-01-01T00:00:00Z"),
    RowRefusal.BAD_AMOUNT: sale("b8", amount="NaN"),
    RowRefusal.AMOUNT_NOT_POSITIVE: sale("b9", amount="-1"),
    RowRefusal.BAD_VALUE: sale("b10", kind="REVIEW", amount="", value="6"),
    RowRefusal.CORRECTS_ITSELF: sale("b12", corrects="b12"),
}


def test_each_broken_row_is_reported_with_its_line_and_the_good_ones_are_stored() -> None:
    assert set(BROKEN) == set(RowRefusal)
    partner = make_partner()
    make_merchants(partner, "kiln")
    rows: list[Mapping[str, str] | str] = [
        row for number, broken in enumerate(BROKEN.values()) for row in (sale(f"good-{number}"), broken)
    ]
    batch = receive(partner, rows)
    assert counts(batch) == (26, 13, 0, 0, 13)
    reported = dict(BatchIssue.objects.values_list("line", "reason"))
    assert reported == {2 * place + 2: reason.value for place, reason in enumerate(BROKEN)}
    assert Transaction.objects.count() == 13


def live() -> dict[str, int]:
    return dict(Transaction.objects.filter(superseded_in=None).values_list("external_id", "amount_minor"))


def test_a_correction_replaces_a_row_and_both_are_kept() -> None:
    """Red if the old row comes back when its file is sent again, or if the new one is stored twice."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    first, fix = [sale("1", amount="45.66"), sale("2")], sale("1-posted", amount="48.00", corrects="1")
    receive(partner, first)
    batch = receive(partner, [fix, sale("3")])
    assert counts(batch) == (2, 2, 0, 0, 0)
    assert live() == {"1-posted": 4800, "2": 1000, "3": 1000}
    old = Transaction.objects.get(external_id="1")
    assert (old.superseded_in, old.amount_minor) == (batch.number, 4566)
    assert Transaction.objects.get(external_id="1-posted").corrects == "1"
    assert counts(receive(partner, [*first, fix, sale("3")])) == (4, 0, 4, 0, 0)
    assert live() == {"1-posted": 4800, "2": 1000, "3": 1000}


def test_a_row_and_its_corrections_in_one_batch() -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    rows = [sale("1c", amount="3.00", corrects="1b"), sale("1b", amount="2.00", corrects="1"), sale("1", amount="1.00")]
    assert counts(receive(partner, rows)) == (3, 3, 0, 0, 0)
    assert live() == {"1c": 300}
    assert counts(receive(partner, rows)) == (3, 0, 3, 0, 0)


def test_what_cannot_be_corrected_is_reported_with_its_line() -> None:
    """Red if a row were corrected twice, by another merchant, or under an id that is taken."""
    partner = make_partner()
    make_merchants(partner, "kiln", "barn")
    receive(partner, [sale("1"), sale("2"), sale("1-a", amount="9.00", corrects="1")])
    rows = [
        sale("1-b", amount="8.00", corrects="1"),
        sale("9-b", corrects="9"),
        sale("2-b", "barn", corrects="2"),
        sale("2", amount="7.00", corrects="1-a"),
        sale("1-a", amount="9.00", corrects="2"),
        sale("9-b", corrects="9"),
    ]
    batch = receive(partner, rows)
    assert counts(batch) == (6, 0, 0, 2, 4)
    found = dict(BatchIssue.objects.filter(batch=batch).values_list("line", "reason"))
    missing = "NOTHING_TO_CORRECT"
    assert found == {1: "ALREADY_CORRECTED", 2: missing, 3: missing, 4: "CONFLICT", 5: "CONFLICT", 6: missing}
    assert live() == {"1-a": 900, "2": 1000}


def test_a_refused_correction_whose_id_another_one_takes_is_reported_once() -> None:
    """Red if its line were reported again as a conflict: the batch could never be sealed."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    receive(partner, [sale("x"), sale("y"), sale("x-a", corrects="x")])
    batch = receive(partner, [sale("y"), sale("n", corrects="x"), sale("n", amount="2.00", corrects="y")])
    assert counts(batch) == (3, 1, 1, 0, 1)
    assert live() == {"x-a": 1000, "n": 200}


def test_a_correction_waits_for_an_older_batch_that_may_bring_its_row() -> None:
    """Red if the worker that came first decided: the correction would be lost, and only the sender could tell."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    older, later = stage(partner.pk, [sale("1")]), stage(partner.pk, [sale("1-a", amount="2.00", corrects="1")])
    jobs = {batch.number: JobRun.objects.get(name=FILL, subject_id=batch.number) for batch in (older, later)}
    for _ in range(5):
        run_job(jobs[later.number].pk, fill_batch)
    jobs[later.number].refresh_from_db()
    assert (jobs[later.number].state, jobs[later.number].attempts) == (JobState.WAITING, 0)
    assert live() == {}
    for number in (older.number, later.number):
        run_job(jobs[number].pk, fill_batch)
    assert live() == {"1-a": 200}


def test_two_batches_that_correct_one_row_correct_it_once() -> None:
    """Red without the lock on the corrected row: both corrections would count."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    receive(partner, [sale("1")])
    batches = [stage(partner.pk, [sale(f"1-{name}", amount="2.00", corrects="1")]) for name in "ab"]
    jobs = [JobRun.objects.get(name=FILL, subject_id=batch.number).pk for batch in batches]
    corrected: LockingQuerySet[Transaction] = LockingQuerySet(Transaction).filter(external_id="1").order_by()
    race(*(partial(run_job, job, fill_batch) for job in jobs), held=corrected)
    assert len(live()) == 1
    assert sorted(Batch.objects.filter(pk__in=[b.pk for b in batches]).values_list("accepted", "rejected")) == [
        (0, 1),
        (1, 0),
    ]


def test_a_row_is_superseded_once_and_changed_in_nothing_else() -> None:
    """Red without the trigger and the grant: history could be rewritten, or a correction taken back."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    receive(partner, [sale("1"), sale("2", corrects="1")])
    for change, said in (
        ("superseded_in = NULL", "append-only"),
        ("superseded_in = 99", "append-only"),
        ("amount_minor = 1", "permission denied"),
    ):
        with pytest.raises(DatabaseError, match=said), connection.cursor() as cursor:
            cursor.execute(f"UPDATE merchants_transaction SET {change} WHERE external_id = '1'")
    with owner_connection() as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("UPDATE merchants_transaction SET superseded_in = 9, amount_minor = 1 WHERE external_id = '2'")


@pytest.mark.parametrize("amount", ["NaN", "1e5", "1" * 31, "1.001", "", "0", "-0.01", "１０", "Infinity", " 1", "1_0"])  # noqa: RUF001
def test_no_amount_but_plain_positive_decimals(amount: str) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    assert counts(receive(partner, [sale("1", amount=amount)])) == (1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    "at", ["2026-01-01T00:00:00+16:00", "2026-01-01T00:00:00-23:59", "2026-01-01T00:00:00+00:00:01"]
)
def test_a_time_far_from_utc_is_stored_as_the_moment_it_is(at: str) -> None:
    """Red if the offset went to the database, which reads none of 16 hours: one row would stop all the others."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    assert counts(receive(partner, [sale("1", occurred_at=at), sale("2")])) == (2, 2, 0, 0, 0)
    assert Transaction.objects.get(external_id="1").occurred_at == datetime.fromisoformat(at)


def test_a_stranger_of_another_partner_is_unknown() -> None:
    make_merchants(make_partner("other"), "kiln")
    batch = receive(make_partner(), [sale("1")])
    assert BatchIssue.objects.get(batch=batch).reason == RowRefusal.UNKNOWN_MERCHANT


def test_a_batch_filled_by_two_workers_is_filled_once() -> None:
    """Red without the claim's token in finish_job: the sleeper's rows would be counted again."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    batch = stage(partner.pk, [sale("1")])
    job = JobRun.objects.get(name=FILL, subject_id=batch.number)
    sleeper = claim_job(job_id=job.pk, now=NOW)
    assert sleeper is not None
    later = NOW + timedelta(minutes=10)
    awake = claim_job(job_id=job.pk, now=later)
    assert awake is not None
    with pytest.raises(StaleRow):
        fill_batch(claim=sleeper, clock=lambda: later)
    assert not Transaction.objects.exists()
    fill_batch(claim=awake, clock=lambda: later)
    assert counts(Batch.objects.get()) == (1, 1, 0, 0, 0)
    assert claim_job(job_id=job.pk, now=later) is None


def test_a_batch_whose_receiver_died_is_sealed_empty_and_a_late_receiver_refused() -> None:
    """Red without the guard on OPEN: a sealed batch would get rows, under watermarks that hold none of them."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    forgotten = open_batch(partner_id=partner.pk, source="died", actor=CLERK, now=NOW)
    waiting = stage(partner.pk, [sale("1")])
    young = open_batch(partner_id=partner.pk, source="young", actor=CLERK, now=NOW + FORGOTTEN_AFTER)
    assert seal_forgotten_batches(now=NOW + FORGOTTEN_AFTER) == 0
    later = NOW + FORGOTTEN_AFTER + timedelta(minutes=1)
    assert seal_forgotten_batches(now=later) == 1
    assert seal_forgotten_batches(now=later) == 0
    states = dict(Batch.objects.values_list("number", "state"))
    assert states == {forgotten.number: "SEALED", waiting.number: "STAGED", young.number: "OPEN"}
    with operation():
        assert take_watermark().open == (waiting.number, young.number)
    with pytest.raises(StaleRow):
        stage_batch(number=forgotten.number, rows=[], actor=CLERK, now=later)
    assert not JobRun.objects.filter(subject_id=forgotten.number).exists()


def stage(partner_id: int, rows: list[dict[str, str]]) -> Batch:
    return receive_batch(
        partner_id=partner_id, source="test", rows=list(enumerate(rows, start=1)), actor=CLERK, now=NOW
    )


def test_a_staged_batch_leaves_its_job_with_the_commit(enqueued: Enqueued) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    batch = stage(partner.pk, [sale("1")])
    assert enqueued() == [(FILL, {"job_id": JobRun.objects.get(subject_id=batch.number).pk})]


def test_a_batch_is_staged_once() -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    batch = stage(partner.pk, [sale("1")])
    with pytest.raises(StaleRow):
        stage_batch(number=batch.number, rows=[], actor=CLERK, now=NOW)
    assert StagedRow.objects.count() == 1


def test_too_many_rows_are_refused_before_a_number_is_given() -> None:
    with pytest.raises(ValueError, match="at most"):
        receive_batch(partner_id=make_partner().pk, source="", rows=[(1, "")] * (MAX_ROWS + 1), actor=CLERK, now=NOW)
    assert not Batch.objects.exists()


def test_a_watermark_names_what_is_open() -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    sealed = receive(partner, [sale("1")])
    staged = stage(partner.pk, [sale("2")])
    opened = open_batch(partner_id=partner.pk, source="test", actor=CLERK, now=NOW)
    with operation():
        watermark = take_watermark()
    assert watermark.high == opened.number + 1 > sealed.number
    assert watermark.open == (staged.number, opened.number)


def test_a_failing_fill_is_parked_after_three_attempts_and_loses_nothing() -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    batch = stage(partner.pk, [sale("1")])
    job = JobRun.objects.get(subject_id=batch.number)

    def break_down(*, claim: Claim, clock: Clock) -> None:  # noqa: ARG001 - the shape of work
        message = "the disk is full"
        raise OSError(message)

    for _ in range(4):
        run_job(job.pk, break_down)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.error) == (JobState.PARKED, 3, "OSError: the disk is full")
    assert Batch.objects.get().state == BatchState.STAGED
    assert StagedRow.objects.count() == 1


kinds = st.sampled_from(["1", "2", "3"])
amounts = st.sampled_from(["5.00", "6.00"])


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(st.builds(lambda name, amount: sale(name, amount=amount), kinds, amounts), max_size=8), st.data())
def test_every_row_is_counted_once_however_the_rows_are_split(rows: list[dict[str, str]], data: st.DataObject) -> None:
    partner = make_partner(f"p{Batch.objects.count()}")
    make_merchants(partner, "kiln")
    cut = data.draw(st.integers(0, len(rows)))
    for part in (rows[:cut], rows[cut:]):
        batch = receive(partner, part)
        assert batch.received == batch.accepted + batch.duplicate + batch.conflict + batch.rejected == len(part)
    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row["external_id"], int(row["amount"][0]) * 100)
    kept = Transaction.objects.filter(merchant__partner=partner)
    assert dict(kept.values_list("external_id", "amount_minor")) == first


def test_partitions_hold_what_the_parent_shows() -> None:
    partner = make_partner()
    make_merchants(partner, *[f"shop-{number}" for number in range(40)])
    receive(partner, [sale("1", f"shop-{number}") for number in range(40)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT tableoid) FROM merchants_transaction")
        assert cursor.fetchone()[0] > 10
