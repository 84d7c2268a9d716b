"""Files go straight into the table, or are staged: what becomes of their rows is the same."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from config.office.job_runs import run_job
from config.office.models import JobRun
from merchants.domain.transaction import COLUMNS
from merchants.gateways.feed_blocks import FeedBlock, blocks_of
from merchants.gateways.feed_files import open_feed_file
from merchants.models import Batch, BatchIssue, Merchant, Partner, StagedRow, Transaction
from merchants.models.batch import BatchState
from merchants.operations.file_ingestion import receive_block
from merchants.operations.ingestion import FILL, FORGOTTEN_AFTER, MAX_ROWS, fill_batch, seal_forgotten_batches
from tests.conftest import CLERK, NOW
from tests.markets import make_merchants, make_partner, receive, sale
from tests.merchants.operations.test_ingestion import BROKEN, counts
from tests.race import lock_timeout

pytestmark = pytest.mark.django_db(transaction=True)
Rows = Sequence[Mapping[str, str]]


def block_of(path: Path, rows: Rows) -> FeedBlock:
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *([row.get(column, "") for column in COLUMNS] for row in rows)])
    [block] = blocks_of(open_feed_file(path, COLUMNS), wanted=COLUMNS, lines_a_block=MAX_ROWS)
    return block


def receive_file(partner: Partner, path: Path, rows: Rows) -> Batch:
    """Receive rows as a file, and do what a worker would, if anything is left to do."""
    batch = receive_block(
        partner_id=partner.pk, source="file", block=block_of(path, rows), actor=CLERK, clock=lambda: NOW
    )
    for job in JobRun.objects.filter(name=FILL, subject_id=batch.number):
        assert batch.state == BatchState.STAGED
        run_job(job.pk, fill_batch)
    return Batch.objects.get(number=batch.number)


def was_staged(batch: Batch) -> bool:
    return JobRun.objects.filter(name=FILL, subject_id=batch.number).exists()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "transactions.csv"


def test_new_rows_are_stored_and_sealed_at_once_and_known_ones_by_the_worker(path: Path) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln", "barn")
    first = receive_file(partner, path, [sale("2"), sale("1", "barn"), sale("1")])
    assert (counts(first), was_staged(first), first.sealed_at) == ((3, 3, 0, 0, 0), False, NOW)
    again = receive_file(partner, path, [sale("1"), sale("2", amount="10.01"), sale("3")])
    assert (counts(again), was_staged(again)) == ((3, 1, 1, 1, 0), True)
    assert BatchIssue.objects.get(batch=again).line == 2
    assert Transaction.objects.count() == 4
    assert not StagedRow.objects.exists()


def test_the_same_id_twice_in_one_file_is_stored_once(path: Path) -> None:
    partner = make_partner()
    make_merchants(partner, "kiln")
    batch = receive_file(partner, path, [sale("1"), sale("2"), sale("1"), sale("2", amount="9.99")])
    assert (counts(batch), was_staged(batch)) == ((4, 2, 1, 1, 0), True)
    assert set(Transaction.objects.values_list("external_id", "amount_minor")) == {("1", 1000), ("2", 1000)}


def test_a_correction_is_left_to_the_worker(path: Path) -> None:
    """Red if it were stored straight: the row that it corrects would count too."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    receive_file(partner, path, [sale("1")])
    batch = receive_file(partner, path, [sale("1b", corrects="1", amount="7.00"), sale("2")])
    assert (counts(batch), was_staged(batch)) == ((2, 2, 0, 0, 0), True)
    assert Transaction.objects.get(external_id="1").superseded_in == batch.number


STRANGE = ["\\N", "a\\tb", "\t", "a\tb\n\\.", "\\.", 'say "tea"', "é茶\u2028", "x\r\ny", ",", "\x1f", "\\"]

ENDS = ["Z", "+15:59", "-15:59", "-00:00", ".123Z", ".000001+08:00", ".999-03:30", ".12Z", "+16:00", ""]


