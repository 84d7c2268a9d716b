"""Platforms whose merchants are scored and financed."""

from django.db import models
from django.db.models import Q

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from merchants.domain.feed import FeedSignal
from merchants.domain.transaction import Settlement


class PartnerQuerySet(LockingQuerySet["Partner"]):
    """Partners, lockable."""


class Partner(models.Model):
    """A marketplace or payment platform; `settlement` decides on which day a sale counts.

    feed_signal: why its feed is red, as last judged, or "". withholds: whether it collects what its merchants owe, from
    what it settles to them.
    """

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=100)
    settlement = models.CharField(max_length=9, choices=choices(Settlement))
    feed_signal = models.CharField(max_length=7, choices=choices(FeedSignal), blank=True, db_default="")
    withholds = models.BooleanField(default=False, db_default=False)

    objects = PartnerQuerySet.as_manager()

    class Meta:
        permissions = [("withhold_partner", "Can say whether a partner withholds what its merchants owe")]
        constraints = [
            known("settlement", Settlement, name="merchants_partner_settlement_known"),
            models.CheckConstraint(
                name="merchants_partner_feed_signal_known",
                condition=Q(feed_signal__in=["", *(signal.value for signal in FeedSignal)]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PartnerClient(models.Model):
    """The OAuth client of a partner's system; several at once allow a secret to be replaced without a gap."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="clients")
    application = models.OneToOneField("oauth2_provider.Application", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return f"{self.partner_id}: {self.application_id}"
