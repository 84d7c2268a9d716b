"""Lists as files, from the button to the sweep."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.asserts import assertContains, assertNotContains

from config.declarations import Role
from config.office import export_rules, exports
from config.office.actors import SYSTEM
from config.office.business_date import open_day
from config.office.export_pages import FETCH_REFUSALS
from config.office.export_rules import (
    KEPT_FOR,
    MOST_WAITING,
    ExportFailure,
    FetchRefusal,
)
from config.office.exports import (
    EXPORTED,
    EXPORTS,
    sweep_exports,
)
from config.office.models import JobRun, ListExport, OperationEvent
from config.office.models.job_run import JobState
from config.office.models.list_export import ExportState
from tests.config.office.made_lists import ask, content, done, fetch, files, make_export, make_jobs
from tests.conftest import NOW, Enqueued, make_user
from tests.lending.loans import OPENED
from tests.stages import do_stages

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "admin:office_jobrun_changelist"
EXPORT = "admin:office_jobrun_export"


@pytest.fixture(autouse=True)
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("django.conf.settings.UPLOADS_DIR", tmp_path)
    return tmp_path / "exports"


@pytest.fixture
def analyst() -> User:
    return make_user("analyst", Role.CREDIT_ANALYST)


@pytest.fixture
def signed_in(client: Client, analyst: User) -> Client:
    client.force_login(analyst)
    return client


def test_a_list_is_exported_written_and_fetched(
    signed_in: Client, analyst: User, enqueued: Enqueued, directory: Path
) -> None:
    make_jobs(3)
    JobRun.objects.create(name="a.b", subject_id=9, started_by="staff:1", sent_at=NOW)
    assertContains(signed_in.get(reverse(LIST), {"state": "DONE"}), f'href="{reverse(EXPORT)}?state=DONE"')
    page = signed_in.get(reverse(EXPORT), {"state": "DONE"})
    told = [(str(name), str(value)) for name, value in page.context["step"].about[0].facts]
    assert told == [("State", "Done"), ("Rows", "3")]
    assertContains(page, "200,000 rows fit")
    assert not ListExport.objects.exists()
    page = signed_in.post(f"{reverse(EXPORT)}?state=DONE", follow=True)
    export = ListExport.objects.get()
    shown = reverse("admin:office_listexport_change", args=[export.pk])
    assert page.redirect_chain == [(shown, 302)]
    assertContains(page, "Being written")
    assertContains(page, 'hx-trigger="every 2s"')
    assert (export.listed, export.query, export.requested_by) == ("office.jobrun", "state=DONE", f"staff:{analyst.pk}")
    [job] = JobRun.objects.filter(name="office.write_export")
    assert enqueued() == [("office.write_export", {"job_id": job.pk})]

    do_stages(EXPORTS, export.pk)
    export.refresh_from_db()
    head, *rows = content(export)
    assert head == ["Job", "Of", "Part", "State", "Done", "Attempts", "Claimed", "Finished"]
    assert [row[1] for row in rows] == ["2", "1", "0"]
    assert (export.state, export.rows, files(directory)) == (ExportState.DONE, 3, [export.key])
    job.refresh_from_db()
    assert (job.state, job.done, job.total) == (JobState.DONE, 3, 3)
    live = signed_in.get(reverse("admin:office_listexport_progress", args=[export.pk]))
    assert live["HX-Refresh"] == "true"
    download = reverse("admin:office_listexport_download", args=[export.pk])
    assertContains(signed_in.get(shown), f'href="{download}"')

    reply = signed_in.get(download)
    assert b"".join(reply.streaming_content) == EXPORTED.path_of(export.key).read_bytes()  # type: ignore[attr-defined] # a streamed reply's
    reply.close()
    assert reply["Content-Type"] == "text/csv; charset=utf-8"
    assert reply["Content-Disposition"] == f'attachment; filename="jobs-{export.requested_at:%Y-%m-%d-%H%M}.csv"'
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in reply["Cache-Control"]
    assert (
        signed_in.head(download).status_code == signed_in.post(download).status_code == 405
    )  # no download that is none
    events = OperationEvent.objects.filter(subject=f"office.listexport:{export.pk}").order_by("pk")
    assert [event.name for event in events] == ["office.export_list", "office.finish_export", "office.download_export"]
    assert {event.after["list"] for event in events} == {"office.jobrun"}


def test_the_second_click_says_that_it_waits(signed_in: Client, analyst: User) -> None:
    address = f"{reverse(EXPORT)}?state=DONE"
    signed_in.post(address)
    page = signed_in.post(address, follow=True)
    assertContains(page, "exactly this: it is being written")
    assertContains(page, f'href="{reverse("admin:office_listexport_change", args=[ListExport.objects.get().pk])}"')
    assert ListExport.objects.count() == 1
    signed_in.post(f"{reverse(EXPORT)}?state=WAITING")
    assert ListExport.objects.count() == 2
    for number in range(MOST_WAITING):
        make_export(requested_by=f"staff:{analyst.pk}", query=f"q={number}")
    assertContains(signed_in.post(reverse(EXPORT)), "wait for one of them")


def test_without_a_directory_nothing_is_exported(signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.conf.settings.UPLOADS_DIR", None)
    assertContains(signed_in.post(reverse(EXPORT)), "UPLOADS_DIR")
    assert not ListExport.objects.exists()
    sweep_exports(now=timezone.now())


def test_a_list_that_is_too_long_is_refused_before_and_while_it_is_written(
    signed_in: Client, analyst: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red if rows that came after the request made a file of any length."""
    make_jobs(3)
    export = ask(analyst)
    for module in (export_rules, exports):
        monkeypatch.setattr(module, "MOST_ROWS", 2)
    page = signed_in.get(f"{reverse(EXPORT)}?state=DONE")
    assertContains(page, "fit into one file")
    do_stages(EXPORTS, export.pk)
    export.refresh_from_db()
    assert (export.state, export.failure) == (ExportState.FAILED, ExportFailure.TOO_MANY_ROWS)
    assertContains(signed_in.get(reverse("admin:office_listexport_change", args=[export.pk])), "narrow the list")


