"""What came in each partner's feed, by day."""

from django.db import models

from config.db.choices import choices, known
from merchants.domain.transaction import TransactionKind
from merchants.models.partner import Partner


class FeedDay(models.Model):
    """The rows of one kind and currency that happened on one day, without superseded ones; minor units.

    late: those of them that came more than a week after they happened. Kept with the batches that store the rows, so
    the sums are those of the transactions, in the same snapshot.
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="feed_days", db_index=False)
    day = models.IntegerField()
    kind = models.CharField(max_length=20, choices=choices(TransactionKind))
    currency = models.CharField(max_length=3)
    rows = models.BigIntegerField()
    amount_minor = models.DecimalField(max_digits=30, decimal_places=0)
    late = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="merchants_feedday_once", fields=["partner", "day", "kind", "currency"]),
            known("kind", TransactionKind, name="merchants_feedday_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.partner_id}: {self.day} {self.kind}"
