"""Letters to borrowers in arrears, and the policies by which they are written."""

from typing import Final, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from lending.domain.arrears.letter import UNSETTLED, WAITING, LetterState, Stop
from lending.domain.arrears.letter_text import LONGEST_SUBJECT
from lending.models.arrears import ArrearsCase
from lending.models.policy import PolicyVersion
from merchants.domain.contact_detail import Language
from merchants.models import ContactDetail

HANDED_OVER: Final = Q(state__in=["HANDED", "SENT", "UNKNOWN"])
NEVER_LEFT: Final = Q(state__in=["DUE", "CLAIMED", "REFUSED", "DROPPED"])


class DunningPolicy(PolicyVersion):
    """A dunning policy."""

    class Meta(PolicyVersion.Meta):
        verbose_name = _("dunning policy")
        verbose_name_plural = _("dunning policies")


class LetterQuerySet(LockingQuerySet["Letter"]):
    def waiting(self) -> Self:
        return self.filter(state__in=sorted(WAITING))

    def unsettled(self) -> Self:
        """Those about which a person decides, while their case is open."""
        return self.filter(state__in=sorted(UNSETTLED), case__state="OPEN")

    def counting(self) -> Self:
        """Those whose step is not written anew."""
        return self.exclude(state=LetterState.DROPPED)


class Letter(models.Model):
    """A letter to a borrower, as it was written on a morning; minor units.

    from_days, step: of the policy. late_since: the oldest unpaid due date that it is about. key: of its Message-ID.
    detail: the address to which it was last handed over. attempts: how often it was claimed; whoever claimed it holds
    it while they have this number. deferrals: how often the mail server put it off, since a person last had it sent.
    may_have_left_on: the days of earlier hand-overs of which nobody knows what became: the cap counts them.
    next_attempt_at: not before; while a worker holds it, when that one counts as dead.
    sent_at, sent_on: when, and on which business date, it was handed over; None if it certainly was not.
    answer: what the mail server said, without the address. stop: why it was dropped. reason, decided_by: of whoever
    withheld it.
    """

    case = models.ForeignKey(ArrearsCase, on_delete=models.PROTECT, related_name="letters", db_index=False)
    policy = models.ForeignKey(DunningPolicy, on_delete=models.PROTECT, related_name="+", db_index=False)
    from_days = models.IntegerField()
    step = models.CharField(max_length=60)
    on = models.DateField()
    late_since = models.DateField()
    due_minor = models.BigIntegerField()
    owed_minor = models.BigIntegerField()
    language = models.CharField(max_length=2, choices=choices(Language))
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    body = models.TextField()
    key = models.UUIDField(unique=True)
    written_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=choices(LetterState))
    detail = models.ForeignKey(ContactDetail, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    attempts = models.IntegerField(default=0)
    deferrals = models.IntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    sent_on = models.DateField(null=True)
    may_have_left_on = ArrayField(models.DateField(), default=list)
    answer = models.CharField(max_length=200, blank=True)
    stop = models.CharField(max_length=12, choices=choices(Stop), blank=True)
    reason = models.CharField(max_length=500, blank=True)
    decided_by = models.CharField(max_length=40, blank=True)

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter")
        constraints = [
            known("state", LetterState, name="lending_letter_state_known"),
            known("language", Language, name="lending_letter_language_known"),
            models.CheckConstraint(
                name="lending_letter_stop_known", condition=Q(stop__in=["", *(stop.value for stop in Stop)])
            ),
            models.CheckConstraint(
                name="lending_letter_amounts",
                condition=Q(due_minor__gt=0, owed_minor__gte=0, from_days__gt=0, attempts__gte=0),
            ),
            models.CheckConstraint(name="lending_letter_late", condition=Q(late_since__lt=F("on"))),
            models.CheckConstraint(
                name="lending_letter_sent_when",
                condition=(HANDED_OVER & Q(sent_at__isnull=False, sent_on__isnull=False))
                | (NEVER_LEFT & Q(sent_at__isnull=True, sent_on__isnull=True))
                | Q(state="WITHHELD"),
            ),
            models.CheckConstraint(
                name="lending_letter_dropped_why",
                condition=(Q(state="DROPPED") & ~Q(stop="")) | (~Q(state="DROPPED") & Q(stop="")),
            ),
            models.CheckConstraint(
                name="lending_letter_withheld_by_whom",
                condition=(Q(state="WITHHELD") & ~Q(reason="") & ~Q(decided_by=""))
                | (~Q(state="WITHHELD") & Q(reason="", decided_by="")),
            ),
            # A step is written once for each due date that it is about.
            models.UniqueConstraint(
                name="lending_letter_once", fields=["case", "late_since", "from_days"], condition=~Q(state="DROPPED")
            ),
            models.UniqueConstraint(
                name="lending_letter_one_waits",
                fields=["case"],
                condition=Q(state__in=["DUE", "CLAIMED", "HANDED"]),
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-id"], name="lending_letter_by_case"),
            models.Index(fields=["state", "-id"], name="lending_letter_by_state"),
            models.Index(
                fields=["next_attempt_at", "id"],
                name="lending_letter_waiting",
                condition=Q(state__in=["DUE", "CLAIMED", "HANDED"]),
            ),
        ]

    def __str__(self) -> str:
        return f"letter_{self.pk}"
