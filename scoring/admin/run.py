"""Office pages of runs: started, watched, published or abandoned by hand."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import MILLION
from config.office.business_date import get_business_date
from config.office.display import Alert, Card, Cell, Column, Facts, Figure, Page, Part, Table, chip, linked, mono
from config.office.lists import ListColumn
from config.office.pages import OfficeAdmin, name_of
from config.office.progress import live_view, progress_page
from config.office.verbs import TO_BE_GIVEN, Asked, Effects, Verb, VerbForm, reason_field, refused_by, share_field
from config.office.words import NOTHING, Words
from scoring.admin.versions import grades_table
from scoring.admin.words import ABANDON_REFUSALS, PUBLISH_REFUSALS, START_REFUSALS
from scoring.domain.calibration import CalibrationRefused
from scoring.domain.checks import CheckName, CheckNote
from scoring.domain.features.declarations import Feed
from scoring.domain.run import RunState
from scoring.models import ReferenceFeed, RunCheck, ScoreRun
from scoring.operations.runs import (
    RUN,
    RunNotAbandoned,
    RunNotPublished,
    RunNotStarted,
    abandon_run,
    publish_act,
    publish_anyway,
    start_run,
)
from scoring.operations.versions import CENTRAL_TENDENCY_PPM, CalibrationNotMade, create_calibration
from scoring.queries.calibrations import solve_calibration
from scoring.queries.labels import (
    CALIBRATION_REFUSALS,
    CHECKS,
    FEEDS,
    NOTES,
    RUN_STATES,
    check_value,
    checks_cell,
    worst_words,
)
from scoring.queries.progress import (
    checks_of,
    feeds_of,
    get_abandon_refusal,
    get_publish_refusal,
    get_start_refusal,
    is_working,
)
from scoring.queries.runs import active_calibration, active_scorecard, get_calibration_refusal
from scoring.queries.scores import get_live_run

PASSED: Final = (_("Passed"), "tl-ok")
FAILED: Final = (_("Failed"), "tl-warn")


class PublishForm(VerbForm):
    reason = reason_field(_("Why is the run right, although its checks failed?"))


class AbandonForm(VerbForm):
    reason = reason_field(_("Why can the run not be finished?"))


def _start_about(_row: None, _asked: Asked) -> Sequence[Part]:
    card = active_scorecard()
    calibration = None if card is None else active_calibration(scorecard=card)
    without = _("none yet: the run gives scores without PD and grade, and is not published")
    facts = [
        (_("As of"), get_business_date()),
        (_("Batches"), _("every batch that is sealed now")),
        (_("Scorecard"), None if card is None else card.name),
        (_("Calibration"), without if calibration is None else calibration.sha256[:8]),
    ]
    return [Facts(facts)]


def _publish_about(run: ScoreRun, _asked: Asked) -> Sequence[Part]:
    live = get_live_run()
    facts = Facts([(_("Live now"), None if live is None else _scores(live)), (_("Live afterwards"), _scores(run))])
    return [facts, check_table([check for check in checks_of([run])[run.pk] if not check.passed])]


def _scores(run: ScoreRun) -> str:
    words = _t("scores as of %(date)s, %(scored)s merchants scored")
    return words % {"date": run.as_of, "scored": f"{run.scored:,}"}


START: Final = Verb(
    name="start",
    label=_("Start a run"),
    right="scoring.start_scorerun",
    about=_start_about,
    note=_(
        "Every merchant is scored. If the checks pass, the new scores go live by themselves; if not, the run is held "
        "until someone looks."
    ),
    why_not=refused_by(lambda _row, _asked: get_start_refusal(), START_REFUSALS),
    call=lambda _row, asked: start_run(actor=asked.actor, now=asked.now),
    done=_("The run has started."),
    refusals={RunNotStarted: START_REFUSALS},
    is_primary=True,
)
PUBLISH: Final = Verb(
    name="publish",
    label=_("Publish anyway"),
    right="scoring.publish_anyway_scorerun",
    form=PublishForm,
    about=_publish_about,
    why_not=refused_by(lambda run, _: get_publish_refusal(run=run, reason=TO_BE_GIVEN), PUBLISH_REFUSALS),
    offered=lambda run: not is_working(run),
    effects=lambda _run, _asked: Effects(),
    act=lambda run, asked: publish_act(run, reason=asked.data["reason"]),
    call=lambda run, asked: publish_anyway(
        run_id=run.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now, approval=asked.approval
    ),
    done=_("The run is published: its scores are live."),
    refusals={RunNotPublished: PUBLISH_REFUSALS},
    is_primary=True,
)
ABANDON: Final = Verb(
    name="abandon",
    label=_("Abandon the run"),
    right="scoring.abandon_scorerun",
    form=AbandonForm,
    note=_("The run stops, and its open jobs are dropped. The live scores stay live, and another run may start."),
    why_not=refused_by(lambda run, _: get_abandon_refusal(run=run, reason=TO_BE_GIVEN), ABANDON_REFUSALS),
    offered=is_working,
    call=lambda run, asked: abandon_run(run_id=run.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now),
    done=_("The run is abandoned: another one may start."),
    refusals={RunNotAbandoned: ABANDON_REFUSALS},
)


class CalibrateForm(VerbForm):
    """The mean PD that the calibration aims at."""

    target = share_field(
        _("Mean PD aimed at, %"),
        initial=Decimal(CENTRAL_TENDENCY_PPM) * 100 / MILLION,
        help_text=_(
            "The judgement of a risk owner until outcomes exist: 30 or more days past due within 12 months, on average."
        ),
    )


def _target_ppm(asked: Asked) -> int:
    return int(asked.data["target"] * MILLION / 100)


def _calibrate_refusal(run: ScoreRun, _asked: Asked) -> Words | None:
    unfit = get_calibration_refusal(run)
    return None if unfit is None else CALIBRATION_REFUSALS[unfit]


def _calibrate_effects(run: ScoreRun, asked: Asked) -> Effects:
    try:
        return Effects(parts=[grades_table(solve_calibration(run, target_ppm=_target_ppm(asked)))])
    except CalibrationRefused as refused:
        return Effects(refusal=CALIBRATION_REFUSALS[refused.reason])


CALIBRATE: Final = Verb(
    name="calibrate",
    label=_("Calibrate on this run"),
    right="scoring.add_calibrationversion",
    form=CalibrateForm,
    note=_(
        "Each score gets its PD and its grade. The next run uses the calibration; scores that are stored keep theirs."
    ),
    effects=_calibrate_effects,
    preview_label=_("Show the grades"),
    why_not=_calibrate_refusal,
    offered=lambda run: not is_working(run),
    call=lambda run, asked: create_calibration(
        run_id=run.pk, target_ppm=_target_ppm(asked), actor=asked.actor, now=asked.now
    ),
    done=_("The calibration is entered: the next run uses it."),
    refusals={CalibrationNotMade: CALIBRATION_REFUSALS},
)


@admin.register(ScoreRun)
class ScoreRunAdmin(OfficeAdmin[ScoreRun]):
    columns = (
        ListColumn(label=_("As of"), cell=lambda row: row[0].as_of.isoformat(), style="tl-nowrap"),
        ListColumn(label=_("State"), cell=lambda row: chip(*RUN_STATES[RunState(row[0].state)])),
        ListColumn(label=_("Scored"), cell=lambda row: row[0].scored, number=True),
        ListColumn(label=_("Not scored"), cell=lambda row: row[0].not_scored, number=True),
        ListColumn(label=_("Started"), cell=lambda row: row[0].started_at, style="tl-nowrap"),
        ListColumn(label=_("Took"), cell=lambda row: took(row[0]), number=True),
        ListColumn(label=_("Checks"), cell=lambda row: checks_cell(row[1])),
    )
    related = ("scorecard", "calibration")
    list_verbs = (START,)
    verbs = (PUBLISH, CALIBRATE, ABANDON)
    empty = _("No run yet. One starts by itself once a business day is open and merchants are in.")

    def rows(self) -> QuerySet[ScoreRun]:
        """Return the runs over all merchants; those over one, between nights, have no page."""
        return ScoreRun.objects.full()

    def prepare(self, rows: list[ScoreRun]) -> Sequence[Any]:
        checks = checks_of(rows)
        return [(run, checks[run.pk]) for run in rows]

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [path("<int:row_id>/progress/", wrap(self.progress_view), name="scoring_scorerun_progress")]

    def progress_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        self.require_view(request)
        return live_view(request, _live(self.found(row_id)))

    def page_of(self, row: ScoreRun, request: HttpRequest) -> Page:
        live, checks = get_live_run(), checks_of([row])[row.pk]
        part = _live(row)
        chips = [chip(*RUN_STATES[RunState(row.state)])]
        if live is not None and live.pk == row.pk:
            chips.append(chip(_("Live"), "tl-ok"))
        calibration = None if row.calibration is None else linked(row.calibration, row.calibration.sha256[:8])
        cards = [Card(title=_("Checks before publication"), parts=[check_table(checks)])] if checks else []
        if feeds := feeds_of(row):
            cards.append(Card(title=_("Feeds: what does not add up in 365 days"), parts=[_feed_table(feeds)]))
        started = {"at": f"{row.started_at:%Y-%m-%d %H:%M}", "who": name_of(row.started_by)}
        alerts = [Alert(strong=_("Decided by hand:"), text=row.decision_reason)] if row.decision_reason else []
        return Page(
            title=_t("Scores as of %(date)s") % {"date": row.as_of},
            chips=chips,
            sub=[_t("run %(id)s") % {"id": row.pk}, _t("started %(at)s UTC by %(who)s") % started],
            alerts=alerts,
            figures=[
                Figure(label=_("Scored"), value=row.scored),
                Figure(label=_("Not scored"), value=row.not_scored),
                Figure(label=_("Took"), value=took(row)),
                Figure(label=_("Scorecard"), value=linked(row.scorecard, row.scorecard.name), style="tl-plain"),
                Figure(label=_("Calibration"), value=calibration, style="tl-plain"),
            ],
            live=part.live,
            poll=part.poll,
            cards=[*cards, Card(title=_("What the run may see"), parts=[Facts(_pins(row))])],
        )


def _live(run: ScoreRun) -> Page:
    """Return the progress of the stages; while the run is working, the page polls."""
    poll = reverse("admin:scoring_scorerun_progress", args=[run.pk]) if is_working(run) else None
    return progress_page(RUN, subject_id=run.pk, poll=poll)


def pins_facts(run: ScoreRun) -> list[tuple[Words, object]]:
    """Describe which rows a run knew: by day, and by batch."""
    known = _t("below number %(high)s") % {"high": run.watermark_high}
    if run.watermark_open:
        known += _t(", but for %(open)s, then open") % {"open": ", ".join(map(str, run.watermark_open))}
    return [(_("Days"), _t("before %(date)s") % {"date": run.as_of}), (_("Batches"), known)]


def _pins(run: ScoreRun) -> list[tuple[Words, object]]:
    calibration = None if run.calibration is None else mono(run.calibration.sha256)
    return [
        *pins_facts(run),
        (_("Scorecard"), mono(run.scorecard.sha256)),
        (_("Calibration"), calibration),
        (_("Feature set"), mono(run.feature_set)),
    ]


def check_table(checks: Sequence[RunCheck]) -> Table:
    """Return a table of what each check found, in words and units."""
    columns = [
        Column(label=_("Check")),
        Column(label=_("Verdict")),
        Column(label=_("Found"), number=True),
        Column(label=_("Bound"), number=True),
        Column(label=_("Moved most")),
    ]
    return Table(columns=columns, rows=[_check_row(check) for check in checks])


def _feed_table(feeds: Sequence[ReferenceFeed]) -> Table:
    columns = [
        Column(label=_("Partner")),
        Column(label=_("Does not carry")),
        Column(label=_("Refunds without a sale"), number=True),
        Column(label=_("Settled above what was paid"), number=True),
    ]
    return Table(columns=columns, rows=[_feed_row(feed) for feed in feeds])


def _feed_row(feed: ReferenceFeed) -> list[object]:
    missing = [str(FEEDS[kind]) for kind in Feed if kind not in feed.carried]
    counts = [feed.unsold_reversals, feed.settled_above_paid]
    return [str(feed.partner), ", ".join(missing) or NOTHING, *counts]


def _check_row(check: RunCheck) -> list[object]:
    name = CheckName(check.name)
    found, bound = (
        None if check.bound is None else check_value(name, value) for value in (check.value, check.bound or 0)
    )
    words = Cell(text=CHECKS[name], note=NOTES[CheckNote(check.note)] if check.note else "")
    return [words, chip(*(PASSED if check.passed else FAILED)), found, bound, worst_words(check.worst)]


def took(run: ScoreRun) -> str:
    """Format how long a run took."""
    if run.finished_at is None:
        return NOTHING
    seconds = (run.finished_at - run.started_at).total_seconds()
    return f"{seconds:,.1f} s" if seconds < 60 else f"{seconds / 60:,.1f} min"  # noqa: PLR2004
