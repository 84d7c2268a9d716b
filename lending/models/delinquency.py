"""How late loans were over time, and the policies by which they are classed."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from lending.domain.contract.spells import FOREVER
from lending.models.loan import Loan
from lending.models.policy import PolicyVersion


class DelinquencyPolicy(PolicyVersion):
    """A policy of delinquency."""

    class Meta(PolicyVersion.Meta):
        verbose_name = _("policy of delinquency")
        verbose_name_plural = _("policies of delinquency")


class LoanSpell(models.Model):
    """A time in which a running loan stood still, as `Spell` of `lending.domain.contract.spells`; minor units.

    Written wherever the loan's row is written from its events: those of a loan are what a replay as of the date it is
    booked to gives.
    """

    loan = models.ForeignKey(Loan, on_delete=models.PROTECT, related_name="spells", db_index=False)
    since = models.DateField()
    until = models.DateField()
    principal_minor = models.BigIntegerField()
    late_from = models.DateField(null=True)
    late_since = models.DateField(null=True)
    arrears_minor = models.BigIntegerField()

    class Meta:
        verbose_name = _("loan on a day")
        verbose_name_plural = _("loans on a day")
        constraints = [
            models.UniqueConstraint(name="lending_loanspell_once", fields=["loan", "since"]),
            models.CheckConstraint(name="lending_loanspell_lasts", condition=Q(until__gt=F("since"))),
            models.CheckConstraint(
                name="lending_loanspell_not_negative", condition=Q(principal_minor__gte=0, arrears_minor__gte=0)
            ),
            models.CheckConstraint(
                name="lending_loanspell_late_when",
                condition=Q(late_from__isnull=True, late_since__isnull=True, arrears_minor=0)
                | Q(
                    late_from__isnull=False,
                    late_since__isnull=False,
                    late_from__gte=F("since"),
                    late_from__lt=F("until"),
                    late_since__lt=F("late_from"),
                ),
            ),
        ]
        # Those that last, by when they turn late and by when they began; those that ended after a day, and their late.
        indexes = [
            models.Index(
                fields=["late_from"], include=["loan"], name="lending_loanspell_late", condition=Q(until=FOREVER)
            ),
            models.Index(fields=["since"], name="lending_loanspell_lasting", condition=Q(until=FOREVER)),
            models.Index(fields=["until", "since"], name="lending_loanspell_ended", condition=Q(until__lt=FOREVER)),
            models.Index(
                fields=["until"],
                name="lending_loanspell_ended_late",
                condition=Q(until__lt=FOREVER, late_from__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"loan_{self.loan_id}"
