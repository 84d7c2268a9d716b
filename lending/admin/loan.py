"""List the loans, show one with everything that happened to it, and do what may be done to it."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

from config.office.admin import KeysetChangeList, ReadOnlyAdmin, found_by
from config.office.words import money
from lending.admin.lists import ChipFilter, chip, name_over
from lending.admin.loan_page import loan_context
from lending.admin.loan_verbs import CONFIRM, VERBS, LoanVerb, as_text, do, form_of, preview_context, reversal_of
from lending.admin.words import LOAN_STATUSES
from lending.domain.books.loan import LoanStatus
from lending.models import Loan, LoanEvent
from lending.queries.portfolio import Lateness, lent_currencies, totals_of, with_lateness


class StatusFilter(ChipFilter):
    """Filter by status."""

    title, parameter_name, chips = _("status"), "status", LOAN_STATUSES


class LatenessFilter(SimpleListFilter):
    """Filter by days past due."""

    title = _("days past due")
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
        """Offer what counts as late."""
        return [(Lateness.ANY, _("1 or more")), (Lateness.DELINQUENT, _("30 or more"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Loan]) -> QuerySet[Loan]:
        """Keep the loans that are so late."""
        return with_lateness(queryset, Lateness(str(self.value()))) if self.value() in set(Lateness) else queryset


class CurrencyFilter(SimpleListFilter):
    """Filter by currency."""

    title = _("currency")
    parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401
        """Offer the currencies that are lent in."""
        return [(currency, currency) for currency in lent_currencies()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Loan]) -> QuerySet[Loan]:
        """Keep the loans of the currency."""
        return queryset.filter(currency=self.value()) if self.value() else queryset


class LoanChangeList(KeysetChangeList):
    """Page through loans, and add up all that match."""

    def totals(self) -> list[dict[str, str | int]]:
        """Give number, principal outstanding and disbursed by currency."""
        return [
            {
                "currency": total.currency,
                "loans": total.loans,
                "outstanding": money(total.outstanding_minor, total.currency),
                "disbursed": money(total.disbursed_minor, total.currency),
            }
            for total in totals_of(self.queryset)
        ]


@admin.register(Loan)
class LoanAdmin(ReadOnlyAdmin):
    """List loans; the page of one is built from a replay of its events."""

    list_display = ("who", "status_chip", "outstanding", "due_now", "days_past_due", "next_due", "paid_out", "currency")
    list_display_links = ("who",)
    list_select_related = ("merchant",)
    list_filter = (StatusFilter, LatenessFilter, CurrencyFilter)
    list_before_template = "lending/loan_totals.html"
    search_fields = ("merchant__external_id",)
    search_help_text = _("The beginning of the merchant's external id.")

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        """Page by keys, with totals."""
        return LoanChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Loan], search_term: str
    ) -> tuple[QuerySet[Loan], bool]:
        """Search by the beginning, which an index serves."""
        term = search_term.strip()
        return (queryset.filter(merchant__external_id__startswith=term), False) if term else (queryset, False)

    @display(description=_("Merchant"))
    def who(self, loan: Loan) -> str:
        """Show the merchant, with the loan's number below."""
        return name_over(loan.merchant.name, str(loan))

    @display(description=_("Status"))
    def status_chip(self, loan: Loan) -> str:
        """Show the status as a chip."""
        return chip(*LOAN_STATUSES[LoanStatus(loan.status)])

    @display(description=_("Outstanding"))
    def outstanding(self, loan: Loan) -> str:
        """Show the principal outstanding."""
        return money(loan.principal_minor, loan.currency)

    @display(description=_("Due"))
    def due_now(self, loan: Loan) -> str:
        """Show what is due and unpaid."""
        return money(loan.due_minor, loan.currency) if loan.due_minor else ""

    @display(description=_("Days past due"))
    def days_past_due(self, loan: Loan) -> str:
        """Show the days past due."""
        return str(loan.dpd) if loan.dpd else ""

    @display(description=_("Amount"))
    def paid_out(self, loan: Loan) -> str:
        """Show what was lent."""
        return money(loan.amount_minor, loan.currency)

    def get_urls(self) -> list[URLPattern]:
        """Add a page for each verb."""
        wrap = self.admin_site.admin_view
        return [
            *(
                path(f"<int:loan_id>/{name}/", wrap(self.verb_view), {"name": name}, name=f"lending_loan_{name}")
                for name in VERBS
            ),
            path("<int:loan_id>/reverse/<int:seq>/", wrap(self.reverse_view), name="lending_loan_reverse"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the loan with everything about it."""
        loan = self._visible(request, object_id)
        return self._page(request, "lending/loan.html", loan, loan_context(loan, request))

    def verb_view(self, request: HttpRequest, loan_id: int, name: str) -> HttpResponse:
        """Ask for a verb's fields, show its effects, and do it."""
        return self._do(request, self._visible(request, str(loan_id)), VERBS[name], of=None)

    def reverse_view(self, request: HttpRequest, loan_id: int, seq: int) -> HttpResponse:
        """Reverse one event of the loan."""
        loan = self._visible(request, str(loan_id))
        event = found_by(LoanEvent.objects.filter(loan=loan, seq=seq), str(_event_id(loan, seq)))
        return self._do(request, loan, reversal_of(event), of=seq)

    def _do(self, request: HttpRequest, loan: Loan, verb: LoanVerb, *, of: int | None) -> HttpResponse:
        if not request.user.has_perm(verb.right):
            raise PermissionDenied
        form = form_of(verb, loan, request)
        context: dict[str, Any] = {"verb": verb, "form": form, "reversed_seq": of}
        if form.is_valid():
            data = form.cleaned_data
            if request.POST.get("step") == CONFIRM and do(request, verb, loan, data):
                return redirect("admin:lending_loan_change", loan.pk)
            entered = [(form.fields[name].label, as_text(data[name], loan)) for name in verb.fields]
            context |= {"entered": entered, **preview_context(verb, loan, data, of=of)}
        return self._page(request, "lending/loan_verb.html", loan, context)

    def _visible(self, request: HttpRequest, object_id: str) -> Loan:
        if not self.has_view_permission(request):
            raise PermissionDenied
        loans = Loan.objects.select_related("merchant__partner", "product", "application", "payout_account")
        return found_by(loans, object_id)

    def _page(self, request: HttpRequest, template: str, loan: Loan, context: dict[str, Any]) -> TemplateResponse:
        ground = self.admin_site.each_context(request)
        request.current_app = self.admin_site.name
        named = {"title": str(loan), "opts": self.opts, "original": loan, "loan": loan, "merchant": loan.merchant}
        return TemplateResponse(request, template, ground | named | context)


def _event_id(loan: Loan, seq: int) -> int:
    return LoanEvent.objects.filter(loan=loan, seq=seq).values_list("pk", flat=True).first() or 0
