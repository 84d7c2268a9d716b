"""Files uploaded in the office, from the form to the last row."""

import gzip
from datetime import datetime
from errno import ENOSPC
from os import strerror, utime
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from config import disk
from config.declarations import Role
from config.office.actors import SYSTEM
from config.office.display import chip
from config.office.job_runs import Claim, Work, claim_job, run_job
from config.office.models import JobRun, OperationEvent
from merchants.admin import upload as pages
from merchants.admin.upload import BEING_STORED, STATES, STOPPED
from merchants.gateways import feed_files, uploads
from merchants.gateways.feed_files import write_feed_file
from merchants.models import Batch, FeedUpload, Partner, Transaction
from merchants.models.upload import UploadState
from merchants.operations.ingestion import FILL, fill_batch, open_batch
from merchants.operations.uploads import forget_stray_uploads, import_upload
from tests.conftest import make_user
from tests.markets import make_merchants, make_partner

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = "external_id,merchant,kind,occurred_at,amount\n"


def lines(first: int, last: int) -> str:
    return "".join(f"s{number},kiln,SALE,2026-02-01T12:00:00Z,10.00\n" for number in range(first, last))


@pytest.fixture
def partner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Partner:
    monkeypatch.setattr("django.conf.settings.UPLOADS_DIR", tmp_path)
    partner = make_partner()
    make_merchants(partner, "kiln")
    return partner


def send(client: Client, partner: Partner, content: str | bytes, name: str = "may.csv") -> Any:  # noqa: ANN401 - the client's own
    data = content.encode() if isinstance(content, str) else content
    client.force_login(make_user(f"admin-{OperationEvent.objects.count()}", Role.ADMINISTRATOR))
    address = reverse("admin:merchants_partner_upload", args=[partner.pk])
    return client.post(address, {"file": SimpleUploadedFile(name, data)}, follow=True)


def work_on(name: str, one: Work) -> None:
    for job in JobRun.objects.filter(name=name):
        run_job(job.pk, one)


def work() -> None:
    work_on("merchants.import_upload", import_upload)
    work_on(FILL, fill_batch)


def test_a_file_is_uploaded_read_and_forgotten(client: Client, partner: Partner, tmp_path: Path) -> None:
    """Red if the file stayed, the batches were not the file's, or its rows not counted."""
    page = send(client, partner, HEADER + lines(0, 5) + "s9,kiln,SALE,never,1.00\n")
    upload = FeedUpload.objects.get()
    assert page.redirect_chain == [(reverse("admin:merchants_feedupload_change", args=[upload.pk]), 302)]
    assertContains(page, "Being read")
    assert len(list(tmp_path.iterdir())) == 1
    work()
    upload.refresh_from_db()
    assert (upload.state, upload.failure, upload.size) == (UploadState.READ, "", 269)
    assert list(tmp_path.iterdir()) == []
    batch = Batch.objects.get(upload=upload)
    assert (batch.received, batch.accepted, batch.rejected) == (6, 5, 1)
    assert batch.source == "may.csv, rows 1 to 6"
    job = JobRun.objects.get(name="merchants.import_upload")
    assert (job.done, job.total) == (6, 6)
    shown = client.get(reverse("admin:merchants_feedupload_change", args=[upload.pk])).context["page"]
    assert [figure.value for figure in shown.figures] == [6, 5, 0, 0, 1]
    assert OperationEvent.objects.get(name="merchants.upload_feed").after["sha256"] == upload.sha256

    send(client, partner, HEADER + lines(0, 5))
    work()
    assert Batch.objects.latest("pk").duplicate == 5
    assert Transaction.objects.count() == 5


