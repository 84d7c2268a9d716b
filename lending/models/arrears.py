"""Cases of borrowers in arrears: what collectors tried, and what borrowers promised."""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from config.kernel.money import CURRENCY_PATTERN
from lending.domain.arrears.case import CaseState, Channel, ContactResult
from lending.domain.arrears.promise import PromiseState
from merchants.models import Merchant


class ArrearsCaseQuerySet(LockingQuerySet["ArrearsCase"]):
    def open(self) -> Self:
        return self.filter(state=CaseState.OPEN)


class ArrearsCase(models.Model):
    """A borrower in arrears, from the night that found it late until nothing is.

    late_since, principal_minor: what the last night found, the principal also that of written-off loans: what stands
    still while nothing is paid, so that few rows are written. owner: the actor who works on it; "" while nobody does.
    next_on: the business date on which somebody looks at it. closed_by: the person who closed it, with the reason, or
    the system.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=6, choices=choices(CaseState))
    opened_on = models.DateField()
    late_since = models.DateField(null=True)
    principal_minor = models.BigIntegerField()
    owner = models.CharField(max_length=40, blank=True)
    next_on = models.DateField()
    closed_on = models.DateField(null=True)
    closed_by = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = ArrearsCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("arrears case")
        permissions = [
            ("work_arrearscase", "Can work on a case"),
            ("close_arrearscase", "Can close a case"),
            ("hand_over_arrearscase", "Can ask to hand a case over to an agency"),
            ("approve_arrearscase", "Can approve that a case is handed over"),
        ]
        constraints = [
            known("state", CaseState, name="lending_arrearscase_state_known"),
            models.CheckConstraint(name="lending_arrearscase_currency", condition=Q(currency__regex=CURRENCY_PATTERN)),
            models.CheckConstraint(name="lending_arrearscase_not_negative", condition=Q(principal_minor__gte=0)),
            models.CheckConstraint(
                name="lending_arrearscase_closed_by_whom_and_when",
                condition=(Q(state="CLOSED", closed_on__isnull=False) & ~Q(closed_by=""))
                | Q(state="OPEN", closed_on__isnull=True, closed_by="", reason=""),
            ),
            models.UniqueConstraint(
                name="lending_arrearscase_one_open", fields=["merchant"], condition=Q(state="OPEN")
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="lending_arrearscase_merchant"),
            models.Index(fields=["state", "next_on", "id"], name="lending_arrearscase_next"),
        ]

    def __str__(self) -> str:
        return f"case_{self.pk}"


class CaseContact(models.Model):
    """One attempt to reach a borrower, or a note for the file. next_on: when somebody looks at the case after it."""

    case = models.ForeignKey(ArrearsCase, on_delete=models.PROTECT, related_name="contacts", db_index=False)
    channel = models.CharField(max_length=7, choices=choices(Channel))
    result = models.CharField(max_length=13, choices=choices(ContactResult))
    words = models.CharField(max_length=2_000, blank=True)
    on = models.DateField()
    next_on = models.DateField()
    actor = models.CharField(max_length=40)
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [
            known("channel", Channel, name="lending_casecontact_channel_known"),
            known("result", ContactResult, name="lending_casecontact_result_known"),
            models.CheckConstraint(
                name="lending_casecontact_note_has_words", condition=~Q(result="NOTE") | ~Q(words="")
            ),
        ]
        indexes = [models.Index(fields=["case", "-id"], name="lending_casecontact_by_case")]

    def __str__(self) -> str:
        return f"{self.on}: {self.result}"


class PaymentPromiseQuerySet(LockingQuerySet["PaymentPromise"]):
    def open(self) -> Self:
        return self.filter(state=PromiseState.OPEN)


class PaymentPromise(models.Model):
    """What a borrower promised to pay by a day, and what it paid; minor units.

    reason: why it was withdrawn.
    """

    case = models.ForeignKey(ArrearsCase, on_delete=models.PROTECT, related_name="promises", db_index=False)
    state = models.CharField(max_length=9, choices=choices(PromiseState))
    amount_minor = models.BigIntegerField()
    due_on = models.DateField()
    made_on = models.DateField()
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=40)
    paid_minor = models.BigIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True)

    objects = PaymentPromiseQuerySet.as_manager()

    class Meta:
        constraints = [
            known("state", PromiseState, name="lending_paymentpromise_state_known"),
            models.CheckConstraint(
                name="lending_paymentpromise_amounts", condition=Q(amount_minor__gt=0, paid_minor__gte=0)
            ),
            models.CheckConstraint(name="lending_paymentpromise_due_later", condition=Q(due_on__gte=F("made_on"))),
            models.CheckConstraint(
                name="lending_paymentpromise_withdrawn_why", condition=~Q(state="WITHDRAWN") | ~Q(reason="")
            ),
            models.UniqueConstraint(name="lending_paymentpromise_one_open", fields=["case"], condition=Q(state="OPEN")),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="lending_paymentpromise_by_case"),
            models.Index(fields=["due_on", "id"], name="lending_paymentpromise_by_due"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_minor} by {self.due_on}"
