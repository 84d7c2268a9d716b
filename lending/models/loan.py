"""Loans: their terms, what happened to them, and what follows from it."""

from collections.abc import Sequence
from datetime import date
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from config.kernel.money import CURRENCY_PATTERN
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.events import FIGURES, EventType
from lending.models.application import Application
from lending.models.product import ProductVersion
from merchants.models import Merchant, Partner, PayoutAccount

ACTIVE = LoanStatus.ACTIVE.value
EXPOSED = [LoanStatus.APPROVED.value, LoanStatus.ACTIVE.value]


class LoanQuerySet(LockingQuerySet["Loan"]):
    def exposed(self) -> Self:
        return self.filter(status__in=EXPOSED)

    def owed(self) -> Self:
        return self.filter(status__in=[*EXPOSED, LoanStatus.WRITTEN_OFF.value])

    def active(self) -> Self:
        return self.filter(status=ACTIVE)

    def owing(self, on: date) -> Self:
        """Filter to those on which something may be due on a date."""
        return self.filter(Q(due_minor__gt=0) | Q(next_due__lte=on), disbursed_on__lte=on)

    def turning(self, to: date) -> Self:
        return self.filter(turns_on__lte=to)

    def within(self, ids: range) -> Self:
        return self.filter(pk__gte=ids.start, pk__lt=ids.stop)


