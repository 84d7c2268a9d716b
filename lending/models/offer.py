"""Offers to merchants, the rounds that make them, and what merchants are granted."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from config.kernel.money import CURRENCY_PATTERN
from lending.domain.origination.offer import OfferState, may_become
from lending.domain.origination.product import ProductKind
from lending.models.product import ProductVersion
from merchants.models import Merchant
from scoring.models import Score, ScoreRun

OPEN = [state.value for state in OfferState if may_become(state, OfferState.ACCEPTED)]


class OfferRound(models.Model):
    """The making of offers from one published run, on one business date."""

    run = models.OneToOneField(ScoreRun, on_delete=models.PROTECT, related_name="+")
    on = models.DateField()
    parts = models.SmallIntegerField()
    started_by = models.CharField(max_length=40)
    started_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="lending_offerround_parts", condition=Q(parts__gt=0))]

    def __str__(self) -> str:
        return f"{self.on} ({self.run_id})"


class OfferQuerySet(LockingQuerySet["Offer"]):
    def open(self) -> Self:
        """Filter to those that can still be accepted, unless they expired."""
        return self.filter(state__in=OPEN)


class GrantedLimit(models.Model):
    """How much a merchant may owe in all to be lent to under a kind of product, as of the last night."""

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=11, choices=choices(ProductKind), db_default=ProductKind.TERM.value)
    limit_minor = models.BigIntegerField()
    higher_since = models.DateField(null=True)
    sustained_minor = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lending_creditline"  # as it was first called; a line is something else by now
        constraints = [
            known("kind", ProductKind, name="lending_creditline_kind_known"),
            models.UniqueConstraint(name="lending_creditline_once_a_kind", fields=["merchant", "kind"]),
            models.CheckConstraint(name="lending_creditline_not_negative", condition=Q(limit_minor__gte=0)),
            models.CheckConstraint(
                name="lending_creditline_higher_since_when",
                condition=Q(higher_since__isnull=True, sustained_minor__isnull=True)
                | Q(higher_since__isnull=False, sustained_minor__isnull=False, sustained_minor__gt=F("limit_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merchant_id}: {self.limit_minor}"


class Offer(models.Model):
    """What one merchant may borrow, as of one score: up to a limit, at a price, until a date.

    `limit_minor` is what can be newly lent, `most_by_months` the most of it by term (`read_choices`).
    `caps` has every cap by name in minor units, null where it does not apply; `binding` names the least.
    `expires_on` is the first business date on which it can no longer be accepted; `delivered_on` the one on which the
    partner said that the merchant saw it, null for what was delivered before that was kept.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    score = models.ForeignKey(Score, on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey(ProductVersion, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=11, choices=choices(ProductKind), db_default=ProductKind.TERM.value)
    state = models.CharField(max_length=9, choices=choices(OfferState))
    currency = models.CharField(max_length=3)
    grade = models.CharField(max_length=2)
    minimum_minor = models.BigIntegerField()
    limit_minor = models.BigIntegerField()
    most_by_months = models.JSONField()
    daily_rate = models.DecimalField(max_digits=12, decimal_places=10)
    caps = models.JSONField()
    binding = models.CharField(max_length=20)
    made_on = models.DateField()
    expires_on = models.DateField()
    made_at = models.DateTimeField()
    delivered_on = models.DateField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        constraints = [
            known("kind", ProductKind, name="lending_offer_kind_known"),
            known("state", OfferState, name="lending_offer_state_known"),
            models.CheckConstraint(name="lending_offer_currency_code", condition=Q(currency__regex=CURRENCY_PATTERN)),
            models.CheckConstraint(
                name="lending_offer_amounts",
                condition=Q(minimum_minor__gt=0, limit_minor__gte=F("minimum_minor")),
            ),
            models.CheckConstraint(name="lending_offer_rate_not_negative", condition=Q(daily_rate__gte=0)),
            models.CheckConstraint(name="lending_offer_lasts", condition=Q(expires_on__gt=F("made_on"))),
            models.CheckConstraint(
                name="lending_offer_closed_when",
                condition=Q(state__in=OPEN, closed_at__isnull=True) | (~Q(state__in=OPEN) & Q(closed_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="lending_offer_one_open_a_kind", fields=["merchant", "kind"], condition=Q(state__in=OPEN)
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="lending_offer_by_merchant"),
            models.Index(fields=["state", "-id"], name="lending_offer_by_state"),
            models.Index(fields=["grade", "-id"], name="lending_offer_by_grade"),
            models.Index(fields=["made_on"], name="lending_offer_by_day"),
            models.Index(fields=["expires_on"], name="lending_offer_open", condition=Q(state__in=OPEN)),
        ]

    def __str__(self) -> str:
        return f"offer_{self.pk}"