def test_a_file_is_being_stored_until_its_last_batch_is_sealed(client: Client, partner: Partner) -> None:
    """Red if the page stopped at "Read" with counts that are not final, or waited for what a dead worker left empty."""
    content = HEADER + lines(0, 5)
    send(client, partner, content)
    work()
    send(client, partner, content)  # known rows are staged
    work_on("merchants.import_upload", import_upload)
    upload = FeedUpload.objects.latest("pk")
    assert upload.state == UploadState.READ
    page = reverse("admin:merchants_feedupload_change", args=[upload.pk])
    live = reverse("admin:merchants_feedupload_progress", args=[upload.pk])
    listed = reverse("admin:merchants_feedupload_changelist")
    shown = client.get(page).context["page"]
    assert (shown.chips, shown.poll) == ([chip(*BEING_STORED)], live)
    assert "HX-Refresh" not in client.get(live)
    assertContains(client.get(live), "Being stored")
    assertContains(client.get(listed), "Being stored", count=1)

    open_batch(partner_id=partner.pk, source="may.csv", actor=SYSTEM, now=upload.uploaded_at, upload_id=upload.pk)
    work()
    shown = client.get(page).context["page"]
    assert (shown.chips, shown.poll) == ([chip(*STATES[UploadState.READ])], None)
    assert client.get(live)["HX-Refresh"] == "true"
    assertNotContains(client.get(listed), "Being stored")


def test_an_import_whose_job_is_parked_is_not_being_read(client: Client, partner: Partner) -> None:
    """Red if people waited for what waits for them."""
    send(client, partner, HEADER + lines(0, 3))
    JobRun.objects.update(state="PARKED", error="no room left")
    upload = FeedUpload.objects.get()
    page = client.get(reverse("admin:merchants_feedupload_change", args=[upload.pk]))
    assert page.context["page"].chips == [chip(*STOPPED)]
    listed = client.get(reverse("admin:merchants_feedupload_changelist"))
    assertContains(listed, STOPPED[0], count=1)
    assertNotContains(listed, "Being read")


def claimed() -> Claim:
    claim = claim_job(job_id=JobRun.objects.get(name="merchants.import_upload").pk, now=timezone.now())
    assert claim is not None
    return claim


