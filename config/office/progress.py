"""How far work in stages is, as the pages of runs and closes show it."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Bar, Card, Cell, Column, Page, Table, linked
from config.office.models import JobRun
from config.office.stages import Pipeline, StageProgress
from config.office.words import Words


def progress_page(pipeline: Pipeline, *, subject_id: int, poll: str | None) -> Page:
    """Return how far the stages of a subject are, and the jobs that failed; poll: where the page reloads from."""
    columns = [
        Column(label=_("Stage")),
        Column(label=_("Progress"), style="tl-wide"),
        Column(label=_("Parts"), number=True),
        Column(label=_("Done"), number=True),
        Column(label=_("Per second"), number=True),
        Column(label=_("Time left"), number=True),
    ]
    rows = [_row(stage) for stage in pipeline.progress(subject_id=subject_id, now=timezone.now())]
    failures = pipeline.failures(subject_id=subject_id)
    cards = [Card(title=_("Stages"), parts=[Table(columns=columns, rows=rows)])]
    return Page(title="", live=[_failed(failures), *cards] if failures else cards, poll=poll)


def live_view(request: HttpRequest, page: Page) -> HttpResponse:
    """Render the live part of a page alone; once the work is done, ask the browser for the whole page."""
    response = TemplateResponse(request, "office/live.html", {"page": page})
    if page.poll is None:
        response["HX-Refresh"] = "true"
    return response


def _row(row: StageProgress) -> list[object]:
    note = _t("%(number)s parked") % {"number": row.parked} if row.parked else ""
    return [
        row.stage.words,
        Cell(text=f"{row.percent} %", bar=Bar(width=row.percent, side="progress")),
        Cell(text=_t("%(done)s of %(parts)s") % {"done": row.done, "parts": row.parts}, note=note),
        f"{row.rows:,} {row.stage.counts}",
        None if row.rate is None else f"{row.rate:,.0f}",
        None if row.left is None else str(row.left),
    ]


def _failed(failures: Sequence[tuple[JobRun, Words]]) -> Card:
    columns = [
        Column(label=_("Stage")),
        Column(label=_("Part"), number=True),
        Column(label=_("Attempts"), number=True),
        Column(label=_("Last error"), style="tl-break"),
        Column(label=""),
    ]
    rows = [
        [words, job.part, job.attempts, job.error, linked(job, _t("Look and send again"))] for job, words in failures
    ]
    return Card(title=_("What failed"), parts=[Table(columns=columns, rows=rows)])
