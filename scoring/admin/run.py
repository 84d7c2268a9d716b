"""List the runs, show one live, start one, publish one that was held."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from config.office.admin import ReadOnlyAdmin, found_by, named
from config.office.words import NOTHING
from scoring.admin.run_verbs import (
    ABANDON,
    PUBLISH,
    START_RIGHT,
    Decision,
    ReasonForm,
    decide,
    decision_verb,
    decisions_on,
    start,
    start_preview,
    start_verb,
)
from scoring.domain.checks import CheckName, CheckNote
from scoring.domain.run import RunState
from scoring.models import RunCheck, ScoreRun
from scoring.queries.labels import CHECKS, NOTES, RUN_STATES, STAGES, check_value, worst_words
from scoring.queries.progress import checks_of, failures_of, is_working, progress_of
from scoring.queries.scores import get_live_run

LABELS = {
    RunState.WORKING: "info",
    RunState.UNPUBLISHED: "",
    RunState.HELD: "warning",
    RunState.PUBLISHED: "success",
    RunState.ABANDONED: "",
}


@admin.register(ScoreRun)
class ScoreRunAdmin(ReadOnlyAdmin):
    """List and show runs; each verb has a URL of its own."""

    list_display = ("day", "state_label", "scored_count", "not_scored_count", "started_at", "took", "check_summary")
    list_display_links = ("day",)
    list_before_template = "scoring/runs_before.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScoreRun]:
        """Keep the runs over all merchants; those over one, between nights, have no page yet."""
        return ScoreRun.objects.full()

    def prepare(self, rows: list[ScoreRun]) -> None:
        """Read the checks of the page in one query."""
        checks = checks_of(rows)
        for run in rows:
            vars(run)["read_checks"] = checks[run.pk]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the runs, with the verb that starts one above."""
        context = (extra_context or {}) | {"start_verb": start_verb(request)}
        found: HttpResponse = super().changelist_view(request, context)
        return found

    @display(description=_("As of"))
    def day(self, run: ScoreRun) -> str:
        """Say the day."""
        return run.as_of.isoformat()

    @display(description=_("State"), label=LABELS)
    def state_label(self, run: ScoreRun) -> tuple[str, str]:
        """Say the state."""
        return run.state, str(RUN_STATES[RunState(run.state)])

    @display(description=_("Scored"))
    def scored_count(self, run: ScoreRun) -> str:
        """Count the scored."""
        return f"{run.scored:,}"

    @display(description=_("Not scored"))
    def not_scored_count(self, run: ScoreRun) -> str:
        """Count the others."""
        return f"{run.not_scored:,}"

    @display(description=_("Took"))
    def took(self, run: ScoreRun) -> str:
        """Say how long it took."""
        return _took(run)

    @display(description=_("Checks"))
    def check_summary(self, run: ScoreRun) -> str:
        """Say which checks failed, or how many passed."""
        checks: list[RunCheck] = vars(run).get("read_checks", [])
        failed = [str(CHECKS[CheckName(check.name)]) for check in checks if not check.passed]
        if failed:
            return format_html('<span class="tl-chip tl-warn">{}</span>', _("Failed: ") + ", ".join(failed))
        return str(_("%(number)s passed") % {"number": len(checks)}) if checks else NOTHING

    def get_urls(self) -> list[URLPattern]:
        """Add the verbs and the live part of the page."""
        wrap = self.admin_site.admin_view
        return [
            path("start/", wrap(self.start_view), name="scoring_scorerun_start"),
            path("<int:run_id>/progress/", wrap(self.progress_view), name="scoring_scorerun_progress"),
            path("<int:run_id>/publish/", wrap(self.publish_view), name="scoring_scorerun_publish"),
            path("<int:run_id>/abandon/", wrap(self.abandon_view), name="scoring_scorerun_abandon"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show how far the run is, what failed, what its checks said."""
        run = self._visible(request, object_id)
        live = get_live_run()
        context = _live_part(run) | {
            "is_live": live is not None and live.pk == run.pk,
            "checks": [check_row(check) for check in checks_of([run])[run.pk]],
            "verbs": [decision_verb(request, run, decision) for decision in decisions_on(run)],
            "who": named([run.started_by])[run.started_by],
            "took": _took(run),
        }
        return self._page(request, "scoring/run.html", run, context)

    def progress_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Give the live part of the page alone; once the run is done, ask the browser for the whole page."""
        run = self._visible(request, str(run_id))
        part = _live_part(run)
        response = TemplateResponse(request, "scoring/run_progress.html", part | {"run": run})
        if not part["is_working"]:
            response["HX-Refresh"] = "true"
        return response

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """Show what would be scored (GET), then start (POST)."""
        if not request.user.has_perm(START_RIGHT):
            raise PermissionDenied
        if request.method == "POST":
            run = start(request)
            listed = redirect("admin:scoring_scorerun_changelist")
            return listed if run is None else redirect("admin:scoring_scorerun_change", run.pk)
        return self._page(request, "scoring/start_run.html", None, start_preview())

    def publish_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Show what is live now and what failed (GET), then publish (POST)."""
        return self._decide(request, run_id, PUBLISH)

    def abandon_view(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """Show what would be given up (GET), then give it up (POST)."""
        return self._decide(request, run_id, ABANDON)

    def _decide(self, request: HttpRequest, run_id: int, decision: Decision) -> HttpResponse:
        if not request.user.has_perm(decision.right):
            raise PermissionDenied
        run = found_by(ScoreRun.objects.full(), str(run_id))
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            decided = decide(request, run, form.cleaned_data["reason"], decision)
            return redirect("admin:scoring_scorerun_change" if decided else decision.page, run.pk)
        context = {
            "title": decision.label,
            "question": decision.question,
            "replaced": get_live_run() if decision is PUBLISH else None,
            "publishes": decision is PUBLISH,
            "refusal": decision.refusal_of(run),
            "checks": [check_row(check) for check in checks_of([run])[run.pk] if not check.passed],
            "form": form,
        }
        return self._page(request, "scoring/decide.html", run, context)

    def _visible(self, request: HttpRequest, object_id: str) -> ScoreRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return found_by(ScoreRun.objects.select_related("scorecard", "calibration"), object_id)

    def _page(
        self, request: HttpRequest, template: str, run: ScoreRun | None, context: dict[str, Any]
    ) -> TemplateResponse:
        ground = self.admin_site.each_context(request)
        return TemplateResponse(
            request, template, ground | {"title": str(run), "opts": self.opts, "original": run, "run": run} | context
        )


def _live_part(run: ScoreRun) -> dict[str, Any]:
    stages = progress_of(run_id=run.pk, now=timezone.now())
    return {
        "state": RunState(run.state),
        "words": RUN_STATES[RunState(run.state)],
        "is_working": is_working(run),
        "stages": [
            {
                "words": STAGES[part.stage.job],
                "part": part,
                "rate": None if part.rate is None else f"{part.rate:,.0f}",
                "left": None if part.left is None else str(part.left),
            }
            for part in stages
        ],
        "failures": [(job, STAGES[job.name]) for job in failures_of(run_id=run.pk)],
    }


def check_row(check: RunCheck) -> dict[str, Any]:
    """Say what a check found, in words and units."""
    name = CheckName(check.name)
    return {
        "words": CHECKS[name],
        "passed": check.passed,
        "value": NOTHING if check.bound is None else check_value(name, check.value),
        "bound": NOTHING if check.bound is None else check_value(name, check.bound),
        "worst": worst_words(check.worst),
        "note": NOTES[CheckNote(check.note)] if check.note else "",
    }


def _took(run: ScoreRun) -> str:
    if run.finished_at is None:
        return NOTHING
    seconds = (run.finished_at - run.started_at).total_seconds()
    return f"{seconds:,.1f} s" if seconds < 60 else f"{seconds / 60:,.1f} min"  # noqa: PLR2004
