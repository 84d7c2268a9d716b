"""Exports and saved views that tests make beside any operation."""

import csv
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from config.office.actors import Actor
from config.office.export_rules import KEPT_FOR, FetchRefusal, FileNotFetched
from config.office.exports import EXPORTED, EXPORTS, fetch_export, request_export
from config.office.list_files import BOM
from config.office.models import JobRun, ListExport, SavedView
from tests.conftest import NOW
from tests.stages import do_stages

DONE = {
    "state": "DONE",
    "finished_at": NOW,
    "rows": 1,
    "size": 1,
    "sha256": "a" * 64,
    "key": f"{'b' * 32}.csv",
    "expires_at": NOW + KEPT_FOR,
}


def make_export(**columns: Any) -> ListExport:  # noqa: ANN401 - of any column
    """Make an export of the merchants, which waits."""
    plain = {"listed": "merchants.merchant", "query": "", "requested_by": "staff:1", "requested_at": NOW}
    return ListExport.objects.create(**plain | columns)


def make_view(**columns: Any) -> SavedView:  # noqa: ANN401 - of any column
    """Make a view of the merchants."""
    plain = {"listed": "merchants.merchant", "name": "North", "query": "region=north", "owner": "staff:1"}
    return SavedView.objects.create(**plain | {"created_at": NOW} | columns)


def make_jobs(number: int) -> None:
    for subject in range(number):
        JobRun.objects.create(
            name="scoring.score_shard", subject_id=subject, state="DONE", started_by="staff:1", sent_at=NOW,
            finished_at=NOW, claimed_at=NOW,
        )  # fmt: skip


def ask(user: User, listed: str = "office.jobrun", query: str = "state=DONE") -> ListExport:
    return request_export(listed=listed, query=query, rows=0, actor=Actor.of_staff(user.pk), now=timezone.now())


def done(user: User, listed: str = "office.jobrun", query: str = "state=DONE") -> ListExport:
    export = ask(user, listed, query)
    do_stages(EXPORTS, export.pk)
    export.refresh_from_db()
    return export


def content(export: ListExport) -> list[list[str]]:
    text = EXPORTED.path_of(export.key).read_text(encoding="utf-8")
    assert text.startswith(BOM)
    return list(csv.reader(StringIO(text.removeprefix(BOM), newline="")))


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []


def fetch(export: ListExport, user: User, now: datetime | None = None) -> FetchRefusal | None:
    try:
        fetch_export(export_id=export.pk, user=user, now=now or timezone.now()).close()
    except FileNotFetched as error:
        return error.reason
    return None
