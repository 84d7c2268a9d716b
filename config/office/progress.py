"""How far work in stages is, as the pages of runs and closes show it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Bar, Card, Cell, Column, Page, Table, linked
from config.office.models import JobRun
from config.office.words import Words

Stage = tuple[Words, int, int, int, int, int, timedelta | None]
"""Its name, percent done, parts done, parts, parts parked, rows done, and the time left where it is known."""


def progress_cards(stages: Iterable[Stage], failures: Sequence[tuple[JobRun, Words]], *, unit: Words) -> list[Card]:
    """Show the stages, what they count in, and the jobs that failed."""
    columns = [
        Column(label=_("Stage")),
        Column(label=_("Progress"), style="tl-wide"),
        Column(label=_("Parts"), number=True),
        Column(label=unit, number=True),
        Column(label=_("Time left"), number=True),
    ]
    cards = [Card(title=_("Stages"), parts=[Table(columns=columns, rows=[_row(stage) for stage in stages])])]
    return [_failed(failures), *cards] if failures else cards


def live_view(request: HttpRequest, page: Page) -> HttpResponse:
    """Give the live part of a page alone; once the work is done, ask the browser for the whole page."""
    response = TemplateResponse(request, "office/live.html", {"page": page})
    if page.poll is None:
        response["HX-Refresh"] = "true"
    return response


def _row(stage: Stage) -> list[object]:
    words, percent, done, parts, parked, rows, left = stage
    note = _t("%(number)s parked") % {"number": parked} if parked else ""
    counted = Cell(text=_t("%(done)s of %(parts)s") % {"done": done, "parts": parts}, note=note)
    return [
        words,
        Cell(text=f"{percent} %", bar=Bar(width=percent, side="progress")),
        counted,
        rows,
        left and str(left),
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
