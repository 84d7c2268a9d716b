"""Many send the same history at once, and die at it; each row is stored once, and each batch accounts for its own."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from merchants.domain.transaction import COLUMNS
from merchants.gateways.feed_files import write_feed_file
from merchants.models import Batch, BatchIssue, StagedRow, Transaction
from merchants.models.batch import BatchState
from merchants.operations.ingestion import FORGOTTEN_AFTER, seal_forgotten_batches
from tests.conftest import ROOT, Enqueued
from tests.markets import make_merchants, make_partner, sale
from tests.workers import environment, wait_until, worker

pytestmark = pytest.mark.django_db(transaction=True)
SHOPS = [f"shop-{number}" for number in range(12)]
ROWS, POSTERS, SLICE = 1_200, 10, 400
BROKEN = range(7, ROWS, 100)


def history() -> Iterator[dict[str, str]]:
    for number in range(ROWS):
        broken = {"kind": "GIFT"} if number in BROKEN else {}
        yield sale(f"t{number}", SHOPS[number % len(SHOPS)], amount=f"{number % 90 + 1}.25", **broken)


def test_ten_posters_with_overlapping_slices_and_random_kills(tmp_path: Path, enqueued: Enqueued) -> None:  # noqa: ARG001
    """Red if rows were stored before their batch was sealed, or a batch counted a row that another one stored."""
    partner = make_partner()
    make_merchants(partner, *SHOPS)
    rows = list(history())
    paths = [tmp_path / f"slice-{number}.csv" for number in range(POSTERS)]
    for number, path in enumerate(paths):
        begin = number * (ROWS - SLICE) // (POSTERS - 1)
        some = [[row.get(column, "") for column in COLUMNS] for row in rows[begin : begin + SLICE]]
        write_feed_file(path, COLUMNS, some)
    with worker(tmp_path / "worker.log"):
        command = [sys.executable, "-m", "tests.posters", str(partner.pk), *map(str, paths)]
        ended = subprocess.run(command, check=False, cwd=ROOT, env=environment(), capture_output=True)
        assert ended.returncode == 0, ended.stderr.decode()
        assert int(ended.stdout) == 2 * POSTERS
        wait_until(lambda: not Batch.objects.filter(state=BatchState.STAGED).exists())
    seal_forgotten_batches(now=timezone.now() + FORGOTTEN_AFTER + timedelta(minutes=1))

    stored = list(Transaction.objects.values_list("merchant__external_id", "external_id", "amount_minor"))
    sent = [(row["merchant"], row["external_id"], int(row["amount"].replace(".", ""))) for row in rows]
    assert sorted(stored) == sorted(row for number, row in enumerate(sent) if number not in BROKEN)
    assert not StagedRow.objects.exists()
    for batch in Batch.objects.all():
        counted = batch.accepted + batch.duplicate + batch.conflict + batch.rejected
        assert (batch.state, batch.received, batch.conflict) == (BatchState.SEALED, counted, 0)
        assert batch.accepted == Transaction.objects.filter(batch_id=batch.number).count()
        assert batch.rejected == BatchIssue.objects.filter(batch=batch).count()
    assert sum(Batch.objects.values_list("accepted", flat=True)) == len(stored)
