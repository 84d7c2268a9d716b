"""The jobs of the workers, and their progress."""

from enum import StrEnum
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.db.choices import choices, known
from config.db.locking import LockingQuerySet


class JobState(StrEnum):
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    PARKED = "PARKED"
    DROPPED = "DROPPED"


RUNNING = JobState.RUNNING.value
ENDED = [JobState.DONE.value, JobState.DROPPED.value]


class JobRunQuerySet(LockingQuerySet["JobRun"]):
    def of(self, name: str, subject_id: int) -> Self:
        return self.filter(name=name, subject_id=subject_id)


class JobRun(models.Model):
    """One unit of work, claimed by a worker under a lease and a fencing token.

    The row, not the broker's message, records that the work is due. `subject_id` and `part` say what it is about
    (the run and its shard); `token` rises with every claim, so a worker that slept past its lease commits nothing.
    """

    name = models.CharField(max_length=80)
    subject_id = models.BigIntegerField()
    part = models.SmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=choices(JobState), default=JobState.WAITING.value)
    token = models.BigIntegerField(default=0)
    attempts = models.SmallIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    error = models.TextField(default="")
    started_by = models.CharField(max_length=40)
    sent_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        permissions = [("resume_jobrun", "Can resume parked jobs")]
        constraints = [
            models.UniqueConstraint(name="office_jobrun_once", fields=["name", "subject_id", "part"]),
            known("state", JobState, name="office_jobrun_state_known"),
            models.CheckConstraint(
                name="office_jobrun_leased_while_running",
                condition=Q(state=RUNNING, lease_until__isnull=False, claimed_at__isnull=False)
                | (~Q(state=RUNNING) & Q(lease_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="office_jobrun_finished_when",
                condition=Q(state__in=ENDED, finished_at__isnull=False)
                | (~Q(state__in=ENDED) & Q(finished_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="office_jobrun_counts_not_negative",
                condition=Q(done__gte=0, attempts__gte=0, token__gte=0),
            ),
            models.CheckConstraint(name="office_jobrun_attempts_are_claims", condition=Q(attempts__lte=F("token"))),
        ]
        indexes = [
            models.Index(fields=["sent_at"], name="office_jobrun_open", condition=Q(state__in=["WAITING", "RUNNING"]))
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.subject_id}/{self.part}"
