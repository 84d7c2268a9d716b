"""Scores of merchants."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from merchants.models import Merchant
from scoring.domain.calibration import Grade
from scoring.domain.features.declarations import NO_REPAYMENT_HISTORY
from scoring.domain.policy import NotScored
from scoring.domain.scorecard import HIGHEST_SCORE, LOWEST_SCORE
from scoring.models.run import ScoreRun

GRADES = [grade.value for grade in Grade]
NOT_SCORED = [reason.value for reason in NotScored]


class Score(models.Model):
    """The result of one run for one merchant, scored or not. Append-only.

    `characteristics` and `points` are in the order of the run's feature set and card; `needed` is what would
    change a "not scored" (orders more, sales more, days to wait). PD in parts per million; sales_basis_minor is M;
    repayment_level is the value of the characteristic `repayment`.
    """

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="scores", db_index=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    not_scored = models.CharField(max_length=14, null=True)  # noqa: DJ001 - null: it is scored
    needed = models.BigIntegerField()
    score = models.SmallIntegerField()
    pd_ppm = models.IntegerField(null=True)
    grade = models.CharField(max_length=2, null=True)  # noqa: DJ001 - null: the run had no calibration
    sales_basis_minor = models.BigIntegerField()
    sales_365_minor = models.BigIntegerField(db_default=0)  # so that workers of the version before can still write
    worst_month_minor = models.BigIntegerField(db_default=0)
    repayment_level = models.SmallIntegerField(db_default=NO_REPAYMENT_HISTORY)
    gates = ArrayField(models.CharField(max_length=10))
    reasons = ArrayField(models.CharField(max_length=40))
    floored = ArrayField(models.CharField(max_length=20))
    absent = ArrayField(models.CharField(max_length=40))
    characteristics = ArrayField(models.BigIntegerField(null=True))
    points = ArrayField(models.SmallIntegerField())

    class Meta:
        permissions = [("replay_score", "Can replay a score")]
        constraints = [
            models.UniqueConstraint(name="scoring_score_once", fields=["run", "merchant"]),
            models.CheckConstraint(
                name="scoring_score_not_scored_known",
                condition=Q(not_scored__isnull=True) | Q(not_scored__in=NOT_SCORED),
            ),
            models.CheckConstraint(
                name="scoring_score_in_range", condition=Q(score__range=(LOWEST_SCORE, HIGHEST_SCORE))
            ),
            models.CheckConstraint(
                name="scoring_score_grade_with_pd",
                # A CHECK that is NULL passes, so NOT NULL is required beside IN.
                condition=Q(grade__isnull=False, grade__in=GRADES, pd_ppm__isnull=False)
                | Q(grade__isnull=True, pd_ppm__isnull=True),
            ),
            models.CheckConstraint(
                name="scoring_score_pd_is_a_share", condition=Q(pd_ppm__isnull=True) | Q(pd_ppm__range=(0, 1_000_000))
            ),
            models.CheckConstraint(
                name="scoring_score_basis_not_negative", condition=Q(sales_basis_minor__gte=0, needed__gte=0)
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="scoring_score_by_merchant"),
            models.Index(fields=["run", "grade"], name="scoring_score_by_grade"),
            models.Index(
                fields=["run", "not_scored"], name="scoring_score_not_scored", condition=Q(not_scored__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.merchant_id}"