@pytest.mark.parametrize("roles", [[], [Role.COLLECTOR], [Role.VIEWER]])
def test_rights_count_when_it_is_fetched(client: Client, roles: list[Role]) -> None:
    auditor = make_user("auditor", Role.AUDITOR)
    export = done(auditor, "office.operationevent", "")
    auditor.groups.set(Group.objects.filter(name__in=roles))
    client.force_login(auditor)
    assert client.get(reverse("admin:office_listexport_download", args=[export.pk])).status_code == 403
    assert not OperationEvent.objects.filter(name="office.download_export").exists()


def test_a_right_that_is_lost_after_it_was_written_keeps_the_file_back(client: Client) -> None:
    """Red if rows that only the lost role was shown were handed out, as the list itself is still seen."""
    user = make_user("controller", Role.CONTROLLER)
    export = done(user)
    assert "office.view_operationevent" in export.authority
    client.force_login(user)
    user.groups.add(Group.objects.get(name=Role.FINANCE))
    download = reverse("admin:office_listexport_download", args=[export.pk])
    assert statuses(client, [download]) == [200]
    user.groups.set(Group.objects.filter(name=Role.FINANCE))
    page = client.get(download, follow=True)
    assertContains(page, "lost a role or a right")
    assertContains(page, f'href="{reverse(EXPORT)}?state=DONE">Export again')
    assert OperationEvent.objects.filter(name="office.download_export").count() == 1


def statuses(client: Client, addresses: list[str]) -> list[int]:
    found = []
    for address in addresses:
        reply = client.get(address)
        reply.close()  # a file that is sent
        found.append(reply.status_code)
    return found


def test_each_sees_and_fetches_their_own_alone(client: Client, analyst: User) -> None:
    """Red if a guessed number opened another's export, or whoever oversees them read what they say."""
    make_jobs(1)
    export = done(analyst)
    listed = reverse("admin:office_listexport_changelist")
    pages = [
        reverse(f"admin:office_listexport_{page}", args=[export.pk]) for page in ("change", "progress", "download")
    ]
    client.force_login(make_user("other", Role.FINANCE))
    assert statuses(client, pages) == [404, 404, 404]
    assertContains(client.get(listed), "You have exported nothing yet")
    assertNotContains(client.get(listed), ">Export</a>")
    client.force_login(make_user("auditor", Role.AUDITOR))
    assert statuses(client, pages) == [200, 200, 403]
    assertContains(client.get(listed), analyst.username)
    assertContains(client.get(pages[0]), FETCH_REFUSALS[FetchRefusal.NOT_OWN])
    client.force_login(analyst)
    assert statuses(client, pages) == [200, 200, 200]


