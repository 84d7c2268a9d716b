"""What a run measured of its members, from the one pass over their histories until it is concluded."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from merchants.models import Merchant
from scoring.models.run import ScoreRun


class MeasuredMerchant(models.Model):
    """One member's measures, in an order that `version` identifies; null without a row. Deleted with the run's end."""

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    merchant = models.ForeignKey(
        Merchant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    shard = models.SmallIntegerField()
    version = models.CharField(max_length=64)
    measures = ArrayField(models.BigIntegerField(null=True), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="scoring_measuredmerchant_once", fields=["run", "shard", "merchant"])
        ]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.merchant_id}"
