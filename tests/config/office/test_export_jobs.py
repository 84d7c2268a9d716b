"""The files of lists, as workers write them."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import InterfaceError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains

from config.db.locking import lock_name, try_lock_name
from config.db.transactions import StaleRow, one_moment
from config.declarations import Role
from config.office import exports
from config.office.export_pages import STOPPED
from config.office.export_rules import (
    ExportFailure,
    ExportNotStarted,
    ExportRefusal,
    FetchRefusal,
)
from config.office.exports import (
    EXPORTS,
    STRAY_AFTER,
    sweep_exports,
    write_export,
)
from config.office.job_runs import claim_job
from config.office.list_files import detailed_in, texts_of
from config.office.models import JobRun, ListExport, OperationEvent
from config.office.models.job_run import JobState
from config.office.models.list_export import ExportState
from config.office.pages import OfficeAdmin
from merchants.models import Merchant, Partner
from tests.config.office.made_lists import ask, content, done, fetch, files, make_export, make_jobs
from tests.config.office.one_of_each import make_one_of_each
from tests.conftest import NOW, Enqueued, make_user
from tests.lending.office import publish_market
from tests.markets import make_merchants
from tests.merchants.admin.test_payout_account import NUMBER
from tests.race import race
from tests.stages import attempt_job, do_stages
from tests.workers import die_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("django.conf.settings.UPLOADS_DIR", tmp_path)
    return tmp_path / "exports"


@pytest.fixture
def analyst() -> User:
    return make_user("analyst", Role.CREDIT_ANALYST)


def test_every_list_is_exported_as_the_page_shows_it(client: Client) -> None:
    """Red if a list were described twice, or one could not be walked to its end."""
    make_one_of_each()
    user = User.objects.create_superuser("root")
    client.force_login(user)
    make_export(requested_by=f"staff:{user.pk}", query="q=1")
    wrong: dict[str, object] = {}
    exported, pages = set[str](), admin.site._registry.items()  # noqa: SLF001
    for model, page in pages:
        if not isinstance(page, OfficeAdmin) or page.list_page is None:
            continue
        label = model._meta.label_lower
        listing = client.get(page.list_url()).context["listing"]
        address = reverse(f"admin:{label.replace('.', '_')}_export")
        export = ListExport.objects.get(pk=client.post(address).url.split("/")[-3])  # type: ignore[attr-defined] # a redirect's
        columns, cells = listing.table.columns, list(listing.table.rows)
        detailed = detailed_in(columns, cells)
        shown = [texts_of(columns, row, detailed=detailed) for row in cells]
        do_stages(EXPORTS, export.pk)
        export.refresh_from_db()
        head, *rows = content(export)
        own = {"office.jobrun", "office.listexport", "office.operationevent"}  # to which this adds
        if export.state != "DONE" or not rows or (rows != shown and label not in own):
            wrong[label] = (export.state, rows[:2], shown[:2])
        if [name for name in head if not name.endswith(", detail")] != [
            str(column.label) for column in columns
        ] or "<span" in str(rows):
            wrong[label] = ("markup", head, rows[:2])
        exported.add(label)
        assert NUMBER not in str(rows)  # masked on the page
    assert wrong == {}
    assert len(exported) > 35


@pytest.mark.parametrize("query", ["", "sort=name", "sort=-name", "sort=live_score", "sort=-live_score", "q=shop"])
def test_the_rows_come_in_the_order_of_the_list_over_many_pages(
    analyst: User, monkeypatch: pytest.MonkeyPatch, client: Client, query: str
) -> None:
    """Red if a page began where the one before it did not end: with equal keys, and with nulls."""
    publish_market()
    make_merchants(Partner.objects.latest("pk"), *(f"shop-new-{number}" for number in range(5)))
    Merchant.objects.filter(external_id__endswith="1").update(name="Shop twice")
    Merchant.objects.filter(external_id__endswith="2").update(name="Shop twice")
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    export = done(analyst, "merchants.merchant", query)
    client.force_login(analyst)
    listing = client.get(f"{reverse('admin:merchants_merchant_changelist')}?{query}").context["listing"]
    expected = [[row.name, row.external_id] for row in listing.rows]
    assert len(expected) > 6
    assert [row[:2] for row in content(export)[1:]] == expected
    assert content(export)[0][:2] == ["Merchant", "Merchant, detail"]


def test_all_rows_are_of_one_moment_and_progress_is_seen_meanwhile(
    analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if each page were read as of its own moment, or the lease renewed once all is written."""
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    make_jobs(6)
    export = ask(analyst, query="job=scoring.score_shard")
    claim = claim_job(job_id=JobRun.objects.get(name="office.write_export").pk, now=timezone.now())
    assert claim is not None
    seen = list[tuple[int, int | None]]()

    def look() -> None:
        job = JobRun.objects.get(pk=claim.job_id)
        seen.append((job.done, job.total))
        JobRun.objects.filter(subject_id=0, name="scoring.score_shard").update(name="scoring.gone")
        JobRun.objects.create(name="scoring.later", subject_id=len(seen), started_by="staff:1", sent_at=NOW)
        connection.close()

    def clock() -> datetime:
        with ThreadPoolExecutor(1) as beside:
            beside.submit(look).result()
        return timezone.now()

    write_export(claim=claim, clock=clock)
    export.refresh_from_db()
    assert [row[1] for row in content(export)[1:]] == ["5", "4", "3", "2", "1", "0"]
    assert seen[:5] == [(0, None), (0, 0), (0, 6), (2, 6), (4, 6)]  # before it is counted, too, and after


