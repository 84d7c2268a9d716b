"""Office pages of exports: what is being written, how far it is, and the file."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.actors import actor_of
from config.office.display import Alert, Button, Card, Cell, Facts, Figure, Page, change_url, chip, mono
from config.office.export_rules import (
    MOST_ROWS,
    ExportFailure,
    FetchRefusal,
    FileNotFetched,
    state_at,
)
from config.office.exports import EXPORTS, fetch_export, get_fetch_refusal
from config.office.list_names import list_facts, list_named, list_words, may_view_list
from config.office.list_verbs import EXPORT
from config.office.lists import ListColumn, choice_filter
from config.office.models import ListExport
from config.office.models.list_export import ExportState
from config.office.pages import OfficeAdmin, named
from config.office.progress import live_view, progress_page
from config.office.verbs import Asked, asked_by
from config.office.words import Words

OVERSEE: Final = "office.oversee_listexport"
STATES: Final = {
    ExportState.WAITING: (_("Being written"), "tl-info"),
    ExportState.DONE: (_("Ready"), "tl-ok"),
    ExportState.FAILED: (_("Not exported"), "tl-bad"),
    ExportState.EXPIRED: (_("Expired"), ""),
}
ENDED: Final = {ExportState.FAILED, ExportState.EXPIRED}
NEVER_AGAIN: Final = {FetchRefusal.LOST_RIGHT, FetchRefusal.GONE}
STOPPED: Final = (_("Stopped: the job failed"), "tl-bad")
FAILURES: Final[dict[ExportFailure, Words]] = {
    ExportFailure.NO_RIGHT: _("By the time it was written, this account could not export the list any more."),
    ExportFailure.BAD_QUERY: _("By the time it was written, the list did not have one of the filters any more."),
    ExportFailure.TOO_MANY_ROWS: _("More than %(most)s rows match: narrow the list, and export it again.")
    % {"most": f"{MOST_ROWS:,}"},
    ExportFailure.BROKE_OFF: _(
        "Its job failed each time it was tried: export the list again. If that fails, too, the page of its job says "
        "why."
    ),
}
FETCH_REFUSALS: Final[dict[FetchRefusal, Words]] = {
    FetchRefusal.NOT_OWN: _("Only whoever exported the list downloads the file."),
    FetchRefusal.NO_RIGHT: _("Your role may not see or export this list any more."),
    FetchRefusal.LOST_RIGHT: _(
        "You have lost a role or a right since the file was written: it may hold rows that you do not see any more. "
        "Export the list again."
    ),
    FetchRefusal.NOT_DONE: _("There is no file yet."),
    FetchRefusal.EXPIRED: _("The file has expired: export the list again."),
    FetchRefusal.GONE: _("The file is not there any more: export the list again."),
}


class Followed(NamedTuple):
    """An export, who asked for it, and whether its job waits for a person."""

    export: ListExport
    who: str | None
    is_stopped: bool


def _followed(exports: Sequence[ListExport]) -> list[Followed]:
    names = named(export.requested_by for export in exports)
    waiting = [export.pk for export in exports if export.state == ExportState.WAITING]
    stopped = EXPORTS.stopped(waiting) if waiting else set()
    return [Followed(export, names[export.requested_by], export.pk in stopped) for export in exports]


def _state(row: Followed) -> Cell:
    export = row.export
    if row.is_stopped:
        return chip(*STOPPED)
    return chip(*STATES[state_at(ExportState(export.state), expires_at=export.expires_at, now=timezone.now())])


def _live(row: Followed) -> Page:
    is_done = row.export.state != ExportState.WAITING
    poll = None if is_done else reverse("admin:office_listexport_progress", args=[row.export.pk])
    return progress_page(EXPORTS, subject_id=row.export.pk, poll=poll)


@admin.register(ListExport)
class ListExportAdmin(OfficeAdmin[ListExport]):
    """Each person's own exports; whoever oversees them sees all, and downloads none but their own."""

    title = _("Exports")
    columns = (
        ListColumn(label=_("List"), cell=lambda row: list_words(row.export.listed)),
        ListColumn(label=_("State"), cell=_state),
        ListColumn(label=_("Rows"), cell=lambda row: row.export.rows, number=True),
        ListColumn(label=_("Bytes"), cell=lambda row: row.export.size, number=True),
        ListColumn(label=_("Requested by"), cell=lambda row: row.who),
        ListColumn(label=_("Requested, UTC"), cell=lambda row: row.export.requested_at, style="tl-nowrap"),
        ListColumn(label=_("Kept until, UTC"), cell=lambda row: row.export.expires_at, style="tl-nowrap"),
    )
    filters = (choice_filter("state", _("state"), STATES),)
    offers_export = False
    empty = _("You have exported nothing yet. Every list has the button “Export”.")

    def shown_to(self, user: User, rows: QuerySet[ListExport]) -> QuerySet[ListExport]:
        return rows if user.has_perm(OVERSEE) else rows.filter(requested_by=str(actor_of(user)))

    def admits(self, user: User, row: ListExport) -> bool:
        return row.requested_by == str(actor_of(user)) or user.has_perm(OVERSEE)

    def prepare(self, rows: list[ListExport]) -> Sequence[Any]:
        return _followed(rows)

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [
            path("<int:row_id>/progress/", wrap(self.progress_view), name="office_listexport_progress"),
            path("<int:row_id>/download/", wrap(self.download_view), name="office_listexport_download"),
        ]

    def progress_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        self.require_view(request)
        export = self.seen(request, row_id)
        [followed] = _followed([export])
        return live_view(request, _live(followed))

    def download_view(self, request: HttpRequest, row_id: int) -> HttpResponseBase:
        """Send the file of an export to whoever asked for it; say why where it cannot be sent.

        HEAD is refused, as it would be recorded as a download that nobody made.
        """
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        self.require_view(request)
        export, asked = self.seen(request, row_id), asked_by(request)
        try:
            file = fetch_export(export_id=export.pk, user=asked.user, now=asked.now)
        except FileNotFetched as error:
            if error.reason in {FetchRefusal.NOT_OWN, FetchRefusal.NO_RIGHT}:
                raise PermissionDenied from error
            messages.error(request, FETCH_REFUSALS[error.reason])
            return redirect(change_url(export))
        answer = FileResponse(
            file, as_attachment=True, filename=file_name(export), content_type="text/csv; charset=utf-8"
        )
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Cache-Control"] = "no-store"
        return answer

    def page_of(self, row: ListExport, request: HttpRequest) -> Page:
        [followed] = _followed([row])
        asked, live = asked_by(request), _live(followed)
        requested = {"at": f"{row.requested_at:%Y-%m-%d %H:%M}", "who": followed.who}
        alerts = [Alert(tint="tl-bad", text=FAILURES[ExportFailure(row.failure)])] if row.failure else []
        figures = [
            Figure(label=_("Rows"), value=row.rows),
            Figure(label=_("Bytes"), value=row.size),
            Figure(label=_("Kept until, UTC"), value=row.expires_at, style="tl-plain"),
        ]
        facts = [
            *list_facts(row.listed, row.query, asked.user),
            *([(_("SHA-256"), mono(row.sha256))] if row.sha256 else []),
        ]
        return Page(
            title=_t("Export: %(list)s") % {"list": list_words(row.listed)},
            chips=[_state(followed)],
            sub=[_t("requested %(at)s UTC by %(who)s") % requested],
            alerts=alerts,
            figures=figures if row.rows is not None else [],
            buttons=_buttons(row, asked),
            live=live.live if row.state == ExportState.WAITING else [],
            poll=live.poll,
            cards=[Card(title=_("What was asked for"), parts=[Facts(facts)])],
        )


def _buttons(row: ListExport, asked: Asked) -> list[Button]:
    """Return what leads to the file: a download, or, where there will be none any more, another export."""
    if list_named(row.listed) is not None and not may_view_list(row.listed, asked.user):
        return []
    page, refusal = list_named(row.listed), get_fetch_refusal(row, user=asked.user, now=asked.now)
    is_over = state_at(ExportState(row.state), expires_at=row.expires_at, now=asked.now) in ENDED
    if page is not None and (is_over or refusal in NEVER_AGAIN):
        return [replace(page.list_button(EXPORT, asked.user, row.query), label=_("Export again"), is_primary=True)]
    url = reverse("admin:office_listexport_download", args=[row.pk])
    return [Button(label=_("Download"), url=url, why=None if refusal is None else FETCH_REFUSALS[refusal])]


def file_name(export: ListExport) -> str:
    """Return the name under which a file is saved: letters, digits and hyphens, whatever its list is called."""
    name = slugify(str(list_words(export.listed))) or slugify(export.listed.replace(".", "-"))
    return f"{name}-{export.requested_at:%Y-%m-%d-%H%M}.csv"
