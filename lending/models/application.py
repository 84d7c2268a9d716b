"""Applications for loans, and every decision on them."""

from typing import Self

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from lending.domain.origination.application import ApplicationState
from lending.domain.origination.rules import Outcome
from lending.models.offer import Offer
from lending.models.product import ProductVersion
from merchants.models import Merchant, Partner
from scoring.models import Score

REFERRED = ApplicationState.REFERRED.value


class ApplicationQuerySet(LockingQuerySet["Application"]):
    def referred(self) -> Self:
        return self.filter(state=REFERRED)


class Application(models.Model):
    """A merchant's request to borrow an amount under an offer or a line, with the evidence that its terms were signed.

    Of a draw, `line` is what is drawn on, and `offer` the one by which it was opened. `months` is null for what opens
    a line, and for an open-ended draw. `score` is the fresh one that was decided on; `external_ref` is the partner's
    own, unique for ever.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+", db_index=False)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey(ProductVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    score = models.ForeignKey(Score, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=9, choices=choices(ApplicationState))
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    months = models.SmallIntegerField(null=True)
    line = models.ForeignKey("Line", on_delete=models.PROTECT, related_name="draws", null=True, db_index=False)
    external_ref = models.CharField(max_length=100)
    signed_by = models.CharField(max_length=200)
    signed_at = models.DateTimeField()
    document_sha256 = models.CharField(max_length=64)
    signed_from = models.GenericIPAddressField(null=True)
    applied_on = models.DateField()
    entered_by = models.CharField(max_length=40)
    entered_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        permissions = [
            ("enter_application", "Can apply for a merchant"),
            ("decide_application", "Can decide up to the underwriter's band"),
            ("decide_any_application", "Can decide any amount"),
        ]
        constraints = [
            known("state", ApplicationState, name="lending_application_state_known"),
            models.CheckConstraint(name="lending_application_amounts", condition=Q(amount_minor__gt=0, months__gt=0)),
            models.CheckConstraint(
                name="lending_application_document_sha256", condition=Q(document_sha256__regex="^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(
                name="lending_application_decided_when",
                condition=Q(state=REFERRED, decided_at__isnull=True)
                | (~Q(state=REFERRED) & Q(decided_at__isnull=False)),
            ),
            models.UniqueConstraint(name="lending_application_ref_once", fields=["partner", "external_ref"]),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="lending_application_by_merch"),
            models.Index(fields=["line", "-id"], name="lending_application_by_line", condition=Q(line__isnull=False)),
            models.Index(fields=["entered_at"], name="lending_application_referred", condition=Q(state="REFERRED")),
            models.Index(fields=["applied_on"], include=["state"], name="lending_application_by_day"),
            # As Django writes a search that ignores case: UPPER(external_ref) LIKE UPPER('…%').
            models.Index(OpClass(Upper("external_ref"), "varchar_pattern_ops"), name="lending_application_by_ref"),
        ]

    def __str__(self) -> str:
        return self.external_ref


class Decision(models.Model):
    """A decision on an application, by the rules or by a person, and what it rests on. Append-only.

    `snapshot` is the canonical JSON of every input, from which the rules always decide alike; `result` is what they
    said; `ground` is the rule that counted, "" where none did; a person who decides gives a `reason`.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="decisions")
    outcome = models.CharField(max_length=7, choices=choices(Outcome))
    ground = models.CharField(max_length=40)
    snapshot = models.TextField()
    snapshot_sha256 = models.CharField(max_length=64)
    result = models.TextField()
    actor = models.CharField(max_length=40)
    reason = models.TextField()
    booked_at = models.DateTimeField()

    class Meta:
        constraints = [
            known("outcome", Outcome, name="lending_decision_outcome_known"),
            models.CheckConstraint(
                name="lending_decision_snapshot_sha256", condition=Q(snapshot_sha256__regex="^[0-9a-f]{64}$")
            ),
            models.UniqueConstraint(
                name="lending_decision_one_by_rules", fields=["application"], condition=Q(actor__startswith="system:")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id}: {self.outcome}"
