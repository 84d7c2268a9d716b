"""Ways of looking at a list that staff keep under a name."""

from typing import Self

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from config.db.locking import LockingQuerySet


class SavedViewQuerySet(LockingQuerySet["SavedView"]):
    def for_user(self, user: User) -> Self:
        """Keep a person's own views, and those that are shared with a role of the person."""
        return self.filter(Q(owner=f"staff:{user.pk}") | Q(shared_with__in=user.groups.values("name")))

    def shared(self) -> Self:
        return self.exclude(shared_with="")


class SavedView(models.Model):
    """The filters, search and order of a list under a name.

    listed: the model of the list, as `lending.loan`. query: as `ListOf.normal` writes it. owner: who saved it.
    shared_with: the role that sees it, too; "" for none.
    """

    listed = models.CharField(max_length=80)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=2_000)
    owner = models.CharField(max_length=40)
    shared_with = models.CharField(max_length=40, default="")
    created_at = models.DateTimeField()

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        permissions = [
            ("share_savedview", "Can share views of lists with a role"),
            ("remove_savedview", "Can remove views of lists that others share"),
        ]
        constraints = [
            models.CheckConstraint(name="office_savedview_named", condition=~Q(name="")),
            models.CheckConstraint(name="office_savedview_says_something", condition=~Q(query="")),
            models.UniqueConstraint(name="office_savedview_once", fields=["listed", "owner", "name"]),
        ]

    def __str__(self) -> str:
        return self.name