def test_a_file_is_handed_out_for_a_day_and_then_removed(signed_in: Client, analyst: User, directory: Path) -> None:
    make_jobs(1)
    export = done(analyst)
    assert export.expires_at is not None
    assert export.finished_at is not None
    assert export.expires_at - export.finished_at == KEPT_FOR
    just_before = export.expires_at - timedelta(seconds=1)
    sweep_exports(now=just_before)
    assert fetch(export, analyst, just_before) is None
    assert fetch(export, analyst, export.expires_at) is FetchRefusal.EXPIRED
    for _ in range(2):  # harmless if repeated
        sweep_exports(now=export.expires_at)
        assert files(directory) == []
    expired = ListExport.objects.get()
    assert (expired.state, expired.key, expired.rows, expired.sha256) == ("EXPIRED", "", 1, export.sha256)
    page = signed_in.get(reverse("admin:office_listexport_download", args=[export.pk]), follow=True)
    assertContains(page, "has expired: export the list again")
    assertNotContains(page, "/download/")
    assertContains(page, f'href="{reverse(EXPORT)}?state=DONE">Export again')


def test_one_file_that_cannot_be_removed_keeps_no_other(analyst: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red if the sweep ended at the first error, or at a file that another worker removed between two looks."""
    exported = [done(analyst), done(analyst, query="")]
    assert all(export.expires_at for export in exported)
    tried, unlink = list[str](), Path.unlink

    def fails_once(path: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - as it is
        tried.append(path.name)
        if len(tried) == 1:
            raise PermissionError
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", fails_once)
    sweep_exports(now=timezone.now() + KEPT_FOR)
    assert sorted(tried) == sorted(export.key for export in exported)
    assert EXPORTED.old(before=timezone.now() + KEPT_FOR) == tried[:1]
    monkeypatch.setattr(Path, "is_file", lambda _path: True)
    monkeypatch.setattr(Path, "iterdir", lambda path: iter([path / "gone", path / f"{'a' * 32}.csv", path / tried[0]]))
    assert EXPORTED.old(before=timezone.now() + KEPT_FOR) == tried[:1]


def test_a_file_that_is_gone_is_said_to_be(signed_in: Client, analyst: User) -> None:
    export = done(analyst)
    EXPORTED.forget(export.key)
    page = signed_in.get(reverse("admin:office_listexport_download", args=[export.pk]), follow=True)
    assertContains(page, "not there any more")
    assertContains(page, f'href="{reverse(EXPORT)}?state=DONE">Export again')
    assert not OperationEvent.objects.filter(name="office.download_export").exists()


def test_a_query_that_the_list_does_not_know_is_not_exported(signed_in: Client) -> None:
    page = signed_in.post(f"{reverse(EXPORT)}?colour=red", follow=True)
    assertContains(page, "This list does not know “colour”")
    assert not ListExport.objects.exists()


def test_a_viewer_exports_nothing_and_is_told_so(client: Client) -> None:
    client.force_login(make_user("viewer", Role.VIEWER))
    page = client.get(reverse(LIST))
    assertContains(page, '<span class="tl-button" role="link" aria-disabled="true">Export</span>')
    assert client.post(reverse(EXPORT)).status_code == 403
    assert not ListExport.objects.exists()


def test_a_list_of_a_day_is_exported_as_of_the_day_it_was_asked_on(client: Client) -> None:
    """Red if the day that the address leaves open moved before the worker came to it."""
    open_day(on=OPENED, actor=SYSTEM, now=NOW)
    client.force_login(make_user("finance", Role.FINANCE))
    client.post(reverse("admin:lending_loanspell_export"))
    assert ListExport.objects.get().query == f"on={OPENED}"
