"""List the merchants with their live scores, and show one with everything about it."""

from enum import StrEnum
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult
from unfold.decorators import display

from config.office.admin import ReadOnlyAdmin, found_by
from config.office.words import NOTHING, money
from lending.admin.lists import grade_chip, name_over
from lending.admin.portrait import portrait_of, replay_context, transactions_context
from merchants.models import Merchant
from scoring.domain.policy import NotScored
from scoring.models import Score
from scoring.queries.labels import NOT_SCORED
from scoring.queries.merchants import (
    Outcome,
    Standing,
    categories,
    live_scores,
    regions,
    search_merchants,
    with_outcome,
    with_standing,
)
from scoring.queries.replay import get_score

E = TypeVar("E", bound=StrEnum)
FOUND_AT_ONCE = 10
OUTCOMES = {
    Outcome.SCORED: _("Scored"),
    Outcome.NOT_SCORED: _("Not scored, for any reason"),
    Outcome.FEW_ORDERS: NOT_SCORED[NotScored.FEW_ORDERS],
    Outcome.NO_RECENT_SALE: NOT_SCORED[NotScored.NO_RECENT_SALE],
    Outcome.TOO_YOUNG: NOT_SCORED[NotScored.TOO_YOUNG],
    Outcome.UNKNOWN: _("Newer than the live run"),
}


class GradeFilter(SimpleListFilter):
    """Filter by live grade."""

    title = _("grade")
    parameter_name = "grade"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
        """Offer the grades."""
        return [(Standing.GOOD, _("B2 or better")), *((grade, grade) for grade in list(Standing)[1:])]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Merchant]) -> QuerySet[Merchant]:
        """Keep the merchants with the grade."""
        chosen = _member(Standing, self.value())
        return queryset if chosen is None else with_standing(queryset, chosen)


class OutcomeFilter(SimpleListFilter):
    """Filter by what the live run says of a merchant."""

    title = _("score")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:  # noqa: ANN401
        """Offer the outcomes."""
        return list(OUTCOMES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Merchant]) -> QuerySet[Merchant]:
        """Keep the merchants with the outcome."""
        chosen = _member(Outcome, self.value())
        return queryset if chosen is None else with_outcome(queryset, chosen)


class CategoryFilter(SimpleListFilter):
    """Filter by category."""

    title = _("category")
    parameter_name = "category"
    template = "lending/select_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401
        """Offer the categories."""
        return [(value, value) for value in categories()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Merchant]) -> QuerySet[Merchant]:
        """Keep the merchants of the category."""
        return queryset.filter(category=self.value()) if self.value() else queryset


class RegionFilter(SimpleListFilter):
    """Filter by region."""

    title = _("region")
    parameter_name = "region"
    template = "lending/select_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ANN401
        """Offer the regions."""
        return [(value, value) for value in regions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Merchant]) -> QuerySet[Merchant]:
        """Keep the merchants of the region."""
        return queryset.filter(region=self.value()) if self.value() else queryset


