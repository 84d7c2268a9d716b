"""Office pages of uploaded files: what is being read, how far it is, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from django import forms
from django.contrib import admin
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from config.disk import NoDirectory
from config.office.display import Alert, Card, Cell, Facts, Figure, Page, chip, mono
from config.office.lists import ListColumn
from config.office.pages import OfficeAdmin, name_of
from config.office.progress import live_view, progress_page
from config.office.verbs import Asked, Verb, VerbForm
from config.office.words import Words
from merchants.admin.batch import COUNTS, batches_table
from merchants.domain.text import storable
from merchants.domain.transaction import REQUIRED
from merchants.gateways.feed_files import ENDINGS, open_feed_file
from merchants.gateways.feed_head import UnreadableFeed
from merchants.gateways.uploads import UPLOADED, ending_of
from merchants.models import Batch, FeedUpload
from merchants.models.upload import UploadState
from merchants.operations.uploads import UPLOADS, upload_feed
from merchants.queries.batches import sum_counts
from merchants.queries.uploads import batches_being_stored

BATCHES: Final = 20
LARGEST: Final = 2 * 1024**3
STATES: Final = {
    UploadState.WAITING: (_("Being read"), "tl-info"),
    UploadState.READ: (_("Read"), "tl-ok"),
    UploadState.UNREADABLE: (_("Could not be read"), "tl-bad"),
}
BEING_STORED: Final = (_("Being stored"), "tl-info")
STOPPED: Final = (_("Stopped: the job failed"), "tl-bad")
NO_DIRECTORY: Final = _("No directory for uploads is set (UPLOADS_DIR): import files by the command.")


class Followed(NamedTuple):
    """An upload, how many of its batches wait to be stored, and whether its job waits for a person."""

    upload: FeedUpload
    being_stored: int
    is_stopped: bool


class UploadForm(VerbForm):
    """A file of transactions; its columns are checked before anything is kept."""

    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget({"accept": ",".join(ENDINGS)}),
        help_text=_(
            "Transactions as .csv, .csv.gz or .parquet, at most 2 GiB, with the columns %(columns)s and whatever else "
            "the import knows. The same file again changes nothing."
        )
        % {"columns": ", ".join(REQUIRED)},
    )

    def clean_file(self) -> TemporaryUploadedFile:
        """Check name, size and columns. Raises ValidationError."""
        file: TemporaryUploadedFile = self.cleaned_data["file"]
        name = file.name or ""
        if ending_of(name) is None or not storable(name):
            raise forms.ValidationError(_("The name has to end in .csv, .csv.gz or .parquet."))
        if (file.size or 0) > LARGEST:
            raise forms.ValidationError(_("The file is larger than 2 GiB: import it by the command."))
        try:
            open_feed_file(Path(file.temporary_file_path()), REQUIRED)
        except UnreadableFeed as error:
            raise forms.ValidationError(str(error).replace(file.temporary_file_path(), name)) from error
        return file


def _why_not(_row: Any, _asked: Asked) -> Words | None:  # noqa: ANN401 - a partner
    return None if UPLOADED.is_set else NO_DIRECTORY


def _upload(partner_id: int, asked: Asked) -> FeedUpload:
    file: TemporaryUploadedFile = asked.data["file"]
    return upload_feed(
        partner_id=partner_id,
        name=file.name or "",
        path=Path(file.temporary_file_path()),
        actor=asked.actor,
        clock=timezone.now,
    )


UPLOAD: Final = Verb(
    name="upload",
    label=_("Upload a file"),
    right="merchants.upload_feed",
    form=UploadForm,
    note=_(
        "Its rows are judged and stored as those that come any other way. Those that are not stored are listed, "
        "with reasons."
    ),
    why_not=_why_not,
    call=lambda partner, asked: _upload(partner.pk, asked),
    done=_("The file was received: follow its progress here."),
    refusals={NoDirectory: NO_DIRECTORY, OSError: _("The file could not be kept: there may be no room left.")},
)


def _followed(uploads: Sequence[FeedUpload]) -> list[Followed]:
    stored, stopped = batches_being_stored(uploads), UPLOADS.stopped(upload.pk for upload in uploads)
    return [
        Followed(upload=upload, being_stored=stored.get(upload.pk, 0), is_stopped=upload.pk in stopped)
        for upload in uploads
    ]


def _state(row: Followed) -> Cell:
    if row.is_stopped:
        return chip(*STOPPED)
    is_stored = row.upload.state != UploadState.READ or not row.being_stored
    return chip(*(STATES[UploadState(row.upload.state)] if is_stored else BEING_STORED))


def _live(row: Followed) -> Page:
    is_done = row.upload.state != UploadState.WAITING and not row.being_stored
    poll = None if is_done else reverse("admin:merchants_feedupload_progress", args=[row.upload.pk])
    page = progress_page(UPLOADS, subject_id=row.upload.pk, poll=poll)
    if not row.being_stored:
        return page
    left = Card(title=_("Being stored"), parts=[Facts([(_("Batches"), f"{row.being_stored:,}")])])
    return replace(page, live=[*page.live, left])


@admin.register(FeedUpload)
class FeedUploadAdmin(OfficeAdmin[FeedUpload]):
    columns = (
        ListColumn(label=_("File"), cell=lambda row: row.upload.name, style="tl-break"),
        ListColumn(label=_("Partner"), cell=lambda row: str(row.upload.partner)),
        ListColumn(label=_("State"), cell=_state),
        ListColumn(label=_("Bytes"), cell=lambda row: row.upload.size, number=True),
        ListColumn(label=_("Uploaded"), cell=lambda row: row.upload.uploaded_at, style="tl-nowrap"),
    )
    list_related = related = ("partner",)
    empty = _("No file was uploaded yet. A partner's page has the button.")

    def prepare(self, rows: list[FeedUpload]) -> Sequence[Any]:
        return _followed(rows)

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [path("<int:row_id>/progress/", wrap(self.progress_view), name="merchants_feedupload_progress")]

    def progress_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        self.require_view(request)
        [followed] = _followed([self.found(row_id)])
        return live_view(request, _live(followed))

    def page_of(self, row: FeedUpload, request: HttpRequest) -> Page:
        [followed] = _followed([row])
        live, batches = _live(followed), Batch.objects.filter(upload=row)
        uploaded = {"at": f"{row.uploaded_at:%Y-%m-%d %H:%M}", "who": name_of(row.uploaded_by)}
        broken = [Alert(strong=_("The file is incomplete or damaged:"), text=row.failure)] if row.failure else []
        facts = [(_("Bytes"), f"{row.size:,}"), (_("SHA-256"), mono(row.sha256))]
        return Page(
            title=row.name,
            chips=[_state(followed)],
            sub=[str(row.partner), _t("uploaded %(at)s UTC by %(who)s") % uploaded],
            alerts=broken,
            figures=[Figure(label=COUNTS[name], value=count) for name, count in sum_counts(batches).items()],
            live=live.live,
            poll=live.poll,
            cards=[
                Card(title=_("Last batches"), parts=[batches_table(batches.order_by("-number")[:BATCHES])]),
                Card(title=_("File"), parts=[Facts(facts)]),
            ],
        )
