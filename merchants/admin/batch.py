"""Show the batches, and what was wrong with their rows."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from config.office.admin import ReadOnlyAdmin, found_by, named
from merchants.domain.transaction import RowRefusal
from merchants.models import Batch
from merchants.models.batch import BatchState, IssueKind
from merchants.queries.batches import issues_of

ISSUES = 50
LONGEST_LINE = 9  # digits: a batch has no more lines
STATES = {
    BatchState.OPEN: _("Open"),
    BatchState.STAGED: _("Received, being stored"),
    BatchState.SEALED: _("Sealed"),
}
LABELS = {BatchState.OPEN: "info", BatchState.STAGED: "warning", BatchState.SEALED: "success"}
KINDS = {IssueKind.REJECTED: _("Rejected"), IssueKind.CONFLICT: _("Conflict")}
REASONS = {
    RowRefusal.MALFORMED: _("It is no row at all."),
    RowRefusal.BAD_TEXT: _("A text is not UTF-8."),
    RowRefusal.MISSING_FIELD: _("A field is missing."),
    RowRefusal.TEXT_TOO_LONG: _("A text is too long."),
    RowRefusal.UNKNOWN_MERCHANT: _("The merchant is unknown: send it first."),
    RowRefusal.UNKNOWN_KIND: _("The kind is unknown."),
    RowRefusal.BAD_TIME: _("The time cannot be read."),
    RowRefusal.IN_THE_FUTURE: _("The time lies in the future."),
    RowRefusal.BAD_AMOUNT: _("The amount cannot be read."),
    RowRefusal.AMOUNT_NOT_POSITIVE: _("The amount is not positive."),
    RowRefusal.BAD_VALUE: _("The value does not fit the kind."),
}
CONFLICT = _("The same id is stored with other content; the stored row stays.")


class SealedFilter(SimpleListFilter):
    """Filter by whether the rows are stored."""

    title = _("state")
    parameter_name = "sealed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
        """Offer the batches that wait; an index holds them."""
        return [("no", _("Not sealed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Batch]) -> QuerySet[Batch]:
        """Keep the batches that wait."""
        return queryset.filter(pk__in=Batch.objects.unsealed().values("pk")) if self.value() else queryset


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """List the batches with their counts; the page of one lists its issues."""

    list_display = (
        "number",
        "source",
        "partner",
        "state_label",
        "received",
        "accepted",
        "duplicate",
        "conflict",
        "rejected",
        "opened_at",
    )
    list_select_related = ("partner",)
    list_filter = (SealedFilter,)

    @display(description=_("State"), label=LABELS)
    def state_label(self, batch: Batch) -> tuple[str, str]:
        """Say the state."""
        return batch.state, str(STATES[BatchState(batch.state)])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the counts, and the issues page by page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        batch = found_by(Batch.objects.select_related("partner"), object_id)
        after = request.GET.get("after", "0")
        if not after.isdecimal() or len(after) > LONGEST_LINE:
            raise Http404
        issues = issues_of(batch=batch, after_line=int(after), limit=ISSUES + 1)
        page = issues[:ISSUES]
        context = self.admin_site.each_context(request) | {
            "title": _("Batch"),
            "opts": self.opts,
            "original": batch,
            "batch": batch,
            "state": batch.state,
            "words": STATES[BatchState(batch.state)],
            "is_first_page": after == "0",
            "next_line": page[-1].line if len(issues) > ISSUES else None,
            "issues": [(issue, KINDS[IssueKind(issue.kind)], _why(issue.reason)) for issue in page],
            "who": named([batch.opened_by])[batch.opened_by],
        }
        return TemplateResponse(request, "merchants/batch.html", context)


def _why(reason: str) -> Any:  # noqa: ANN401 - lazy words
    return REASONS[RowRefusal(reason)] if reason in set(RowRefusal) else CONFLICT