@admin.register(Merchant)
class MerchantAdmin(ReadOnlyAdmin):
    """List merchants; the page of one is built from queries, not from a form."""

    ordering = ("pk",)
    list_display = (
        "who",
        "partner",
        "category",
        "region",
        "grade",
        "live_score",
        "money_basis",
        "currency",
        "why_not",
    )
    list_display_links = ("who",)
    list_select_related = ("partner",)
    list_filter = ("partner", GradeFilter, OutcomeFilter, CategoryFilter, RegionFilter)
    search_fields = ("external_id",)
    search_help_text = _("The beginning of the name or of the external id.")

    def prepare(self, rows: list[Merchant]) -> None:
        """Read the live scores of the page in one query."""
        scores = live_scores(merchant.pk for merchant in rows)
        for merchant in rows:
            vars(merchant)["live"] = scores.get(merchant.pk)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Merchant], search_term: str
    ) -> tuple[QuerySet[Merchant], bool]:
        """Search by the beginning, which an index serves."""
        term = search_term.strip()
        return (search_merchants(queryset, term), False) if term else (queryset, False)

    @display(description=_("Merchant"))
    def who(self, merchant: Merchant) -> str:
        """Show the name, with the partner's own id below where it differs."""
        below = "" if merchant.name == merchant.external_id else merchant.external_id
        return name_over(merchant.name, below)

    @display(description=_("Grade"))
    def grade(self, merchant: Merchant) -> str:
        """Show the grade as a chip."""
        score = _scored(merchant)
        if score is None or score.grade is None:
            return NOTHING
        return grade_chip(score.grade)

    @display(description=_("Score"))
    def live_score(self, merchant: Merchant) -> str:
        """Show the score."""
        score = _scored(merchant)
        return NOTHING if score is None else str(score.score)

    @display(description=_("Sales basis, month"))
    def money_basis(self, merchant: Merchant) -> str:
        """Show the monthly sales that a limit would rest on."""
        score = _scored(merchant)
        return NOTHING if score is None else money(score.sales_basis_minor, merchant.currency)

    @display(description=_("Not scored, because"))
    def why_not(self, merchant: Merchant) -> str:
        """Say why there is no score."""
        score: Score | None = vars(merchant).get("live")
        if score is None:
            return str(OUTCOMES[Outcome.UNKNOWN])
        return "" if score.not_scored is None else str(NOT_SCORED[NotScored(score.not_scored)])

    def get_urls(self) -> list[URLPattern]:
        """Add the pages under a merchant."""
        wrap = self.admin_site.admin_view
        return [
            path(
                "<int:merchant_id>/transactions/",
                wrap(self.transactions_view),
                name="merchants_merchant_transactions",
            ),
            path(
                "<int:merchant_id>/scores/<int:score_id>/replay/",
                wrap(self.replay_view),
                name="merchants_merchant_replay",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the merchant with everything about it."""
        merchant = self._visible(request, object_id)
        context = portrait_of(merchant, request)
        return self._page(request, "lending/merchant.html", merchant, context)

    def transactions_view(self, request: HttpRequest, merchant_id: int) -> HttpResponse:
        """Page through the merchant's transactions."""
        merchant = self._visible(request, str(merchant_id))
        context = transactions_context(merchant, request.GET)
        return self._page(request, "lending/transactions.html", merchant, context)

    def replay_view(self, request: HttpRequest, merchant_id: int, score_id: int) -> HttpResponse:
        """Compute a score again and compare."""
        merchant = self._visible(request, str(merchant_id))
        if not request.user.has_perm("scoring.replay_score"):
            raise PermissionDenied
        try:
            score = get_score(merchant_id=merchant.pk, score_id=score_id)
        except Score.DoesNotExist as error:
            raise Http404 from error
        return self._page(request, "lending/replay.html", merchant, replay_context(score))

    def _visible(self, request: HttpRequest, object_id: str) -> Merchant:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return found_by(Merchant.objects.select_related("partner", "owner"), object_id)

    def _page(
        self, request: HttpRequest, template: str, merchant: Merchant, context: dict[str, Any]
    ) -> TemplateResponse:
        ground = self.admin_site.each_context(request)
        request.current_app = self.admin_site.name
        named = {"title": merchant.name, "opts": self.opts, "original": merchant, "merchant": merchant}
        return TemplateResponse(request, template, ground | named | context)


def find_merchants(request: HttpRequest, term: str) -> list[SearchResult]:
    """Find merchants for the command palette, ten at most."""
    if not request.user.has_perm("merchants.view_merchant"):
        return []
    found = search_merchants(Merchant.objects.select_related("partner"), term.strip()).order_by("pk")[:FOUND_AT_ONCE]
    return [
        SearchResult(
            title=merchant.name,
            description=f"{merchant.partner.name} {merchant.external_id}",
            link=reverse("admin:merchants_merchant_change", args=[merchant.pk]),
            icon="storefront",
        )
        for merchant in found
    ]


def _scored(merchant: Merchant) -> Score | None:
    score: Score | None = vars(merchant).get("live")
    return None if score is None or score.not_scored is not None else score


def _member(kind: type[E], text: str | None) -> E | None:
    return kind(text) if text in set(kind) else None
