"""How merchants repay, as lending reports it."""

from django.db import models
from django.db.models import Q

from merchants.models import Batch, Merchant


class BehaviourFact(models.Model):
    """How a merchant stood with its loans at the end of a day, until its next fact. Append-only.

    One row a merchant and day on which something changed; a day's fact of a later batch corrects the one before.
    Amounts in minor units; see `scoring.domain.behaviour` for what they sum. `batch` says since when the fact is known,
    as it does for transactions.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    business_date = models.DateField()
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="+", db_index=False)
    dpd = models.IntegerField()
    scheduled_minor = models.BigIntegerField()
    repaid_minor = models.BigIntegerField()
    loans_repaid = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="scoring_behaviourfact_once_a_batch", fields=["merchant", "business_date", "batch"]
            ),
            models.CheckConstraint(
                name="scoring_behaviourfact_not_negative",
                condition=Q(dpd__gte=0, scheduled_minor__gte=0, repaid_minor__gte=0, loans_repaid__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merchant_id}: {self.business_date}"
