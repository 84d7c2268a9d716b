"""Make small markets for tests."""

from collections.abc import Iterable, Mapping

from config.office.job_runs import run_job
from config.office.models import JobRun
from merchants.domain.transaction import Settlement
from merchants.models import Batch, Partner
from merchants.models.batch import BatchState
from merchants.operations.ingestion import FILL, fill_batch, receive_batch
from merchants.operations.merchants import enter_merchants
from merchants.operations.partners import enter_partner
from tests.conftest import CLERK, NOW


def make_partner(code: str = "bazaar", settlement: Settlement = Settlement.ESCROW) -> Partner:
    return enter_partner(code=code, name=code.title(), settlement=settlement, actor=CLERK, now=NOW)


def make_merchants(partner: Partner, *names: str, **fields: str) -> None:
    rows = [{"external_id": name, "name": name, "currency": "EUR", **fields} for name in names]
    enter_merchants(partner_id=partner.pk, rows=rows, actor=CLERK, now=NOW)


def sale(external_id: str, merchant: str = "kiln", **fields: str) -> dict[str, str]:
    row = {"external_id": external_id, "merchant": merchant, "kind": "SALE"}
    return row | {"occurred_at": "2026-02-01T12:00:00+00:00", "amount": "10.00"} | fields


def receive(partner: Partner, rows: Iterable[Mapping[str, str] | str]) -> Batch:
    """Receive the rows and store them, as a worker would."""
    batch = receive_batch(
        partner_id=partner.pk, source="test", rows=list(enumerate(rows, start=1)), actor=CLERK, now=NOW
    )
    assert batch.state == BatchState.STAGED
    job = JobRun.objects.get(name=FILL, subject_id=batch.number)
    run_job(job.pk, fill_batch)
    return Batch.objects.get(number=batch.number)