@pytest.mark.parametrize("moment", ["lines_of", "_finish", "record_event"])
def test_a_killed_worker_leaves_no_half_file_to_anybody(analyst: User, directory: Path, moment: str) -> None:
    """Red if the file were handed out before its row says that it is done, or never written again."""
    make_jobs(3)
    export = ask(analyst)
    job = JobRun.objects.get(name="office.write_export")
    die_in(
        f"from django.conf import settings\nsettings.UPLOADS_DIR = {str(directory.parent)!r}\n"
        f"import config.office.tasks\nfrom config.office import exports\nexports.{moment} = die\n"
        f"from config.office.job_runs import run_job\nrun_job({job.pk}, exports.write_export)"
    )
    export.refresh_from_db()
    left = files(directory)
    assert (export.state, len(left), left[0].startswith(".")) == (ExportState.WAITING, 1, moment == "lines_of")
    assert fetch(export, analyst) is FetchRefusal.NOT_DONE

    JobRun.objects.filter(pk=job.pk).update(lease_until=timezone.now())  # the lease runs out
    do_stages(EXPORTS, export.pk)
    export.refresh_from_db()
    assert [row[1] for row in content(export)[1:]] == ["2", "1", "0"]
    sweep_exports(now=timezone.now())
    assert set(files(directory)) == {*left, export.key}  # it may still be written
    for name in (*left, export.key):
        long_ago = (timezone.now() - STRAY_AFTER).timestamp() - 1
        os.utime(directory / name, (long_ago, long_ago))
    sweep_exports(now=timezone.now())
    assert files(directory) == [export.key]
    assert fetch(export, analyst) is None


def test_a_worker_that_lost_its_claim_leaves_no_file(analyst: User, directory: Path) -> None:
    """Red if the one that slept past its lease ended the export of the one that works."""
    make_jobs(1)
    export = ask(analyst)
    job = JobRun.objects.get(name="office.write_export")
    asleep = claim_job(job_id=job.pk, now=timezone.now() - timedelta(hours=1))
    assert asleep is not None
    assert claim_job(job_id=job.pk, now=timezone.now()) is not None
    with pytest.raises(StaleRow):
        write_export(claim=asleep, clock=timezone.now)
    export.refresh_from_db()
    assert (export.state, files(directory)) == (ExportState.WAITING, [])


def test_a_claim_that_is_lost_after_the_last_row_leaves_no_file(analyst: User, directory: Path) -> None:
    """Red if a whole file stayed that no row names."""
    make_jobs(1)
    export = ask(analyst)
    job = JobRun.objects.get(name="office.write_export")
    asleep = claim_job(job_id=job.pk, now=timezone.now())
    assert asleep is not None
    times = iter([timezone.now()] * 3)  # of its reports

    def clock() -> datetime:
        now = next(times, None)
        if now is None:  # the file is in its place
            assert len(files(directory)) == 1
            assert claim_job(job_id=job.pk, now=timezone.now() + timedelta(hours=1)) is not None
        return now or timezone.now()

    with pytest.raises(StaleRow):
        write_export(claim=asleep, clock=clock)
    export.refresh_from_db()
    assert (export.state, files(directory)) == (ExportState.WAITING, [])


