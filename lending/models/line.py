"""Credit lines: the limits under which merchants draw, and what happened to them."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from config.kernel.money import CURRENCY_PATTERN
from lending.domain.origination.line import LineEventType, LineState
from lending.models.application import Application
from lending.models.loan import Loan
from lending.models.offer import OfferRound
from lending.models.product import ProductVersion
from merchants.models import Merchant

OPEN = [LineState.ACTIVE.value, LineState.FROZEN.value]
WITH_AMOUNT = ["OPENED", "DRAWN", "RAISED", "CUT"]


class LineQuerySet(LockingQuerySet["Line"]):
    def open(self) -> Self:
        """Filter to those that are not closed."""
        return self.filter(state__in=OPEN)


class Line(models.Model):
    """A limit under which one merchant draws and repays at any time; each draw is a loan with its own terms.

    application: the one that opened it, with the evidence that its terms were signed. grade, daily_rate: as agreed,
    for every draw. limit_minor, higher_since, sustained_minor: the limit after its last review, and since when it
    could be higher (`GrantedLimit`). frozen_for: why a review froze it; "" where a person did, or nobody.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="opened_line")
    product = models.ForeignKey(ProductVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=6, choices=choices(LineState))
    frozen_for = models.CharField(max_length=40, blank=True)
    currency = models.CharField(max_length=3)
    grade = models.CharField(max_length=2)
    daily_rate = models.DecimalField(max_digits=12, decimal_places=10)
    limit_minor = models.BigIntegerField()
    higher_since = models.DateField(null=True)
    sustained_minor = models.BigIntegerField(null=True)
    opened_on = models.DateField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    reviewed_in = models.ForeignKey(OfferRound, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)

    objects = LineQuerySet.as_manager()

    class Meta:
        verbose_name = _("credit line")
        permissions = [
            ("draw_line", "Can draw for a merchant"),
            ("freeze_line", "Can freeze a line"),
            ("unfreeze_line", "Can unfreeze a line"),
            ("close_line", "Can close a line"),
        ]
        constraints = [
            known("state", LineState, name="lending_line_state_known"),
            models.CheckConstraint(name="lending_line_currency_code", condition=Q(currency__regex=CURRENCY_PATTERN)),
            models.CheckConstraint(
                name="lending_line_not_negative", condition=Q(limit_minor__gte=0, daily_rate__gte=0)
            ),
            models.CheckConstraint(
                name="lending_line_higher_since_when",
                condition=Q(higher_since__isnull=True, sustained_minor__isnull=True)
                | Q(higher_since__isnull=False, sustained_minor__isnull=False, sustained_minor__gt=F("limit_minor")),
            ),
            models.CheckConstraint(name="lending_line_frozen_for_when", condition=Q(frozen_for="") | Q(state="FROZEN")),
            models.CheckConstraint(
                name="lending_line_closed_when",
                condition=Q(state="CLOSED", closed_at__isnull=False) | (~Q(state="CLOSED") & Q(closed_at__isnull=True)),
            ),
            models.UniqueConstraint(name="lending_line_one_open", fields=["merchant"], condition=Q(state__in=OPEN)),
            # What loans and applications refer to, so that none can be under the line of another merchant.
            models.UniqueConstraint(name="lending_line_of_merchant", fields=["id", "merchant"]),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="lending_line_by_merchant"),
            models.Index(fields=["state", "-id"], name="lending_line_by_state"),
        ]

    def __str__(self) -> str:
        return f"line_{self.pk}"


class LineEvent(models.Model):
    """What happened to a line, on which business date, by whom and why. Append-only.

    amount_minor: what was drawn, or the limit that the line was opened with, raised or cut to. loan: of a draw.
    """

    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="events", db_index=False)
    type = models.CharField(max_length=8, choices=choices(LineEventType))
    on = models.DateField()
    amount_minor = models.BigIntegerField(null=True)
    loan = models.OneToOneField(Loan, on_delete=models.PROTECT, related_name="draw", null=True)
    reason = models.TextField()
    actor = models.CharField(max_length=40)
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [
            known("type", LineEventType, name="lending_lineevent_type_known"),
            models.CheckConstraint(
                name="lending_lineevent_amount_when",
                condition=Q(type__in=WITH_AMOUNT, amount_minor__isnull=False, amount_minor__gte=0)
                | (~Q(type__in=WITH_AMOUNT) & Q(amount_minor__isnull=True)),
            ),
            models.CheckConstraint(
                name="lending_lineevent_loan_when",
                condition=Q(type="DRAWN", loan__isnull=False) | (~Q(type="DRAWN") & Q(loan__isnull=True)),
            ),
        ]
        indexes = [models.Index(fields=["line", "-id"], name="lending_lineevent_by_line")]

    def __str__(self) -> str:
        return f"{self.line_id}: {self.type}"
