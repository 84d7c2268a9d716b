"""What staff write about a row, and whom of their colleagues they mention."""

from typing import Final, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from config.db.locking import LockingQuerySet

LONGEST_NOTE: Final = 4_000
"""Characters."""


class Note(models.Model):
    """A text about a row, which the application never changes.

    about: the row as the audit trail names it, like `lending.loan:33`.
    """

    about = models.CharField(max_length=80)
    text = models.CharField(max_length=LONGEST_NOTE)
    written_by = models.CharField(max_length=40)
    written_at = models.DateTimeField()

    class Meta:
        verbose_name = _("note")
        indexes = [models.Index(fields=["about", "id"], name="office_note_by_subject")]

    def __str__(self) -> str:
        return f"note_{self.pk}"


class MentionQuerySet(LockingQuerySet["Mention"]):
    def unseen_by(self, actor: str) -> Self:
        return self.filter(colleague=actor, seen_at__isnull=True)


class Mention(models.Model):
    """A colleague, as `staff:3`, whom a note mentions; seen_at: when they said that they had seen it."""

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="mentions", db_index=False)
    colleague = models.CharField(max_length=40)
    made_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)

    objects = MentionQuerySet.as_manager()

    class Meta:
        verbose_name = _("mention")
        constraints = [models.UniqueConstraint(name="office_mention_once", fields=["note", "colleague"])]
        indexes = [
            models.Index(
                fields=["colleague", "made_at"],
                name="office_mention_unseen",
                condition=models.Q(seen_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"mention_{self.pk}"
