"""Versions of what a score rests on: scorecards and calibrations, as immutable hashed data."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ScorecardVersion(models.Model):
    """One scorecard as canonical JSON, identified by its hash. Append-only."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=80)
    content = models.TextField()
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("scorecard")
        constraints = [
            models.CheckConstraint(name="scoring_scorecardversion_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.sha256[:8]}"


class CalibrationVersion(models.Model):
    """One calibration as canonical JSON, solved once on a named reference run. Append-only."""

    sha256 = models.CharField(max_length=64, unique=True)
    scorecard = models.ForeignKey(ScorecardVersion, on_delete=models.PROTECT, related_name="calibrations")
    run = models.ForeignKey("scoring.ScoreRun", on_delete=models.PROTECT, related_name="+")
    content = models.TextField()
    created_by = models.CharField(max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("calibration")
        constraints = [
            models.CheckConstraint(
                name="scoring_calibrationversion_sha256", condition=Q(sha256__regex="^[0-9a-f]{64}$")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scorecard_id}: {self.sha256[:8]}"
