"""Keep files that staff uploads, and import them: one job a file, block by block, as the command does."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.utils.translation import gettext_lazy as _

from config.db.transactions import operation, require_one
from config.office.actors import SYSTEM, Actor
from config.office.events import record_event
from config.office.job_runs import Claim, Clock, report_progress
from config.office.stages import Pipeline, Stage
from merchants.domain.transaction import COLUMNS, REQUIRED
from merchants.gateways.feed_files import count_lines, open_feed_file
from merchants.gateways.feed_head import UnreadableFeed
from merchants.gateways.uploads import UPLOADED, keep_upload
from merchants.models import FeedUpload, Partner
from merchants.models.upload import UploadState
from merchants.operations.ingestion import MAX_ROWS

STRAY_AFTER: Final = timedelta(days=1)  # a file is kept just before its upload is entered


def upload_feed(*, partner_id: int, name: str, path: Path, actor: Actor, clock: Clock) -> FeedUpload:
    """Keep a file of a partner's transactions, and queue the job that imports it.

    Raises NoDirectory, OSError, Partner.DoesNotExist, Contended.
    """
    kept = keep_upload(path, name=name)
    try:
        with operation():
            now = clock()
            upload = FeedUpload.objects.create(
                partner=Partner.objects.get(pk=partner_id),
                name=name[:200],
                key=kept.key,
                size=kept.size,
                sha256=kept.sha256,
                uploaded_by=str(actor),
                uploaded_at=now,
            )
            record_event(
                name="merchants.upload_feed",
                subject=upload,
                actor=actor,
                before={},
                after={"partner": partner_id, "bytes": kept.size, "sha256": kept.sha256},
                now=now,
            )
            UPLOADS.start(subject_id=upload.pk, actor=actor, now=now)
            return upload
    except Exception:
        UPLOADED.forget(kept.key)
        raise


def import_upload(*, claim: Claim, clock: Clock) -> None:
    """Import the claimed file, and forget it. Raises StaleRow if fenced off.

    Killed on the way, it is read from its beginning again: what was stored comes as duplicates. A file that breaks off
    keeps the rows before that place, and says where.
    """
    # Imported here: what judges rows in columns takes more memory than all else that a worker imports.
    from merchants.gateways.feed_blocks import blocks_of  # noqa: PLC0415
    from merchants.operations.file_ingestion import receive_block  # noqa: PLC0415

    upload = FeedUpload.objects.get(pk=claim.subject_id)
    received, failure = 0, ""
    try:
        file = open_feed_file(UPLOADED.path_of(upload.key), REQUIRED)
        # Each report renews the lease: without one, the worker would be taken for dead before the first block.
        total = count_lines(file, meanwhile=lambda: report_progress(claim=claim, done=0, total=0, now=clock()))
        for block in blocks_of(file, wanted=COLUMNS, lines_a_block=MAX_ROWS):
            first, last = block.span
            receive_block(
                partner_id=upload.partner_id,
                source=f"{upload.name[:100]}, rows {first} to {last}",
                block=block,
                upload_id=upload.pk,
                actor=SYSTEM,
                clock=clock,
            )
            received += len(block)
            report_progress(claim=claim, done=received, total=max(total, received), now=clock())
    except UnreadableFeed as error:
        failure = str(error).replace(str(UPLOADED.path_of(upload.key)), upload.name)
    with operation():
        now = clock()
        waiting = FeedUpload.objects.filter(pk=upload.pk, state=UploadState.WAITING)
        state = UploadState.UNREADABLE if failure else UploadState.READ
        require_one(waiting.update(state=state, failure=failure[:300], finished_at=now))
        UPLOADS.finish_part(claim=claim, done=received, now=now)
    UPLOADED.forget(upload.key)


def forget_stray_uploads(*, now: datetime) -> int:
    """Remove the files for which no upload waits, as a process that died leaves them; return how many."""
    old = UPLOADED.old(before=now - STRAY_AFTER)
    waiting = FeedUpload.objects.filter(key__in=old, state=UploadState.WAITING).values_list("key", flat=True)
    strays = set(old) - set(waiting)
    UPLOADED.forget_all(strays)
    return len(strays)


UPLOADS: Final = Pipeline(
    subject=FeedUpload,
    rows_a_part=MAX_ROWS,
    stages=(
        Stage(
            name="merchants.import_upload",
            work=import_upload,
            words=_("Read the file"),
            counts=_("rows"),
            is_divided=False,
        ),
    ),
)