class Loan(models.Model):
    """One loan: its terms, and a projection of `replay` as of `booked_to`, written with every event and turn.

    `line` is what it was drawn on, null for other loans. `terms` is what the contract engine reads; `category` is the
    merchant's when the loan was approved. Amounts are minor units. Until `turns_on`, the first date on
    which something falls due, turns late or passes its grace, nothing is written: what accrues and the days past due
    follow from the columns between the two (`RestingLoan`). `late_since` is the due date since which the loan is late,
    or will be tomorrow if nothing is paid; `turn_fee_minor` the fee that falls due on `turns_on`; `worst_dpd`
    the most days past due up to `booked_to`, as the events that stand have it.
    `imported_on` is the cut-over date of a loan that came with a book: nobody applied for it here, and its merchant may
    have no payout account yet.
    """

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="loan", null=True)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey(ProductVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    line = models.ForeignKey("Line", on_delete=models.PROTECT, related_name="loans", null=True, db_index=False)
    payout_account = models.ForeignKey(
        PayoutAccount, on_delete=models.PROTECT, related_name="+", db_index=False, null=True
    )
    imported_on = models.DateField(null=True)
    status = models.CharField(max_length=11, choices=choices(LoanStatus))
    category = models.CharField(max_length=200, db_default="")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    terms = models.JSONField()
    approved_at = models.DateTimeField()
    disbursed_on = models.DateField(null=True)
    closed_on = models.DateField(null=True)
    booked_to = models.DateField(null=True)
    disbursed_minor = models.BigIntegerField(default=0)
    repaid_minor = models.BigIntegerField(default=0)
    refunded_minor = models.BigIntegerField(default=0)
    principal_minor = models.BigIntegerField(default=0)
    interest_minor = models.BigIntegerField(default=0)
    interest_paid_minor = models.BigIntegerField(default=0)
    penalty_minor = models.BigIntegerField(default=0)
    penalty_paid_minor = models.BigIntegerField(default=0)
    fees_minor = models.BigIntegerField(default=0)
    fees_paid_minor = models.BigIntegerField(default=0)
    credit_minor = models.BigIntegerField(default=0)
    receivable_minor = models.BigIntegerField(default=0, db_default=0)
    principal_written_off_minor = models.BigIntegerField(default=0, db_default=0)
    interest_written_off_minor = models.BigIntegerField(default=0, db_default=0)
    penalty_written_off_minor = models.BigIntegerField(default=0, db_default=0)
    fees_written_off_minor = models.BigIntegerField(default=0, db_default=0)
    waived_minor = models.BigIntegerField(default=0, db_default=0)
    recovered_minor = models.BigIntegerField(default=0, db_default=0)
    due_minor = models.BigIntegerField(default=0)
    late_since = models.DateField(null=True)
    worst_dpd = models.IntegerField(default=0)
    next_due = models.DateField(null=True)
    day_count = models.CharField(max_length=8, null=True)  # noqa: DJ001 - none before the disbursement
    place = models.BigIntegerField(default=0)
    overdue_minor = models.BigIntegerField(default=0)
    rate_numerator = models.BigIntegerField(default=0)
    interest_numerator = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    penalty_numerator = models.DecimalField(max_digits=40, decimal_places=0, default=0)
    denominator = models.BigIntegerField(default=1)
    extra = models.BigIntegerField(default=0)
    extra_scale = models.BigIntegerField(default=1)
    fits_to = models.BigIntegerField(default=0)
    turns_on = models.DateField(null=True)
    turn_fee_minor = models.BigIntegerField(default=0, db_default=0)

    standing_types: frozenset[EventType] | None = None
    """Of the events that stand, where they were replayed for a page."""

    objects = LoanQuerySet.as_manager()

    class Meta:
        verbose_name = _("loan")
        permissions = [
            ("repay_loan", "Can book a repayment"),
            ("charge_loan", "Can charge a fee"),
            ("change_rate_loan", "Can change a rate"),
            ("restructure_loan", "Can pause, extend, re-amortise and re-age"),
            ("waive_loan", "Can waive interest, penalty and fees"),
            ("settle_loan", "Can settle for less than is owed"),
            ("write_off_loan", "Can write off"),
            ("refund_loan", "Can pay credit back"),
            ("reverse_loan", "Can reverse an event"),
            ("pay_out_loan", "Can pay out again"),
            ("return_loan", "Can take a payout back"),
            ("cancel_loan", "Can cancel a loan"),
            ("approve_loan", "Can approve what others ask for a loan"),
        ]
        constraints = [
            known("status", LoanStatus, name="lending_loan_status_known"),
            models.CheckConstraint(name="lending_loan_currency_code", condition=Q(currency__regex=CURRENCY_PATTERN)),
            models.CheckConstraint(name="lending_loan_amount_positive", condition=Q(amount_minor__gt=0)),
            models.CheckConstraint(
                name="lending_loan_disbursed_when",
                condition=Q(
                    status__in=["ACTIVE", "CLOSED", "WRITTEN_OFF"], disbursed_on__isnull=False, booked_to__isnull=False
                )
                | Q(status__in=["APPROVED", "CANCELLED"], disbursed_on__isnull=True, disbursed_minor=0),
            ),
            models.CheckConstraint(
                name="lending_loan_imported_when",
                condition=Q(imported_on__isnull=True, application__isnull=False, payout_account__isnull=False)
                | Q(imported_on__isnull=False, application__isnull=True),
            ),
            models.CheckConstraint(
                name="lending_loan_closed_when",
                condition=Q(status="CLOSED", closed_on__isnull=False)
                | (~Q(status="CLOSED") & Q(closed_on__isnull=True)),
            ),
            models.CheckConstraint(
                name="lending_loan_not_negative",
                condition=Q(
                    disbursed_minor__gte=0,
                    repaid_minor__gte=0,
                    refunded_minor__gte=0,
                    principal_minor__gte=0,
                    interest_paid_minor__gte=0,
                    penalty_paid_minor__gte=0,
                    fees_paid_minor__gte=0,
                    credit_minor__gte=0,
                    receivable_minor__gte=0,
                    principal_written_off_minor__gte=0,
                    interest_written_off_minor__gte=0,
                    penalty_written_off_minor__gte=0,
                    fees_written_off_minor__gte=0,
                    waived_minor__gte=0,
                    recovered_minor__gte=0,
                    due_minor__gte=0,
                    worst_dpd__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="lending_loan_paid_at_most_owed",
                condition=Q(
                    principal_minor__lte=F("disbursed_minor"),
                    interest_paid_minor__lte=F("interest_minor") - F("interest_written_off_minor"),
                    penalty_paid_minor__lte=F("penalty_minor") - F("penalty_written_off_minor"),
                    fees_paid_minor__lte=F("fees_minor") - F("fees_written_off_minor"),
                ),
            ),
            models.CheckConstraint(
                name="lending_loan_money_adds_up",
                condition=Q(
                    repaid_minor=F("disbursed_minor")
                    - F("principal_minor")
                    - F("principal_written_off_minor")
                    + F("interest_paid_minor")
                    + F("penalty_paid_minor")
                    + F("fees_paid_minor")
                    + F("recovered_minor")
                    + F("credit_minor")
                    - F("receivable_minor")
                    + F("refunded_minor")
                ),
            ),
        ]
        indexes = [
            # With whose they are, so that no row of the many that are late is read for it.
            models.Index(fields=["id"], include=["merchant", "product", "currency"], name="lending_loan_whose"),
            models.Index(fields=["merchant", "-id"], include=["product", "currency"], name="lending_loan_of_merchant"),
            models.Index(fields=["status", "-id"], name="lending_loan_by_status"),
            models.Index(fields=["line", "-id"], name="lending_loan_by_line", condition=Q(line__isnull=False)),
            # With what tells how late they are, and what is summed of them, so that no row is read for it.
            models.Index(
                fields=["late_since", "id"],
                include=["status", "booked_to", "currency", "principal_minor", "disbursed_minor"],
                name="lending_loan_by_late_since",
            ),
        ]

    def __str__(self) -> str:
        return f"loan_{self.pk}"


class ProductExposure(models.Model):
    """What the loans of a product in one currency, category and status add up to, in minor units.

    `minor` is what they take of rooms (`exposure_minor`): while they are active, the principal outstanding. Moved with
    every loan, so that neither a decision under a room nor a page need sum all loans.
    """

    code = models.CharField(max_length=40)
    currency = models.CharField(max_length=3)
    category = models.CharField(max_length=200)
    status = models.CharField(max_length=11, choices=choices(LoanStatus), db_default=ACTIVE)
    # No bounds: a sum that is wrong must not refuse a repayment; the proof finds it.
    loans = models.BigIntegerField(db_default=0)
    minor = models.BigIntegerField()
    disbursed_minor = models.BigIntegerField(db_default=0)
    repaid_minor = models.BigIntegerField(db_default=0)

    class Meta:
        constraints = [
            known("status", LoanStatus, name="lending_productexposure_status_known"),
            models.UniqueConstraint(
                name="lending_productexposure_once_a_status", fields=["code", "currency", "category", "status"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.currency} {self.category} {self.status}"


def _one_figure() -> Q:
    """Say that each type of event carries its own figure, and no other."""
    columns = ("amount_minor", "rate", "of", "periods")
    found = ~Q(type__in=sorted(kind.value for kind in FIGURES)) & _only("amount_minor", columns)
    for column in ("rate", "of", "periods", ""):
        kinds = sorted(kind.value for kind, figure in FIGURES.items() if figure == column)
        found |= Q(type__in=kinds) & _only(column, columns)
    return found


def _only(column: str, columns: Sequence[str]) -> Q:
    return Q(**{f"{other}__isnull": other != column for other in columns})


class LoanEvent(models.Model):
    """One event of a loan, in the order of booking. Append-only.

    `external_ref` is the partner's own reference of a repayment, unique for ever; "" for others.
    """

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="events", db_index=False)
    seq = models.IntegerField()
    on = models.DateField()
    type = models.CharField(max_length=20, choices=choices(EventType))
    amount_minor = models.BigIntegerField(null=True)
    rate = models.DecimalField(max_digits=15, decimal_places=12, null=True)
    periods = models.SmallIntegerField(null=True)
    of = models.ForeignKey("self", on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_ref = models.CharField(max_length=100)
    reason = models.TextField()
    actor = models.CharField(max_length=40)
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [
            known("type", EventType, name="lending_loanevent_type_known"),
            models.CheckConstraint(name="lending_loanevent_one_figure", condition=_one_figure()),
            models.CheckConstraint(
                name="lending_loanevent_figure_fits",
                condition=(Q(amount_minor=None) | Q(amount_minor__gt=0))
                & (Q(rate=None) | Q(rate__gte=0))
                & (Q(periods=None) | Q(periods__gt=0)),
            ),
            models.UniqueConstraint(name="lending_loanevent_once", fields=["loan", "seq"]),
            models.UniqueConstraint(name="lending_loanevent_reversed_once", fields=["of"]),
            models.UniqueConstraint(
                name="lending_loanevent_ref_once", fields=["partner", "external_ref"], condition=~Q(external_ref="")
            ),
        ]
        indexes = [
            models.Index(fields=["loan"], name="lending_loanevent_pauses", condition=Q(type=EventType.PAUSE.value)),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id}: {self.seq} {self.type}"


class Instalment(models.Model):
    """One row of a loan's schedule as drawn, and how much of its principal is neither repaid nor prepaid.

    `fee_minor` falls due with it if principal is outstanding then.
    """

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="instalments", db_index=False)
    no = models.SmallIntegerField()
    due = models.DateField()
    principal_minor = models.BigIntegerField()
    interest_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0, db_default=0)
    left_minor = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="lending_instalment_once", fields=["loan", "no"]),
            models.CheckConstraint(
                name="lending_instalment_amounts",
                condition=Q(interest_minor__gte=0, left_minor__gte=0, principal_minor__gte=F("left_minor")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.loan_id}: {self.no}"
