"""What a run found of sales that may be made up: pinned with it, so that its scores can be computed again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from merchants.models import Merchant
from scoring.models.run import ScoreRun


class IntegrityFinding(models.Model):
    """One merchant for whom a mark fired. Append-only.

    fired: bit i is MARKS[i]; measures: MEASURES in their order, basis points; flagged_share_bp: the characteristic;
    first_known_day: since 1970-01-01, on which the first SALE was known, where its past was told late.
    """

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    fired = models.IntegerField()
    measures = ArrayField(models.BigIntegerField())
    flagged_share_bp = models.IntegerField()
    first_known_day = models.IntegerField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="scoring_integrityfinding_once", fields=["run", "merchant"])]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.merchant_id}"


class FlaggedSale(models.Model):
    """One SALE of a flagged order, as a run saw it. Append-only. marks: bit i is MARKS[i]; day: since 1970-01-01."""

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(max_length=100)
    order_key = models.CharField(max_length=100)
    day = models.IntegerField()
    amount_minor = models.BigIntegerField()
    buyer = models.BigIntegerField(null=True)
    marks = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="scoring_flaggedsale_once", fields=["run", "merchant", "external_id"])
        ]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.external_id}"
