"""Lists as files: asked for in the office, written by a worker, fetched by whoever asked, removed after a day."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import IO, Any, Final

from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from config.db.locking import lock_name, try_lock_name
from config.db.planning import planned_for_its_values
from config.db.transactions import StaleRow, one_moment, operation, require_one
from config.disk import FileStore, KeptFile
from config.jobs import enqueue
from config.office.actors import SYSTEM, Actor, actor_of, id_of
from config.office.events import Fact, record_event
from config.office.export_rules import (
    KEPT_FOR,
    MOST_ROWS,
    ExportFailure,
    ExportNotMade,
    ExportNotStarted,
    ExportRefusal,
    FetchRefusal,
    FileNotFetched,
    is_too_large,
    judge_fetch,
    judge_request,
)
from config.office.job_runs import Claim, Clock, NotYet, report_progress
from config.office.list_files import detailed_in, head_of, lines_of
from config.office.list_names import list_named
from config.office.lists import BadQuery, Narrowed
from config.office.models import JobRun, ListExport
from config.office.models.job_run import JobState
from config.office.models.list_export import ExportState
from config.office.roles import authority_of
from config.office.stages import Pipeline, Stage

RIGHT: Final = "office.export_list"
AT_ONCE: Final = 2_000
"""Rows that are read and written together: some megabytes, and much less time than a lease."""
STRAY_AFTER: Final = timedelta(hours=1)
"""A worker writes to its file every few seconds: one untouched for so long has no worker any more."""
EXPORTED: Final = FileStore(setting="UPLOADS_DIR", below="exports")


def may_export(user: User, label: str) -> bool:
    """Check whether somebody may export a list: who may see it, and export at all."""
    page = list_named(label)
    return page is not None and user.has_perm(RIGHT) and page.may_be_viewed_by(user)


def count_rows(found: Narrowed) -> int:
    """Count the rows that an export would hold, no further than to one more than fit."""
    return found.rows.order_by()[: MOST_ROWS + 1].count()


def waiting_export(*, listed: str, query: str, actor: Actor) -> ListExport | None:
    """Return the export of exactly this that somebody waits for."""
    return ListExport.objects.of(str(actor)).waiting().filter(listed=listed, query=query).first()


def get_export_refusal(*, listed: str, query: str, rows: int, actor: Actor) -> ExportRefusal | None:
    """Decide whether somebody may export a list now."""
    own = ListExport.objects.of(str(actor)).waiting()
    return judge_request(
        has_directory=EXPORTED.is_set,
        query=query,
        rows=rows,
        same=waiting_export(listed=listed, query=query, actor=actor) is not None,
        waiting=own.count(),
    )


def request_export(*, listed: str, query: str, rows: int, actor: Actor, now: datetime) -> ListExport:
    """Queue the job that writes a list into a file. query: normal; rows: as counted. Raises ExportNotStarted."""
    with operation():
        lock_name("office.request_export", str(actor))  # of two clicks, the second sees the first
        refusal = get_export_refusal(listed=listed, query=query, rows=rows, actor=actor)
        if refusal is not None:
            raise ExportNotStarted(refusal)
        export = ListExport.objects.create(listed=listed, query=query, requested_by=str(actor), requested_at=now)
        record_event(name="office.export_list", subject=export, actor=actor, before={}, after={"list": listed}, now=now)
        EXPORTS.start(subject_id=export.pk, actor=actor, now=now)
        return export


def write_export(*, claim: Claim, clock: Clock) -> None:
    """Write the claimed list into a file. Raises StaleRow if fenced off, NotYet beside another, NoDirectory, OSError.

    Killed on the way, it is written anew: a file is handed out only once its row says that it is done.
    """
    export = ListExport.objects.get(pk=claim.subject_id)
    user = User.objects.get(pk=id_of(export.requested_by))
    authority = sorted(authority_of(user))
    try:
        kept, rows = _written(export, user, claim, clock)
    except ExportNotMade as error:
        _finish(export, claim, ExportState.FAILED, now=clock(), failure=error.reason)
        return
    now = clock()
    facts = {"rows": rows, "size": kept.size, "sha256": kept.sha256, "authority": authority}
    try:
        _finish(export, claim, ExportState.DONE, now=now, key=kept.key, expires_at=now + KEPT_FOR, **facts)
    except StaleRow:  # raised before the commit; after any other error the row may name the file: the sweep looks
        EXPORTED.forget(kept.key)
        raise


def _written(export: ListExport, user: User, claim: Claim, clock: Clock) -> tuple[KeptFile, int]:
    """Write the file, all rows as of one moment; return it and their number. Raises ExportNotMade, StaleRow, NotYet."""
    asked, page = QueryDict(export.query), list_named(export.listed)
    if page is None or not may_export(user, export.listed):
        raise ExportNotMade(ExportFailure.NO_RIGHT)
    written = total = 0

    def report() -> None:
        report_progress(claim=claim, done=written, total=total, now=clock())

    try:
        # Progress is told on a connection beside the one that reads as of one moment: it has to be seen at once.
        with _beside() as beside, one_moment(), planned_for_its_values():
            if not try_lock_name("office.write_export"):  # until the last row is read, or the worker is dead
                raise NotYet
            beside(report)
            described = page.described(asked)
            found = described.narrow(page.shown_to(user, page.listed()), asked)
            total = count_rows(found)
            if is_too_large(total):
                raise ExportNotMade(ExportFailure.TOO_MANY_ROWS)
            beside(report)
            with EXPORTED.keep(".csv") as draft:
                columns, detailed = described.columns, None
                for rows in described.walk(found, at_once=AT_ONCE):
                    if detailed is None:  # decided by the first rows, as nobody has seen the others yet
                        detailed = detailed_in(columns, rows)
                        draft.write(head_of(columns, detailed=detailed))
                    draft.write(lines_of(columns, rows, detailed=detailed))
                    written += len(rows)
                    beside(report)
    except BadQuery as error:
        raise ExportNotMade(ExportFailure.BAD_QUERY) from error
    return draft.kept, written


@contextmanager
def _beside() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Let the block do things on a connection of their own, one after the other."""
    with ThreadPoolExecutor(1) as thread:
        try:
            yield lambda call: thread.submit(call).result()
        finally:
            thread.submit(lambda: connection.close()).result()  # noqa: PLW0108 - the thread's own


