"""List the offers, and the transfers behind the loans."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from config.office.admin import ReadOnlyAdmin, found_by
from config.office.words import money
from lending.admin.apply import ApplyForm, apply_for, quote_context
from lending.admin.lists import ChipFilter, chip, grade_chip, name_over
from lending.admin.words import OFFER_STATES, TRANSFER_KINDS, TRANSFER_STATES
from lending.domain.books.transfer import TransferKind, TransferState
from lending.domain.origination.offer import OfferState
from lending.models import Offer, ProductVersion, Transfer

OPEN = "open"


class OfferStateFilter(ChipFilter):
    """Filter by state; open is what can still be accepted."""

    title, parameter_name, chips = _("state"), "state", OFFER_STATES

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
        """Offer what is open, and each state."""
        return [(OPEN, _("Open, seen or not")), *super().lookups(request, model_admin)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Offer]) -> QuerySet[Offer]:
        """Keep the offers of the state."""
        if self.value() == OPEN:
            return queryset.filter(pk__in=Offer.objects.open().values("pk"))
        return super().queryset(request, queryset)


class ProductFilter(SimpleListFilter):
    """Filter by product version."""

    title = _("product")
    parameter_name = "product"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401
        """Offer the versions."""
        return [(str(version.pk), str(version)) for version in ProductVersion.objects.order_by("-pk")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Offer]) -> QuerySet[Offer]:
        """Keep the offers of the version."""
        chosen = next((key for key, _words in self.lookup_choices if key == self.value()), None)
        return queryset if chosen is None else queryset.filter(product=int(chosen))


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    """List offers; each leads to its merchant, where its caps are."""

    list_display = ("who", "grade_mark", "state_chip", "limit", "longest", "rate", "made_on", "expires_on", "currency")
    list_display_links = ("who",)
    list_select_related = ("merchant",)
    list_filter = (OfferStateFilter, ProductFilter)

    @display(description=_("Merchant"))
    def who(self, offer: Offer) -> str:
        """Show the merchant, with the offer's number below."""
        return name_over(offer.merchant.name, f"offer_{offer.pk}")

    @display(description=_("Grade"))
    def grade_mark(self, offer: Offer) -> str:
        """Show the grade as a chip."""
        return grade_chip(offer.grade)

    @display(description=_("State"))
    def state_chip(self, offer: Offer) -> str:
        """Show the state as a chip."""
        return chip(*OFFER_STATES[OfferState(offer.state)])

    @display(description=_("Up to"))
    def limit(self, offer: Offer) -> str:
        """Show the limit."""
        return money(offer.limit_minor, offer.currency)

    @display(description=_("Months"))
    def longest(self, offer: Offer) -> int:
        """Show the longest term."""
        return max(map(int, offer.most_by_months))

    @display(description=_("A day"))
    def rate(self, offer: Offer) -> str:
        """Show the daily rate."""
        return f"{offer.daily_rate * 100:.3f}\N{NO-BREAK SPACE}%"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the merchant: an offer has no page of its own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        offer = found_by(Offer.objects.all(), object_id)
        return redirect(reverse("admin:merchants_merchant_change", args=[offer.merchant_id]))

    def get_urls(self) -> list[URLPattern]:
        """Add the page that applies for the merchant."""
        wrap = self.admin_site.admin_view
        return [
            path("<int:offer_id>/apply/", wrap(self.apply_view), name="lending_offer_apply"),
            *super().get_urls(),
        ]

    def apply_view(self, request: HttpRequest, offer_id: int) -> HttpResponse:
        """Ask for amount, term and evidence, show the quote, and apply."""
        if not request.user.has_perm("lending.enter_application"):
            raise PermissionDenied
        offer = found_by(Offer.objects.select_related("merchant", "product"), str(offer_id))
        form = ApplyForm(request.POST or None, offer=offer)
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            data = form.cleaned_data
            if request.POST.get("step") == "confirm":
                application = apply_for(request, offer, data)
                if application is not None:
                    return redirect("admin:lending_application_change", application.pk)
            context |= {"entered": True, **quote_context(offer, data)}
        ground = self.admin_site.each_context(request)
        request.current_app = self.admin_site.name
        named = {"title": _("Apply"), "opts": self.opts, "offer": offer, "merchant": offer.merchant}
        return TemplateResponse(request, "lending/apply.html", ground | named | context)


class TransferStateFilter(ChipFilter):
    """Filter by state."""

    title, parameter_name, chips = _("state"), "state", TRANSFER_STATES


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    """List the money that was sent and fetched; each leads to its loan."""

    list_display = ("who", "kind_words", "state_chip", "asked", "moved", "on", "attempts", "answer")
    list_display_links = ("who",)
    list_select_related = ("loan__merchant",)
    list_filter = (TransferStateFilter,)

    @display(description=_("Merchant"))
    def who(self, transfer: Transfer) -> str:
        """Show the merchant, with the loan below."""
        return name_over(transfer.loan.merchant.name, str(transfer.loan))

    @display(description=_("What"))
    def kind_words(self, transfer: Transfer) -> str:
        """Say the kind."""
        return str(TRANSFER_KINDS[TransferKind(transfer.kind)])

    @display(description=_("State"))
    def state_chip(self, transfer: Transfer) -> str:
        """Show the state as a chip."""
        return chip(*TRANSFER_STATES[TransferState(transfer.state)])

    @display(description=_("Asked"))
    def asked(self, transfer: Transfer) -> str:
        """Show what was to move."""
        return money(transfer.amount_minor, transfer.loan.currency)

    @display(description=_("Moved"))
    def moved(self, transfer: Transfer) -> str:
        """Show what moved."""
        return money(transfer.moved_minor, transfer.loan.currency)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the loan: a transfer has no page of its own."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        transfer = found_by(Transfer.objects.all(), object_id)
        return redirect(reverse("admin:lending_loan_change", args=[transfer.loan_id]))