@pytest.mark.parametrize("known", [False, True])
def test_a_file_and_the_api_store_and_refuse_the_same(path: Path, known: bool) -> None:  # noqa: FBT001
    """Red if a text were not escaped on its way: a tab would be a column, and a backslash an order to the database."""
    rows = [row for row in BROKEN.values() if not isinstance(row, str)]
    rows += [sale(f"s{number}", order_ref=f"o{text}o", channel=text) for number, text in enumerate(STRANGE)]
    rows += [sale(f"i{number}x{text}x", buyer=text) for number, text in enumerate(STRANGE)]
    rows += [sale("v1", kind="REVIEW", amount="", value="5"), sale("v2", value="-3"), sale("v3", buyer_hash="-8")]
    rows += [sale(f"t{number}", occurred_at=f"2026-01-05T01:02:03{rest}") for number, rest in enumerate(ENDS)]
    found = []
    for code in ("file", "api"):
        partner = make_partner(code)
        make_merchants(partner, "kiln")
        if known:
            receive(partner, [sale("s1")])
        batch = receive_file(partner, path, rows) if code == "file" else receive(partner, rows)
        columns = [field.attname for field in Transaction._meta.fields if field.attname not in {"id", "merchant_id"}]
        stored = Transaction.objects.filter(batch_id=batch.number).order_by("external_id").values(*columns)
        issues = BatchIssue.objects.filter(batch=batch).order_by("line")
        found.append(
            (
                [row | {"batch_id": 0} for row in stored],
                list(issues.values_list("line", "kind", "reason", "external_id", "detail", "received")),
                counts(batch),
            )
        )
        assert was_staged(batch) == (known or code == "api")
    assert found[0] == found[1]
    assert len(found[0][0]) > 20


def test_a_receiver_that_dies_before_the_sealing_leaves_nothing_behind(path: Path) -> None:
    """Red if rows were committed before their batch was sealed: the file sent again would find them known."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    rows = [sale("1"), sale("2"), sale("3", "nobody")]
    moments: Iterator[datetime] = iter([NOW])
    with pytest.raises(StopIteration):
        receive_block(
            partner_id=partner.pk,
            source="dies",
            block=block_of(path, rows),
            actor=CLERK,
            clock=lambda: next(moments),
        )
    assert Batch.objects.get().state == BatchState.OPEN
    assert not Transaction.objects.exists()
    assert not BatchIssue.objects.exists()
    assert seal_forgotten_batches(now=NOW + 2 * FORGOTTEN_AFTER) == 1
    assert counts(receive_file(partner, path, rows)) == (3, 2, 0, 0, 1)


def test_a_row_that_someone_else_is_storing_is_left_to_the_worker(path: Path) -> None:
    """Red if the receiver gave up where another holds one of its ids: its rows would be lost with it."""
    partner = make_partner()
    make_merchants(partner, "kiln")
    block = block_of(path, [sale("1"), sale("2")])

    def receive_it() -> Batch:
        try:
            return receive_block(partner_id=partner.pk, source="file", block=block, actor=CLERK, clock=timezone.now)
        finally:
            connection.close()

    merchant = Merchant.objects.get()
    with lock_timeout("300ms"), ThreadPoolExecutor(1) as pool, transaction.atomic():
        Transaction.objects.create(
            merchant=merchant,
            batch_id=1,
            external_id="2",
            kind="SALE",
            occurred_at=NOW,
            day=1,
            amount_minor=5,
        )
        batch = pool.submit(receive_it).result()
        assert batch.state == BatchState.STAGED
        transaction.set_rollback(True)
    run_job(JobRun.objects.get(subject_id=batch.number).pk, fill_batch)
    assert counts(Batch.objects.get(number=batch.number)) == (2, 2, 0, 0, 0)


def test_too_many_rows_are_refused_before_a_number_is_given(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = block_of(path, [sale("1"), sale("2")])
    monkeypatch.setattr("merchants.operations.file_ingestion.MAX_ROWS", 1)
    with pytest.raises(ValueError, match="at most"):
        receive_block(partner_id=1, source="", block=block, actor=CLERK, clock=timezone.now)
    assert not Batch.objects.exists()