def test_a_worker_that_died_on_the_way_loses_and_doubles_nothing(
    client: Client, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if the file were forgotten with its first rows, or the second reading stored them again."""
    monkeypatch.setattr("merchants.operations.uploads.MAX_ROWS", 4)
    send(client, partner, HEADER + lines(0, 10))

    def clock() -> datetime:
        if Transaction.objects.exists() and not connection.in_atomic_block:  # between two blocks
            raise KeyboardInterrupt
        return timezone.now()

    with pytest.raises(KeyboardInterrupt):
        import_upload(claim=claimed(), clock=clock)
    assert Transaction.objects.count() == 4
    JobRun.objects.update(lease_until=timezone.now())  # the lease runs out
    work()
    assert Transaction.objects.count() == 10
    assert FeedUpload.objects.get().state == UploadState.READ


def test_the_lease_is_renewed_while_lines_are_counted(
    client: Client, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if a large file were counted whole first: another worker would begin it, and the next, until it is parked."""
    monkeypatch.setattr(feed_files, "COUNTED_AT_ONCE", 100)
    content = HEADER + lines(0, 10)
    send(client, partner, content)
    leases = set[datetime | None]()

    def clock() -> datetime:
        if not Batch.objects.exists():
            leases.add(JobRun.objects.get(name="merchants.import_upload").lease_until)
        return timezone.now()

    import_upload(claim=claimed(), clock=clock)
    assert len(leases) > len(content) // 100
    assert FeedUpload.objects.get().state == UploadState.READ


def test_a_file_that_breaks_off_keeps_what_came_before_and_says_so(
    client: Client, partner: Partner, tmp_path: Path
) -> None:
    """Red if the job were tried again and again, or the page named a directory of the server."""
    packed = gzip.compress((HEADER + lines(0, 5_000)).encode())
    send(client, partner, packed[:-2_000], "may.csv.gz")
    work()
    upload = FeedUpload.objects.get()
    assert upload.state == UploadState.UNREADABLE
    assert "may.csv.gz" in upload.failure
    assert str(tmp_path) not in upload.failure
    assert JobRun.objects.get(name="merchants.import_upload").state == "DONE"
    page = client.get(reverse("admin:merchants_feedupload_change", args=[upload.pk]))
    assertContains(page, "The file is incomplete or damaged:")


@pytest.mark.parametrize("name", ["MAY.CSV.GZ", "may.PARQUET", "May.Csv"])
def test_an_ending_in_upper_case_is_read_as_one_in_lower_case(
    client: Client, partner: Partner, tmp_path: Path, name: str
) -> None:
    """Red if the form read the file by its suffix as it is: packed bytes have no column names."""
    path = tmp_path / name.lower()
    columns = HEADER.strip().split(",")
    write_feed_file(path, columns, [line.split(",") for line in lines(0, 3).splitlines()])
    send(client, partner, path.read_bytes(), name)
    work()
    assert FeedUpload.objects.get().state == UploadState.READ
    assert Transaction.objects.count() == 3


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ((HEADER, "may.xlsx"), "has to end in .csv"),
        (("external_id,merchant\n", "may.csv"), "no column kind, occurred_at"),
        (("", "may.csv"), "empty"),
        ((b"no parquet", "may.parquet"), "may.parquet"),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_kept(
    client: Client, partner: Partner, tmp_path: Path, file: tuple[str | bytes, str], words: str
) -> None:
    page = send(client, partner, *file)
    assertContains(page, words)
    assertNotContains(page, gettempdir())
    assert not FeedUpload.objects.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_too_large_is_refused(client: Client, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LARGEST", 10)
    assertContains(send(client, partner, HEADER), "larger than 2 GiB")


def test_without_a_directory_the_button_says_so(
    client: Client, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.conf.settings.UPLOADS_DIR", None)
    assertContains(send(client, partner, HEADER), "UPLOADS_DIR")
    assert not FeedUpload.objects.exists()


def test_a_file_that_cannot_be_kept_whole_leaves_nothing(
    client: Client, partner: Partner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if the first part of a file stayed on a disk that is full."""

    class FullDisk:
        def __init__(self) -> None:
            self.digested = 0

        def update(self, part: bytes) -> None:
            self.digested += 1
            if self.digested > 1:
                raise OSError(ENOSPC, strerror(ENOSPC))

    monkeypatch.setattr(disk, "sha256", FullDisk)
    monkeypatch.setattr(uploads, "AT_ONCE", 20)
    assertContains(send(client, partner, HEADER + lines(0, 5)), "no room left")
    assert list(tmp_path.iterdir()) == []
    assert not FeedUpload.objects.exists()


def test_old_files_without_an_upload_that_waits_are_removed(client: Client, partner: Partner, tmp_path: Path) -> None:
    """Red if a file that is still to be read went too, or one that is just being kept, or what is no upload."""
    send(client, partner, HEADER)
    [waiting] = tmp_path.iterdir()
    finished, unknown, young = (tmp_path / f"{digit * 32}.csv" for digit in "abc")
    kept = {waiting, young, tmp_path / "README"}
    for path in (finished, unknown, *kept - {waiting}):
        path.touch()
    upload = FeedUpload.objects.get()
    times = {"uploaded_at": upload.uploaded_at, "finished_at": upload.uploaded_at}
    FeedUpload.objects.create(partner=partner, key=finished.name, size=0, sha256="", state=UploadState.READ, **times)
    now = timezone.now()
    assert forget_stray_uploads(now=now) == 0
    for path in {*tmp_path.iterdir()} - {young}:
        two_days_ago = now.timestamp() - 2 * 24 * 3600
        utime(path, (two_days_ago, two_days_ago))
    assert forget_stray_uploads(now=now) == 2
    assert {*tmp_path.iterdir()} == kept


def test_without_a_directory_no_file_is_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for missing in (None, tmp_path / "none"):
        monkeypatch.setattr("django.conf.settings.UPLOADS_DIR", missing)
        assert forget_stray_uploads(now=timezone.now()) == 0


def test_only_an_administrator_uploads(client: Client, partner: Partner) -> None:
    """Red if whoever decides about loans could bring the history that they rest on."""
    address = reverse("admin:merchants_partner_upload", args=[partner.pk])
    for role in set(Role) - {Role.ADMINISTRATOR}:
        client.force_login(make_user(role.name.lower(), role))
        file = SimpleUploadedFile("may.csv", HEADER.encode())
        assert client.post(address, {"file": file}).status_code == 403
    assert not FeedUpload.objects.exists()


def test_every_state_has_its_words() -> None:
    assert set(STATES) == set(UploadState)
