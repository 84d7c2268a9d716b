"""Enter scorecards and make calibrations: versions are added, never changed."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from config.db.transactions import operation
from config.jobs import wake
from config.kernel.refusals import Refused
from config.office.actors import Actor
from config.office.events import record_event
from scoring.domain.calibration import CalibrationRefused, canonical_calibration
from scoring.domain.run import VersionRefusal, judge_version
from scoring.domain.scorecard import canonical_card, parse_scorecard
from scoring.models import CalibrationVersion, ScorecardVersion, ScoreRun
from scoring.queries.calibrations import solve_calibration
from scoring.queries.runs import active_calibration, active_scorecard, get_calibration_refusal
from scoring.queries.scores import get_run

CENTRAL_TENDENCY_PPM: Final = 50_000
"""5 %: a judgement, to be signed off by a risk owner."""


class CalibrationNotMade(Refused[StrEnum]):
    """No calibration was made; the reason is the domain's, or that the run is unfit for it."""


class ScorecardNotEntered(Refused[VersionRefusal]):
    """The card was not entered."""


def enter_scorecard(*, text: str, actor: Actor, now: datetime) -> ScorecardVersion:
    """Enter a scorecard, or return it if it is already in force; the next run uses the last one entered.

    Raises ScorecardMalformed, ScorecardNotEntered.
    """
    content, sha256 = canonical_card(text)
    card = parse_scorecard(content, sha256)
    with operation():
        known = ScorecardVersion.objects.filter(sha256=sha256).first()
        refusal = judge_version(is_known=known is not None, is_in_force=known == active_scorecard())
        if refusal is not None:
            raise ScorecardNotEntered(refusal)
        if known is not None:
            return known
        version = ScorecardVersion.objects.create(
            sha256=sha256, name=f"{card.name} {card.version}", content=content, created_by=str(actor), created_at=now
        )
        record_event(
            name="scoring.enter_scorecard", subject=version, actor=actor, before={}, after={"sha256": sha256}, now=now
        )
        wake()
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
        unfit = get_calibration_refusal(run)
        if unfit is not None:
            raise CalibrationNotMade(unfit)
        try:
            calibration = solve_calibration(run, target_ppm=target_ppm)
        except CalibrationRefused as refused:
            raise CalibrationNotMade(refused.reason) from refused
        content, sha256 = canonical_calibration(calibration)
        known = CalibrationVersion.objects.filter(sha256=sha256).first()
        in_force = active_calibration(scorecard=run.scorecard)
        refusal = judge_version(is_known=known is not None, is_in_force=known == in_force)
        if refusal is not None:
            raise CalibrationNotMade(refusal)
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
        wake()
        return version