def test_a_file_whose_row_was_committed_stays_whatever_happens_next(
    analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if a connection that broke after the commit took a file away that its row names."""
    export, finish = ask(analyst), exports._finish  # noqa: SLF001

    def breaks(*given: Any, **named: Any) -> None:  # noqa: ANN401
        finish(*given, **named)
        raise InterfaceError

    monkeypatch.setattr(exports, "_finish", breaks)
    attempt_job(EXPORTS, JobRun.objects.get(name="office.write_export"))
    export.refresh_from_db()
    assert export.state == ExportState.DONE
    assert fetch(export, analyst) is None


def test_one_export_is_written_at_a_time(analyst: User, directory: Path, enqueued: Enqueued) -> None:
    """Red if exports could hold all workers: one waits for the other, which is no attempt, and then is sent at once."""
    first, second = ask(analyst), ask(analyst, query="")
    jobs = JobRun.objects.filter(name="office.write_export").order_by("pk")
    begun, end = Event(), Event()

    def write_another() -> None:
        with one_moment():
            assert try_lock_name("office.write_export")
            begun.set()
            end.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as beside:
        other = beside.submit(write_another)
        assert begun.wait(20)
        for job in jobs:
            attempt_job(EXPORTS, job)
        end.set()
        other.result()
    assert [(job.state, job.attempts) for job in jobs.all()] == [(JobState.WAITING, 0)] * 2
    assert files(directory) == []
    enqueued()
    do_stages(EXPORTS, first.pk)
    assert enqueued() == [("office.write_export", {"job_id": jobs[1].pk})]
    do_stages(EXPORTS, second.pk)
    assert set(ListExport.objects.values_list("state", flat=True)) == {ExportState.DONE}


class Named:
    """A lock by name, that a race holds as it holds rows."""

    def __init__(self, *key: str) -> None:
        self.key = key

    def lock(self) -> list[object]:
        lock_name(*self.key)
        return []


def test_two_clicks_are_one_export(analyst: User) -> None:
    """Red without the lock: both would see that none waits, and the index would end one in an error page."""
    held: Any = Named("office.request_export", f"staff:{analyst.pk}")
    outcomes = race(partial(ask, analyst), partial(ask, analyst), held=held)
    [refused] = [one for one in outcomes if isinstance(one, ExportNotStarted)]
    assert refused.reason is ExportRefusal.WAITS_ALREADY
    assert ListExport.objects.count() == JobRun.objects.filter(name="office.write_export").count() == 1


@pytest.mark.parametrize("loss", ["of the list", "of all rights", "of the account"])
def test_rights_count_when_it_is_written(loss: str, directory: Path) -> None:
    """Red if an export that waits were written for somebody who may not see the list any more."""
    auditor = make_user("auditor", Role.AUDITOR)
    export = ask(auditor, "office.operationevent", "")
    auditor.groups.set([] if loss == "of all rights" else Group.objects.filter(name=Role.COLLECTOR))
    if loss == "of the account":
        auditor.groups.set(Group.objects.filter(name=Role.AUDITOR))
        User.objects.filter(pk=auditor.pk).update(is_active=False)
    do_stages(EXPORTS, export.pk)
    export.refresh_from_db()
    assert (export.state, export.failure, files(directory)) == (ExportState.FAILED, ExportFailure.NO_RIGHT, [])
    assert OperationEvent.objects.get(name="office.finish_export").after["failure"] == ExportFailure.NO_RIGHT


def test_an_export_of_the_exports_holds_ones_own_alone(analyst: User) -> None:
    make_export(requested_by="staff:999", query="q=theirs")
    mine = done(analyst, "office.listexport", "")
    assert [row[4] for row in content(mine)[1:]] == ["analyst"]


def test_an_export_whose_job_failed_for_good_can_be_asked_for_again(
    client: Client, analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if what no worker does any more kept its person from asking again."""
    export = ask(analyst)
    monkeypatch.setattr(exports, "head_of", lambda _columns, **_given: 1 / 0)
    for _ in range(3):
        attempt_job(EXPORTS, JobRun.objects.get(name="office.write_export"))
    client.force_login(analyst)
    shown = reverse("admin:office_listexport_change", args=[export.pk])
    assert client.get(shown).context["page"].chips[0].text == STOPPED[0]
    sweep_exports(now=timezone.now())
    export.refresh_from_db()
    assert (export.state, export.failure) == (ExportState.FAILED, ExportFailure.BROKE_OFF)
    assert JobRun.objects.get(name="office.write_export").state == JobState.DROPPED
    assertContains(client.get(shown), "failed each time")
    assert ask(analyst).pk != export.pk


def test_a_filter_that_is_gone_by_then_ends_the_export(analyst: User) -> None:
    export = done(analyst, query="colour=red")
    assert (export.state, export.failure) == (ExportState.FAILED, ExportFailure.BAD_QUERY)
