"""Enter scorecards and make calibrations: versions are added, never changed."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from config.db.transactions import operation
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_event
from scoring.domain.calibration import CalibrationRefused, calibrate, canonical_calibration, require_live
from scoring.domain.run import RunKind, RunState
from scoring.domain.scorecard import canonical_card, parse_scorecard
from scoring.models import CalibrationVersion, ScorecardVersion, ScoreRun
from scoring.queries.runs import passing_scores
from scoring.queries.scores import card_of, get_run

CENTRAL_TENDENCY_PPM: Final = 50_000
"""5 %: a judgement, to be signed off by a risk owner."""


class CalibrationNotMade(Refused[StrEnum]):
    """No calibration was made; the reason is one of the domain's, or that the run is not fit for it."""


class RunUnfit(StrEnum):
    """Name why a calibration is not solved on a run."""

    NOT_DONE = "NOT_DONE"


def enter_scorecard(*, text: str, actor: Actor, now: datetime) -> ScorecardVersion:
    """Enter a scorecard, or return it if it is there already; the last entered is used from the next run on.

    Raises ScorecardMalformed.
    """
    content, sha256 = canonical_card(text)
    card = parse_scorecard(content, sha256)
    with operation():
        known = ScorecardVersion.objects.filter(sha256=sha256).first()
        if known is not None:
            return known
        version = ScorecardVersion.objects.create(
            sha256=sha256, name=f"{card.name} {card.version}", content=content, created_by=str(actor), created_at=now
        )
        record_event(
            name="scoring.enter_scorecard", subject=version, actor=actor, before={}, after={"sha256": sha256}, now=now
        )
        return version


def create_calibration(
    *, run_id: int, actor: Actor, now: datetime, target_ppm: int = CENTRAL_TENDENCY_PPM
) -> CalibrationVersion:
    """Solve the calibration of a card on the merchants of a finished run that pass the hard gates.

    `target_ppm` is their mean PD in parts per million. Raises CalibrationNotMade, ScoreRun.DoesNotExist.
    """
    with operation():
        ScoreRun.objects.filter(pk=run_id).lock().get()
        run = get_run(run_id=run_id)
        if run.kind != RunKind.FULL or run.state in {RunState.WORKING, RunState.ABANDONED}:
            raise CalibrationNotMade(RunUnfit.NOT_DONE)
        card = card_of(run.scorecard)
        scores, points = passing_scores(run_id=run.pk, card=card)
        try:
            calibration = calibrate(
                scores,
                points,
                scorecard_sha256=card.sha256,
                lowest=card.lowest,
                highest=card.highest,
                target_ppm=target_ppm,
            )
            require_live(calibration)
        except CalibrationRefused as refused:
            raise CalibrationNotMade(refused.reason) from refused
        content, sha256 = canonical_calibration(calibration)
        known = CalibrationVersion.objects.filter(sha256=sha256).first()
        if known is not None:
            return known
        version = CalibrationVersion.objects.create(
            sha256=sha256, scorecard=run.scorecard, run=run, content=content, created_by=str(actor), created_at=now
        )
        record_event(
            name="scoring.create_calibration",
            subject=version,
            actor=actor,
            before={},
            after={"sha256": sha256, "run": run.pk, "target_ppm": target_ppm},
            now=now,
        )
        return version
