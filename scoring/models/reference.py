"""What a run pins of other merchants, and of each merchant itself. All append-only."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from merchants.models import Merchant, Partner
from scoring.models.run import ScoreRun

CURRENCY = 3


class ReferenceMerchant(models.Model):
    """One merchant of a run: its attributes at the time, and what it contributes to the references."""

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="members", db_index=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    shard = models.SmallIntegerField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    escrow = models.BooleanField()
    currency = models.CharField(max_length=CURRENCY)
    category = models.CharField(max_length=200)
    region = models.CharField(max_length=100)
    s_90 = models.BigIntegerField()
    sale_rows_90 = models.BigIntegerField()
    rating_sum_180 = models.BigIntegerField()
    ratings_180 = models.BigIntegerField()
    refund_rows_365 = models.BigIntegerField()
    chargeback_rows_365 = models.BigIntegerField()
    cancel_rows_365 = models.BigIntegerField()
    review_rows_365 = models.BigIntegerField()
    dispatch_rows_365 = models.BigIntegerField()
    payout_rows_365 = models.BigIntegerField()
    sale_rows_180 = models.BigIntegerField()
    named_sale_rows_180 = models.BigIntegerField()
    unsold_reversals_365 = models.BigIntegerField(db_default=0)
    settled_above_paid_365 = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="scoring_referencemerchant_once", fields=["run", "merchant"])]
        indexes = [models.Index(fields=["run", "shard"], name="scoring_refmerchant_by_shard")]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.merchant_id}"


class ReferenceCell(models.Model):
    """The 99 cuts of net sales of 90 days, minor units, of a group of sellers: all, a category, a region of it."""

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=CURRENCY)
    category = models.CharField(max_length=200)
    region = models.CharField(max_length=100)
    level = models.CharField(max_length=8)
    sellers = models.IntegerField()
    cuts = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="scoring_referencecell_once", fields=["run", "partner", "currency", "level", "category", "region"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.category} {self.region}"


class ReferenceRating(models.Model):
    """The mean rating of all or of a category, kept exact as a sum and a count."""

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=CURRENCY)
    category = models.CharField(max_length=200)
    level = models.CharField(max_length=8)
    rating_sum = models.BigIntegerField()
    ratings = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="scoring_referencerating_once", fields=["run", "partner", "currency", "level", "category"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.category}"


class ReferenceFeed(models.Model):
    """What one partner's feed carries, and how many reversals and settled orders of 365 days do not add up."""

    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    carried = ArrayField(models.CharField(max_length=20))
    unsold_reversals = models.BigIntegerField(db_default=0)
    settled_above_paid = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="scoring_referencefeed_once", fields=["run", "partner"])]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.partner_id}"
