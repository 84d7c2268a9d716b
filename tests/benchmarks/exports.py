"""What is measured of exports: how fast lists are written into files, beside a bare COPY of their tables."""

import gc
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict
from django.test import override_settings
from django.utils import timezone

from config.office.actors import Actor
from config.office.exports import EXPORTED, EXPORTS, request_export
from config.office.list_names import list_named
from config.office.models import ListExport
from tests.benchmarks.pages import fill
from tests.benchmarks.results import Result, ratio, say, timed
from tests.stages import do_stages

LISTS: Final[Sequence[tuple[str, str]]] = (
    ("lending.loan", ""),
    ("lending.loan", "sort=late_since"),
    ("lending.loanorigin", ""),
    ("lending.offer", ""),
    ("merchants.merchant", ""),
)


def exports() -> Result:
    """Export lists as a worker does, in this process; copy their tables whole."""
    fill()
    gc.enable()  # as in a worker: what the suite imports switches it off
    actor = Actor.of_staff(User.objects.create_superuser("bench", password=None).pk)
    say("\nExports: lists written into files, each as of one moment")
    slowest = 0.0
    with TemporaryDirectory() as folder, override_settings(UPLOADS_DIR=Path(folder)):
        for listed, query in LISTS:
            export = request_export(
                listed=listed, query=completed(listed, query), rows=0, actor=actor, now=timezone.now()
            )
            ours = timed(lambda export=export: do_stages(EXPORTS, export.pk))  # type: ignore[misc] # bound at once
            export.refresh_from_db()
            assert export.rows is not None, export.failure
            say(f"{listed}?{query}, {(export.size or 0) / 1e6:,.1f} MB", ours, rows=export.rows)
            bare = timed(lambda listed=listed: copied(listed.replace(".", "_")), 3)  # type: ignore[misc] # as above
            say("  bare COPY of the table", bare, rows=export.rows)
            slowest = max(slowest, ratio("the export takes, in bare COPYs", ours, bare))
            EXPORTED.forget(ListExport.objects.get(pk=export.pk).key)
    return Result(ratio=slowest, rival="time of a bare COPY (SELECT *) of the list's table")


def completed(listed: str, query: str) -> str:
    """Write a query as the button does: with the day, where a list is of one."""
    page = list_named(listed)
    assert page is not None
    asked = page.completed(QueryDict(query))
    return page.described(asked).normal(asked)


def copied(table: str) -> int:
    """Copy a table out, and return the bytes."""
    with connection.cursor() as cursor, cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copy:
        return sum(len(part) for part in copy)


WORKLOADS = {"exports": exports}
