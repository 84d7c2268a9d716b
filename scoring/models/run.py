"""Runs: what each rests on, what its checks found, and which one is live."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from scoring.domain.run import RunKind, RunState, Vintage
from scoring.models.versions import CalibrationVersion, ScorecardVersion

WORKING = RunState.WORKING.value
PUBLISHED = RunState.PUBLISHED.value


class ScoreRunQuerySet(LockingQuerySet["ScoreRun"]):
    def full(self) -> Self:
        return self.filter(kind=RunKind.FULL)

    def working(self) -> Self:
        return self.filter(state=RunState.WORKING)


class ScoreRun(models.Model):
    """Scores as of a midnight and as known at a watermark, under pinned references, card and calibration.

    `feature_set` is the version of the characteristics: what computed the scores, and how their arrays are read.
    `references` is the run whose references are read; a full run reads its own.
    """

    kind = models.CharField(max_length=6, choices=choices(RunKind))
    state = models.CharField(max_length=11, choices=choices(RunState), default=WORKING)
    as_of = models.DateField()
    watermark_high = models.BigIntegerField()
    watermark_open = ArrayField(models.BigIntegerField())
    feature_set = models.CharField(max_length=64)
    scorecard = models.ForeignKey(ScorecardVersion, on_delete=models.PROTECT, related_name="+")
    calibration = models.ForeignKey(CalibrationVersion, on_delete=models.PROTECT, related_name="+", null=True)
    references = models.ForeignKey("self", on_delete=models.PROTECT, related_name="+", null=True)
    parts = models.SmallIntegerField(db_default=32)  # what every run had before this was stored
    started_by = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    scored = models.IntegerField(default=0)
    not_scored = models.IntegerField(default=0)
    figures = models.JSONField(null=True)  # `scoring.queries.figures`; null until it is concluded
    decision_reason = models.TextField(default="")  # of whoever published it anyway, or abandoned it

    objects = ScoreRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("scoring run")
        permissions = [
            ("start_scorerun", "Can start a run"),
            ("publish_anyway_scorerun", "Can publish a run whose checks failed"),
            ("abandon_scorerun", "Can abandon a run"),
            ("approve_scorerun", "Can approve that a run is published whose checks failed"),
        ]
        constraints = [
            known("kind", RunKind, name="scoring_scorerun_kind_known"),
            known("state", RunState, name="scoring_scorerun_state_known"),
            models.CheckConstraint(name="scoring_scorerun_parts", condition=Q(parts__gt=0)),
            models.CheckConstraint(
                name="scoring_scorerun_finished_when",
                condition=Q(state=WORKING, finished_at__isnull=True)
                | (~Q(state=WORKING) & Q(finished_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="scoring_scorerun_published_with_pd", condition=~Q(state=PUBLISHED) | Q(calibration__isnull=False)
            ),
            models.CheckConstraint(
                name="scoring_scorerun_single_reads_others",
                condition=Q(kind="SINGLE", references__isnull=False) | Q(kind="FULL", references__isnull=True),
            ),
            models.UniqueConstraint(
                name="scoring_scorerun_one_works", fields=["kind"], condition=Q(kind="FULL", state=WORKING)
            ),
        ]
        indexes = [models.Index(fields=["as_of"], name="scoring_scorerun_by_date", condition=Q(kind="FULL"))]

    def __str__(self) -> str:
        return f"{self.as_of} ({self.pk})"

    @property
    def vintage(self) -> Vintage:
        return Vintage(self.as_of, self.watermark_high)


class RunCheck(models.Model):
    """What one check found in a run before it was published, in the units of its kind. Append-only."""

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="checks", db_index=False)
    name = models.CharField(max_length=20)
    value = models.BigIntegerField()
    bound = models.BigIntegerField(null=True)
    passed = models.BooleanField()
    note = models.CharField(max_length=20)
    worst = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(name="scoring_runcheck_once", fields=["run", "name"])]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.name}"


class LiveRunQuerySet(LockingQuerySet["LiveRun"]):
    """The pointer, lockable."""


class LiveRun(models.Model):
    """The single pointer to the run whose scores are live."""

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    objects = LiveRunQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="scoring_liverun_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self.run_id)
