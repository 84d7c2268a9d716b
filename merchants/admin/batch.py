"""Office pages of batches and of the rows that were not stored."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import StringIO
from operator import attrgetter
from typing import Any, Final

from django.contrib import admin
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.spreadsheets import guarded
from config.office.display import Button, Card, Cell, Column, Figure, Page, Table, chip, linked, mono
from config.office.lists import Filter, ListColumn
from config.office.pages import OfficeAdmin, name_of
from config.office.words import Words
from merchants.domain.correction import CorrectionRefusal
from merchants.domain.transaction import RETURNED, RowRefusal
from merchants.models import Batch, BatchIssue
from merchants.models.batch import BatchState, IssueKind
from merchants.queries.batches import every_issue_of, issues_of

ISSUES: Final = 50
LONGEST_LINE: Final = 9  # digits: a batch has no more lines
STATES: Final = {
    BatchState.OPEN: (_("Open"), "tl-info"),
    BatchState.STAGED: (_("Received, being stored"), "tl-warn"),
    BatchState.SEALED: (_("Sealed"), "tl-ok"),
}
KINDS: Final = {IssueKind.REJECTED: _("Rejected"), IssueKind.CONFLICT: _("Conflict")}
REASONS: Final[Mapping[str, Words]] = {
    RowRefusal.MALFORMED: _("This is not a row."),
    RowRefusal.BAD_TEXT: _("A text cannot be stored, or names something with white space around it."),
    RowRefusal.MISSING_FIELD: _("A field is missing."),
    RowRefusal.TEXT_TOO_LONG: _("A text is too long."),
    RowRefusal.UNKNOWN_MERCHANT: _("The merchant is unknown: send it first."),
    RowRefusal.OTHER_CURRENCY: _("The currency is not the merchant's."),
    RowRefusal.UNKNOWN_KIND: _("The kind is unknown."),
    RowRefusal.BAD_TIME: _("The time cannot be read."),
    RowRefusal.IN_THE_FUTURE: _("The time is in the future."),
    RowRefusal.BAD_AMOUNT: _("The amount cannot be read."),
    RowRefusal.AMOUNT_NOT_POSITIVE: _("The amount is not positive."),
    RowRefusal.BAD_VALUE: _("The value does not fit the kind."),
    RowRefusal.CORRECTS_ITSELF: _("A correction names itself: it needs an id of its own."),
    CorrectionRefusal.NOTHING_TO_CORRECT: _("The row that it corrects is not here: send that first."),
    CorrectionRefusal.ALREADY_CORRECTED: _("The row was corrected before: correct the correction."),
}
CONFLICT: Final = _("The same id is stored with other content; the stored row stays.")
COUNTS: Final = {
    "received": _("Received"),
    "accepted": _("Accepted"),
    "duplicate": _("Duplicates"),
    "conflict": _("Conflicts"),
    "rejected": _("Rejected"),
}


@admin.register(Batch)
class BatchAdmin(OfficeAdmin[Batch]):
    """Batches with their counts; a batch's page lists the rows that were not stored."""

    columns = (
        ListColumn(label=_("Batch"), cell=lambda batch: str(batch.number)),
        ListColumn(label=_("Partner"), cell=lambda batch: str(batch.partner)),
        ListColumn(label=_("Source"), cell=lambda batch: batch.source),
        ListColumn(label=_("State"), cell=lambda batch: chip(*STATES[BatchState(batch.state)])),
        *(ListColumn(label=words, cell=attrgetter(name), number=True) for name, words in COUNTS.items()),
        ListColumn(label=_("Opened"), cell=lambda batch: batch.opened_at, style="tl-nowrap"),
    )
    list_related = related = ("partner",)
    filters = (
        Filter(
            name="sealed",
            label=_("state"),
            choices=lambda: [("no", _("Not sealed"))],
            keep=lambda rows, _value: rows.filter(pk__in=Batch.objects.unsealed().values("pk")),
        ),
    )
    empty = _("No batch yet. Batches come from imported files, and from partners over the API.")

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [path("<int:row_id>/not-stored.csv", wrap(self.not_stored_view), name="merchants_batch_not_stored")]

    def not_stored_view(self, request: HttpRequest, row_id: int) -> StreamingHttpResponse:
        """Send every row that was not stored, with its reason, as a file."""
        self.require_view(request)
        batch = self.found(row_id)
        response = StreamingHttpResponse(_not_stored(batch), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="batch-{batch.number}-not-stored.csv"'
        return response

    def page_of(self, row: Batch, request: HttpRequest) -> Page:
        after = request.GET.get("after", "0")
        if not after.isdecimal() or len(after) > LONGEST_LINE:
            raise Http404
        issues = issues_of(batch=row, after_line=int(after), limit=ISSUES + 1)
        buttons = []
        if issues:
            address = reverse("admin:merchants_batch_not_stored", args=[row.pk])
            buttons.append(Button(label=_("Download as a file"), url=address, is_primary=False))
        if after != "0":
            buttons.append(Button(label=_("First rows"), url="?", is_primary=False))
        if len(issues) > ISSUES:
            buttons.append(Button(label=_("Next rows"), url=f"?after={issues[ISSUES - 1].line}", is_primary=False))
        table = Table(
            columns=[
                Column(label=_("Line"), number=True),
                Column(label=_("What")),
                Column(label=_("Why")),
                Column(label=_("Id")),
                Column(label=_("Stored")),
                Column(label=_("Received")),
            ],
            rows=[_issue(issue) for issue in issues[:ISSUES]],
            empty=_("None: every row was stored, or was known already."),
        )
        sealed = row.sealed_at and _t("sealed %(at)s UTC") % {"at": f"{row.sealed_at:%Y-%m-%d %H:%M}"}
        opened = {"at": f"{row.opened_at:%Y-%m-%d %H:%M}", "who": name_of(row.opened_by)}
        return Page(
            title=_t("Batch %(number)s") % {"number": row.number},
            chips=[chip(*STATES[BatchState(row.state)])],
            sub=[str(row.partner), row.source, _t("opened %(at)s UTC by %(who)s") % opened, sealed],
            figures=[
                *(Figure(label=words, value=getattr(row, name)) for name, words in COUNTS.items()),
                *([] if row.sealed_at is None else [_pace(row, row.sealed_at)]),
            ],
            cards=[Card(title=_("Rows that were not stored"), parts=[table], buttons=buttons)],
        )


def _pace(batch: Batch, sealed_at: datetime) -> Figure:
    took = max((sealed_at - batch.opened_at).total_seconds(), 0.001)
    note = _t("in %(seconds)s s") % {"seconds": f"{took:,.1f}"}
    return Figure(label=_("Rows a second"), value=f"{batch.received / took:,.0f}", note=note)


def _not_stored(batch: Batch) -> Iterator[str]:
    """Yield the lines of a CSV file for spreadsheets: a cell that one would take for a formula begins with a quote."""
    sent = [*RETURNED, "amount_minor"]  # conflicts are kept as stored rows are
    yield _line(["line", "reason", "why", "detail", *sent])
    for issue in every_issue_of(batch=batch):
        found = {"external_id": issue.external_id, **(issue.received or {})}
        cells = ["" if found.get(name) is None else str(found[name]) for name in sent]
        yield _line([str(issue.line), issue.reason, str(_why(issue)), issue.detail, *cells])


def _line(cells: Sequence[str]) -> str:
    text = StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([guarded(cell) for cell in cells])
    return text.getvalue()


def _cells(found: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in found.items() if value not in {None, ""})


def _why(issue: BatchIssue) -> Words:
    return CONFLICT if issue.kind == IssueKind.CONFLICT else REASONS[issue.reason]


def _issue(issue: BatchIssue) -> list[object]:
    kind = IssueKind(issue.kind)
    why = Cell(text=_why(issue), note=issue.detail)
    kept = [
        mono(issue.external_id),
        *(None if found is None else mono(_cells(found)) for found in (issue.stored, issue.received)),
    ]
    return [issue.line, KINDS[kind], why, *kept]


def batches_table(batches: Iterable[Batch]) -> Table:
    """Return a table of batches for the page of what they are of."""
    columns = [
        Column(label=_("Batch"), number=True),
        Column(label=_("Source")),
        Column(label=_("Received"), number=True),
        Column(label=_("Accepted"), number=True),
        Column(label=_("Not stored"), number=True),
        Column(label=_("Opened"), style="tl-nowrap"),
    ]
    rows = [
        [
            linked(batch, str(batch.number)),
            batch.source,
            batch.received,
            batch.accepted,
            batch.rejected + batch.conflict,
            batch.opened_at,
        ]
        for batch in batches
    ]
    return Table(columns=columns, rows=rows, empty=_("Nothing has come yet."))
