"""Provisions: the policies by which they are made, the months for which they were, and a row for each loan."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.kernel.money import CURRENCY_PATTERN
from lending.domain.books.provision import Cause, Left, Stage
from lending.domain.books.provision_policy import Category
from lending.models.day_close import DayClose
from lending.models.line import Line
from lending.models.loan import Loan
from lending.models.policy import PolicyVersion
from lending.models.product import ProductVersion
from scoring.models import ScoreRun

STAGES = [stage.value for stage in Stage]


class ProvisionPolicy(PolicyVersion):
    """A policy of provisions."""

    class Meta(PolicyVersion.Meta):
        verbose_name = _("policy of provisions")
        verbose_name_plural = _("policies of provisions")


class ProvisionMonth(models.Model):
    """A month for which provisions are made, by the close of its last day, and what all of them rest on.

    run: the scores that were live when the close began. booked_at: since when the ledger has them.
    """

    month = models.DateField(unique=True)
    close = models.OneToOneField(DayClose, on_delete=models.PROTECT, related_name="provisions")
    policy = models.ForeignKey(ProvisionPolicy, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(ScoreRun, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    last_line = models.BigIntegerField()
    booked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("month of provisions")
        verbose_name_plural = _("months of provisions")
        constraints = [models.CheckConstraint(name="lending_provisionmonth_first", condition=Q(month__day=1))]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class LoanProvision(models.Model):
    """What is provided for a loan, or for what is undrawn of a line, at the end of a month. Append-only.

    Whatever ran, and whatever was provided for a month before: then `left` says why nothing is any more. `periods`
    is a list of days ahead and exposures; with pd_ppm, lgd_bps and rate_ppm the expected loss follows from it alone.
    score_pd_ppm: what the scores say, null without one. before_*: the row of the month before.
    """

    month = models.ForeignKey(ProvisionMonth, on_delete=models.PROTECT, related_name="provisions", db_index=False)
    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="provisions", null=True, db_index=False)
    line = models.ForeignKey(Line, on_delete=models.PROTECT, related_name="provisions", null=True, db_index=False)
    product = models.ForeignKey(ProductVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    left = models.CharField(max_length=11, choices=choices(Left), null=True)  # noqa: DJ001 - null: it still runs
    stage = models.SmallIntegerField(null=True)
    cause = models.CharField(max_length=13, choices=choices(Cause), null=True)  # noqa: DJ001 - as stage
    category = models.CharField(max_length=15, choices=choices(Category), null=True)  # noqa: DJ001 - as stage
    good_months = models.SmallIntegerField(default=0)
    dpd = models.IntegerField(default=0)
    worst_dpd = models.IntegerField(default=0)
    re_aged_on = models.DateField(null=True)
    score_pd_ppm = models.IntegerField(null=True)
    origination_pd_ppm = models.IntegerField(null=True)
    pd_ppm = models.IntegerField(default=0)
    lgd_bps = models.IntegerField(default=0)
    rate_ppm = models.IntegerField(default=0)
    ead_minor = models.BigIntegerField(default=0)
    periods = models.JSONField(default=list)
    ecl_minor = models.BigIntegerField(default=0)
    minimum_minor = models.BigIntegerField(default=0)
    provision_minor = models.BigIntegerField(default=0)
    before_stage = models.SmallIntegerField(null=True)
    before_minor = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = _("provision")
        constraints = [
            known("cause", Cause, name="lending_loanprovision_cause_known"),
            known("category", Category, name="lending_loanprovision_category_known"),
            known("left", Left, name="lending_loanprovision_left_known"),
            models.CheckConstraint(
                name="lending_loanprovision_currency_code", condition=Q(currency__regex=CURRENCY_PATTERN)
            ),
            models.CheckConstraint(
                name="lending_loanprovision_of_loan_or_line",
                condition=Q(loan__isnull=False, line__isnull=True) | Q(loan__isnull=True, line__isnull=False),
            ),
            models.CheckConstraint(
                name="lending_loanprovision_runs_or_left",
                condition=Q(left__isnull=True, stage__isnull=False, stage__in=STAGES, cause__isnull=False)
                & Q(category__isnull=False)
                | Q(left__isnull=False, stage__isnull=True, provision_minor=0, before_stage__isnull=False),
            ),
            models.CheckConstraint(
                name="lending_loanprovision_within_exposure",
                condition=Q(ecl_minor__gte=0, ecl_minor__lte=F("ead_minor"))
                & Q(minimum_minor__gte=0, minimum_minor__lte=F("ead_minor"))
                & Q(provision_minor__gte=0, provision_minor__lte=F("ead_minor")),
            ),
            models.CheckConstraint(
                name="lending_loanprovision_before_when",
                condition=Q(before_stage__isnull=False, before_stage__in=STAGES, before_minor__gte=0)
                | Q(before_stage__isnull=True, before_minor=0),
            ),
            models.UniqueConstraint(name="lending_loanprovision_once_a_loan", fields=["month", "loan"]),
            models.UniqueConstraint(name="lending_loanprovision_once_a_line", fields=["month", "line"]),
        ]
        indexes = [
            models.Index(fields=["loan", "-id"], name="lending_loanprovision_by_loan", condition=Q(loan__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.month_id}: {self.loan_id or self.line_id}"
