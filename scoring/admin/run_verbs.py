"""Start a run, publish one that was held, give one up: words, forms, and one operation each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from config.db.transactions import Contended
from config.office.actors import actor_of
from config.office.admin import Verb, Words
from config.office.business_date import get_business_date
from scoring.domain.run import AbandonRefusal, PublishRefusal, StartRefusal
from scoring.models import ScoreRun
from scoring.operations.runs import (
    RunNotAbandoned,
    RunNotPublished,
    RunNotStarted,
    abandon_run,
    publish_anyway,
    start_run,
)
from scoring.queries.progress import get_abandon_refusal, get_publish_refusal, get_start_refusal, is_working
from scoring.queries.runs import active_calibration, active_scorecard

START_RIGHT = "scoring.start_scorerun"
START_REFUSALS = {
    StartRefusal.NO_BUSINESS_DATE: _("No business day is open: open the first one."),
    StartRefusal.NO_SCORECARD: _("There is no scorecard: enter one with manage.py enter_scorecard."),
    StartRefusal.NO_MERCHANTS: _("There are no merchants to score: import a marketplace first."),
    StartRefusal.ANOTHER_RUNS: _("Another run is in work: wait until it is done."),
}
PUBLISH_REFUSALS = {
    PublishRefusal.NOT_HELD: _("Only a run that its checks hold back is published by hand."),
    PublishRefusal.OLDER_THAN_PUBLISHED: _("Scores of a later day are live: an older run does not replace them."),
    PublishRefusal.NO_REASON: _("Say why: the reason stays in the audit trail."),
}
ABANDON_REFUSALS = {
    AbandonRefusal.NOT_WORKING: _("Only a run in work is given up; this one is done."),
    AbandonRefusal.NO_REASON: _("Say why: the reason stays in the audit trail."),
}
NO_RIGHT = _("Your role may not do this.")
# What the reason will be is asked on the verb's own page; until then any stands for it.
ANY_REASON = "-"


class ReasonForm(forms.Form):
    """Ask why; the operation judges whether it is a reason."""

    reason = forms.CharField(widget=forms.Textarea, max_length=500, required=False, strip=True)


class Operation(Protocol):
    """What a decision on a run calls."""

    def __call__(self, *, run_id: int, reason: str, actor: Any, now: Any) -> ScoreRun:  # noqa: ANN401
        """Decide. Raises RunNotPublished, RunNotAbandoned, Contended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Hold one decision on a run that needs a reason."""

    label: Words
    question: Words
    done: Words
    right: str
    page: str
    operation: Operation
    refusal_of: Callable[[ScoreRun], Words | None]


def _publish_refusal(run: ScoreRun) -> Words | None:
    refusal = get_publish_refusal(run=run, reason=ANY_REASON)
    return None if refusal is None else PUBLISH_REFUSALS[refusal]


def _abandon_refusal(run: ScoreRun) -> Words | None:
    refusal = get_abandon_refusal(run=run, reason=ANY_REASON)
    return None if refusal is None else ABANDON_REFUSALS[refusal]


PUBLISH = Decision(
    label=_("Publish anyway"),
    question=_("Why is the run right, although its checks failed?"),
    done=_("The run is published: its scores are live."),
    right="scoring.publish_anyway_scorerun",
    page="admin:scoring_scorerun_publish",
    operation=publish_anyway,
    refusal_of=_publish_refusal,
)
ABANDON = Decision(
    label=_("Give up"),
    question=_("Why can the run not be finished?"),
    done=_("The run is given up: another one may start."),
    right="scoring.abandon_scorerun",
    page="admin:scoring_scorerun_abandon",
    operation=abandon_run,
    refusal_of=_abandon_refusal,
)


def decisions_on(run: ScoreRun) -> tuple[Decision, ...]:
    """Choose the decision that a page offers: on a run in work, to give it up; on any other, to publish it."""
    return (ABANDON,) if is_working(run) else (PUBLISH,)


def decision_verb(request: HttpRequest, run: ScoreRun, decision: Decision) -> Verb:
    """Offer the decision, or say why not."""
    why = decision.refusal_of(run) if request.user.has_perm(decision.right) else NO_RIGHT
    address = reverse(decision.page, args=[run.pk])
    return Verb(label=decision.label, url=address, why=why, is_primary=decision is PUBLISH)


def decide(request: HttpRequest, run: ScoreRun, reason: str, decision: Decision) -> bool:
    """Call the operation, and tell what came of it."""
    try:
        decision.operation(run_id=run.pk, reason=reason, actor=actor_of(request.user), now=timezone.now())
    except RunNotPublished as refused:
        messages.error(request, PUBLISH_REFUSALS[refused.reason])
    except RunNotAbandoned as refused:
        messages.error(request, ABANDON_REFUSALS[refused.reason])
    except Contended:
        messages.error(request, _("Someone else is working on this run. Please try again."))
    else:
        messages.success(request, str(decision.done))
        return True
    return False


def start_verb(request: HttpRequest) -> Verb:
    """Offer to start a run, or say why not."""
    why: Words | None = NO_RIGHT
    if request.user.has_perm(START_RIGHT):
        refusal = get_start_refusal()
        why = None if refusal is None else START_REFUSALS[refusal]
    return Verb(label=_("Start a run"), url=reverse("admin:scoring_scorerun_start"), why=why)


def start_preview() -> dict[str, Any]:
    """Say what a run started now would rest on."""
    refusal, card = get_start_refusal(), active_scorecard()
    return {
        "title": _("Start a run"),
        "refusal": None if refusal is None else START_REFUSALS[refusal],
        "business_date": get_business_date(),
        "scorecard": card,
        "calibration": None if card is None else active_calibration(scorecard=card),
    }


def start(request: HttpRequest) -> ScoreRun | None:
    """Start a run, and tell what came of it."""
    try:
        run = start_run(actor=actor_of(request.user), now=timezone.now())
    except RunNotStarted as refused:
        messages.error(request, START_REFUSALS[refused.reason])
    except Contended:
        messages.error(request, _("Someone else is starting a run. Please look again."))
    else:
        messages.success(request, _("The run is started; the workers are at it."))
        return run
    return None