def _finish(export: ListExport, claim: Claim, state: ExportState, *, now: datetime, **facts: Any) -> None:  # noqa: ANN401
    with operation():
        waiting = ListExport.objects.waiting().filter(pk=export.pk)
        require_one(waiting.update(state=state, finished_at=now, **facts))
        _record_end(export, state, now=now, **facts)
        EXPORTS.finish_part(claim=claim, done=facts.get("rows", 0), now=now)
        following = JobRun.objects.filter(name=claim.name, state=JobState.WAITING).order_by("pk").first()
        if following is not None:  # one that had to wait for this one need not wait for the next sweep of jobs
            enqueue(following.name, job_id=following.pk)


def _record_end(export: ListExport, state: ExportState, *, now: datetime, **facts: Any) -> None:  # noqa: ANN401
    told: dict[str, Fact] = {name: facts[name] for name in ("rows", "sha256", "failure") if name in facts}
    record_event(
        name="office.finish_export",
        subject=export,
        actor=SYSTEM,
        before={"state": ExportState.WAITING},
        after={"state": state, "list": export.listed, **told},
        now=now,
    )


def get_fetch_refusal(export: ListExport, *, user: User, now: datetime) -> FetchRefusal | None:
    """Decide whether somebody gets the file of an export now."""
    return judge_fetch(
        state=ExportState(export.state),
        expires_at=export.expires_at,
        now=now,
        is_own=export.requested_by == str(actor_of(user)),
        has_rights=may_export(user, export.listed),
        has_authority=authority_of(user).issuperset(export.authority),
        is_there=EXPORTED.is_set and EXPORTED.path_of(export.key).is_file(),
    )


def fetch_export(*, export_id: int, user: User, now: datetime) -> IO[bytes]:
    """Open the file of an export for whoever asked for it, and record that. Raises FileNotFetched."""
    with operation():
        export = ListExport.objects.filter(pk=export_id).lock().get()
        refusal = get_fetch_refusal(export, user=user, now=now)
        if refusal is not None:
            raise FileNotFetched(refusal)
        record_event(
            name="office.download_export",
            subject=export,
            actor=actor_of(user),
            before={},
            after={"list": export.listed, "rows": export.rows, "sha256": export.sha256},
            now=now,
        )
        return EXPORTED.path_of(export.key).open("rb")


def sweep_exports(*, now: datetime) -> None:
    """Remove the files of exports that have expired, and those that killed workers left; end exports whose job failed.

    Harmless if repeated: a file that could not be removed once is a stray the next time.
    """
    with operation():
        expired = ListExport.objects.filter(state=ExportState.DONE, expires_at__lte=now).lock()
        keys = {export.pk: export.key for export in expired}
        ListExport.objects.filter(pk__in=keys).update(state=ExportState.EXPIRED, key="")
        waiting = list(ListExport.objects.waiting().values_list("pk", flat=True))
        for export in ListExport.objects.filter(pk__in=EXPORTS.stopped(waiting)).waiting().lock():
            EXPORTS.drop(subject_id=export.pk, now=now)
            ended = {"failure": ExportFailure.BROKE_OFF}
            ListExport.objects.filter(pk=export.pk).update(state=ExportState.FAILED, finished_at=now, **ended)
            _record_end(export, ExportState.FAILED, now=now, **ended)
    if not EXPORTED.is_set:
        return
    old = EXPORTED.old(before=now - STRAY_AFTER)
    kept = set(ListExport.objects.filter(key__in=old).values_list("key", flat=True))
    EXPORTED.forget_all({*keys.values(), *old} - kept)


EXPORTS: Final = Pipeline(
    subject=ListExport,
    rows_a_part=MOST_ROWS,
    stages=(
        Stage(
            name="office.write_export",
            work=write_export,
            words=_("Write the rows"),
            counts=_("rows"),
            is_divided=False,
        ),
    ),
)
