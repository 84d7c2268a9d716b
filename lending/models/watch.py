"""Early warning: the policies, the judgements of merchants' cash flow, and the warnings that they raised."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet
from lending.domain.watch.policy import Effect, Signal
from lending.domain.watch.warning import WarningState
from lending.domain.watch.watch_run import WatchKind, WatchState
from lending.models.policy import PolicyVersion
from merchants.models import Merchant
from scoring.models import Score

STANDING = [WarningState.RAISED.value, WarningState.CONFIRMED.value]
EFFECTS = [effect.value for effect in Effect]


class WatchPolicy(PolicyVersion):
    """A policy of early warning."""

    class Meta(PolicyVersion.Meta):
        verbose_name = _("policy of early warning")
        verbose_name_plural = _("policies of early warning")


class WatchRunQuerySet(LockingQuerySet["WatchRun"]):
    def nights(self) -> Self:
        return self.filter(kind=WatchKind.NIGHT)

    def working(self) -> Self:
        return self.filter(state=WatchState.WORKING)


class WatchRun(models.Model):
    """One judgement of merchants' cash flow: before `as_of`, as known at a watermark, by a policy (None: day one's).

    seen_high, seen_open: up to where it was looked for rows that came since; the watermark, until somebody looks.
    peers: the run of a night whose peers it reads, None for its own. merchants: those that it judges, None for all who
    have a limit or a loan.
    """

    kind = models.CharField(max_length=5, choices=choices(WatchKind))
    state = models.CharField(max_length=7, choices=choices(WatchState), default=WatchState.WORKING.value)
    as_of = models.DateField()
    watermark_high = models.BigIntegerField()
    watermark_open = ArrayField(models.BigIntegerField())
    seen_high = models.BigIntegerField()
    seen_open = ArrayField(models.BigIntegerField())
    policy = models.ForeignKey(WatchPolicy, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    peers = models.ForeignKey("self", on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    merchants = ArrayField(models.BigIntegerField(), null=True)
    parts = models.SmallIntegerField()
    judged = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = WatchRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("watch")
        verbose_name_plural = _("watches")
        constraints = [
            known("kind", WatchKind, name="lending_watchrun_kind_known"),
            known("state", WatchState, name="lending_watchrun_state_known"),
            models.CheckConstraint(name="lending_watchrun_parts", condition=Q(parts__gt=0)),
            models.CheckConstraint(
                name="lending_watchrun_of_whom",
                condition=Q(kind="NIGHT", peers__isnull=True, merchants__isnull=True)
                | Q(kind="ROWS", peers__isnull=False, merchants__isnull=False),
            ),
            models.CheckConstraint(
                name="lending_watchrun_finished_when",
                condition=Q(state="WORKING", finished_at__isnull=True) | Q(state="DONE", finished_at__isnull=False),
            ),
            models.UniqueConstraint(name="lending_watchrun_one_works", fields=["state"], condition=Q(state="WORKING")),
            models.UniqueConstraint(name="lending_watchrun_once_a_day", fields=["as_of"], condition=Q(kind="NIGHT")),
        ]

    def __str__(self) -> str:
        return f"{self.as_of} ({self.pk})"


class PeerCell(models.Model):
    """How the sales of the merchants of a cell changed, in one part of a night: `Peers` of the domain. Append-only."""

    run = models.ForeignKey(WatchRun, on_delete=models.PROTECT, related_name="cells", db_index=False)
    part = models.SmallIntegerField()
    currency = models.CharField(max_length=3)
    category = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=200, blank=True)
    merchants = models.IntegerField()
    sales_recent = models.BigIntegerField()
    sales_usual = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="lending_peercell_once", fields=["run", "part", "currency", "category", "region"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.category} {self.region}"


class EarlyWarningQuerySet(LockingQuerySet["EarlyWarning"]):
    def standing(self) -> Self:
        return self.filter(state__in=STANDING)


class EarlyWarning(models.Model):
    """A sign of trouble in a merchant's trade, from when it was raised until it is lifted; `Reading` of the domain.

    run: the judgement that raised it, whose figures these are; fired_on: when it last fired, ceased_on: when it was
    first read without, since then. effects: what the
    policy made it lead to. decided_by: who confirmed or lifted it, with the reason; the system lifts without one.
    fresh_score: of the merchant, made when it was raised.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="+", db_index=False)
    signal = models.CharField(max_length=20, choices=choices(Signal))
    state = models.CharField(max_length=9, choices=choices(WarningState), default=WarningState.RAISED.value)
    run = models.ForeignKey(WatchRun, on_delete=models.PROTECT, related_name="raised", db_index=False)
    raised_on = models.DateField()
    raised_at = models.DateTimeField()
    fired_on = models.DateField()
    ceased_on = models.DateField(null=True)
    observed = models.BigIntegerField()
    expected = models.BigIntegerField()
    share_bps = models.IntegerField()
    threshold_bps = models.IntegerField()
    drawn_on = models.DateField(null=True)
    effects = ArrayField(models.CharField(max_length=8))
    decided_by = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    lifted_on = models.DateField(null=True)
    fresh_score = models.ForeignKey(Score, on_delete=models.PROTECT, related_name="+", null=True, db_index=False)

    objects = EarlyWarningQuerySet.as_manager()

    class Meta:
        verbose_name = _("early warning")
        permissions = [
            ("judge_earlywarning", "Can confirm a warning"),
            ("lift_earlywarning", "Can lift a warning"),
        ]
        constraints = [
            known("signal", Signal, name="lending_earlywarning_signal_known"),
            known("state", WarningState, name="lending_earlywarning_state_known"),
            models.CheckConstraint(
                name="lending_earlywarning_effects_known", condition=Q(effects__contained_by=EFFECTS)
            ),
            models.CheckConstraint(
                name="lending_earlywarning_decided_by_whom",
                condition=Q(state="RAISED", decided_by="", reason="", lifted_on__isnull=True)
                | (Q(state="CONFIRMED", lifted_on__isnull=True) & ~Q(decided_by="") & ~Q(reason=""))
                | (Q(state="LIFTED", lifted_on__isnull=False) & ~Q(decided_by="")),
            ),
            models.UniqueConstraint(
                name="lending_earlywarning_one_stands",
                fields=["merchant", "signal"],
                condition=Q(state__in=["RAISED", "CONFIRMED"]),
            ),
        ]
        indexes = [
            models.Index(fields=["merchant", "-id"], name="lending_earlywarning_merchant"),
            models.Index(fields=["state", "-id"], name="lending_earlywarning_by_state"),
            models.Index(fields=["run"], name="lending_earlywarning_by_run"),
        ]

    def __str__(self) -> str:
        return f"warning_{self.pk}"
