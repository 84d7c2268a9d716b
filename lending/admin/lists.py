"""What the lists of lending have in common: cells, and the filter by a column of few values."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.office.admin import Words


class ChipFilter(SimpleListFilter):
    """Keep the rows whose column `parameter_name` holds the chosen one of `chips`."""

    chips: ClassVar[Mapping[Any, tuple[Words, str]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
        """Offer what the column may hold."""
        return [(value, words) for value, (words, _tint) in self.chips.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows that hold the chosen one; all, if it is unknown."""
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() in self.chips else queryset


def chip(words: Words, tint: str) -> SafeString:
    """Show a state as a chip."""
    return format_html('<span class="tl-chip {}">{}</span>', tint, words)


def grade_chip(grade: str) -> SafeString:
    """Show a grade as a chip."""
    return format_html('<span class="tl-grade tl-grade-{0}">{0}</span>', grade)


def name_over(name: str, below: str) -> SafeString:
    """Show a name, cut where it is too long, with an identifier below."""
    return format_html('<span class="tl-name" title="{0}">{0}</span><span class="tl-id">{1}</span>', name, below)
