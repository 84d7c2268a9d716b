"""What reports on the portfolio rest on: what loans were when they were paid out, what moved on them, kept figures."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.kernel.money import CURRENCY_PATTERN
from lending.domain.books.portfolio import Dimension, Report
from lending.models.loan import Loan


class LoanOrigin(models.Model):
    """What a loan was on the day it was paid out, however its merchant changes later; "-" where nothing was said.

    Of an imported loan, what it was when it was taken over. Written and removed with the loan's first event.
    `first_due` is that of the schedule as it was first drawn; `borrower` the owner or, without one, the merchant.
    `grade` and `pd_ppm` are those it was lent by, `lgd_bps` that of its product.
    """

    loan = models.OneToOneField(Loan, on_delete=models.PROTECT, related_name="origin", primary_key=True)
    disbursed_on = models.DateField()
    first_due = models.DateField()
    currency = models.CharField(max_length=3)
    product = models.CharField(max_length=40)
    grade = models.CharField(max_length=2)
    category = models.CharField(max_length=200)
    region = models.CharField(max_length=100)
    tier = models.CharField(max_length=40)
    partner = models.CharField(max_length=40)
    borrower = models.CharField(max_length=40)
    pd_ppm = models.IntegerField(null=True)
    lgd_bps = models.IntegerField()

    class Meta:
        verbose_name = _("loan of the portfolio")
        verbose_name_plural = _("loans of the portfolio")
        constraints = [
            models.CheckConstraint(name="lending_loanorigin_currency", condition=Q(currency__regex=CURRENCY_PATTERN)),
            models.CheckConstraint(name="lending_loanorigin_due_later", condition=Q(first_due__gte=F("disbursed_on"))),
            models.CheckConstraint(
                name="lending_loanorigin_something_said",
                condition=~Q(product="") & ~Q(grade="") & ~Q(category="") & ~Q(region="") & ~Q(tier=""),
            ),
        ]
        indexes = [models.Index(fields=["disbursed_on"], name="lending_loanorigin_by_day")]

    def __str__(self) -> str:
        return f"loan_{self.loan_id}"


class LoanFlow(models.Model):
    """What a day's events moved on a loan, as `Flow` of `lending.domain.contract.flows`; minor units.

    Written wherever the loan's row is written from its events, with its spells.
    """

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="flows", db_index=False)
    on = models.DateField()
    disbursed_minor = models.BigIntegerField()
    received_minor = models.BigIntegerField()
    written_off_minor = models.BigIntegerField()
    recovered_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="lending_loanflow_once", fields=["loan", "on"]),
            models.CheckConstraint(
                name="lending_loanflow_something_moved",
                condition=~Q(disbursed_minor=0, received_minor=0, written_off_minor=0, recovered_minor=0),
            ),
        ]
        indexes = [
            models.Index(
                fields=["on"],
                include=["loan", "received_minor"],
                name="lending_loanflow_received",
                condition=~Q(received_minor=0),
            ),
            models.Index(
                fields=["on"],
                include=["loan", "disbursed_minor"],
                name="lending_loanflow_disbursed",
                condition=~Q(disbursed_minor=0),
            ),
            models.Index(
                fields=["on"],
                include=["loan", "written_off_minor", "recovered_minor"],
                name="lending_loanflow_lost",
                condition=~Q(written_off_minor=0, recovered_minor=0),
            ),
        ]

    def __str__(self) -> str:
        return f"loan_{self.loan_id}: {self.on}"


class PortfolioFigures(models.Model):
    """The figures of a report as of a day by a dimension, kept so that no page adds up all loans.

    What is booked for the day or an earlier one removes them, in the same transaction. rows: as
    `lending.queries.portfolio_figures` computes them.
    """

    on = models.DateField()
    report = models.CharField(max_length=13, choices=choices(Report))
    dimension = models.CharField(max_length=8, choices=choices(Dimension))
    rows = models.JSONField()

    class Meta:
        constraints = [
            known("report", Report, name="lending_portfoliofigures_report"),
            known("dimension", Dimension, name="lending_portfoliofigures_dimension"),
            models.UniqueConstraint(name="lending_portfoliofigures_once", fields=["on", "report", "dimension"]),
        ]

    def __str__(self) -> str:
        return f"{self.on}: {self.report} by {self.dimension}"


class DelinquencyFigures(models.Model):
    """How many loans are in which bucket of delinquency as of a day, kept as figures of the portfolio are.

    basis: of what they were classed by, as `basis_of` of `lending.queries.delinquency_tables` hashes it. rows: as
    `compute_buckets` there adds them up.
    """

    on = models.DateField(unique=True)
    basis = models.CharField(max_length=64)
    rows = models.JSONField()

    def __str__(self) -> str:
        return str(self.on)
