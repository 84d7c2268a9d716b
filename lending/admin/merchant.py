"""Office pages of merchants with their live scores, and the search of the palette."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult

from config.office.display import Page, change_url, grade_chip
from config.office.lists import Filter, ListColumn, Search, member, value_filter
from config.office.note_card import NOTES
from config.office.pages import OfficeAdmin, name_over
from config.office.words import NOTHING, Words, money
from lending.admin.contact_details import ADD_DETAIL
from lending.admin.merchant_page import merchant_page
from lending.admin.score_pages import replay_page
from lending.admin.transactions import transactions_page
from lending.models import ArrearsCase, Line
from lending.queries.borrowing import with_offer
from lending.queries.search import search_applications, search_cases, search_lines, search_loans
from merchants.models import Merchant, Partner
from merchants.queries.merchants import categories, regions, search_merchants
from scoring.domain.policy import NotScored
from scoring.models import Score
from scoring.queries.labels import NOT_SCORED
from scoring.queries.merchants import (
    GOOD_GRADES,
    GradeFilter,
    Outcome,
    live_scores,
    with_grade,
    with_live_score,
    with_outcome,
)
from scoring.queries.replay import get_score

FOUND_AT_ONCE: Final = 8
OUTCOMES: Final = {
    Outcome.SCORED: _("Scored"),
    Outcome.NOT_SCORED: _("Not scored, for any reason"),
    Outcome.FEW_ORDERS: NOT_SCORED[NotScored.FEW_ORDERS],
    Outcome.NO_RECENT_SALE: NOT_SCORED[NotScored.NO_RECENT_SALE],
    Outcome.TOO_YOUNG: NOT_SCORED[NotScored.TOO_YOUNG],
    Outcome.UNKNOWN: _("Newer than the live run"),
}
WITH_OFFER: Final = {"yes": _("With an open offer"), "no": _("Without an open offer")}


def _score(row: tuple[Merchant, Score | None]) -> Score | None:
    score = row[1]
    return None if score is None or score.not_scored is not None else score


def _basis(row: tuple[Merchant, Score | None]) -> str:
    score = _score(row)
    return NOTHING if score is None else money(score.sales_basis_minor, row[0].currency)


def _why_not(row: tuple[Merchant, Score | None]) -> Words:
    score = row[1]
    if score is None:
        return OUTCOMES[Outcome.UNKNOWN]
    return "" if score.not_scored is None else NOT_SCORED[NotScored(score.not_scored)]


def _grades() -> list[tuple[str, Words]]:
    return [
        (GradeFilter.GOOD, _t("%(grade)s or better") % {"grade": GOOD_GRADES[-1]}),
        *((grade, grade) for grade in list(GradeFilter)[1:]),
    ]


@admin.register(Merchant)
class MerchantAdmin(OfficeAdmin[Merchant]):
    list_key = "pk"
    columns = (
        ListColumn(
            label=_("Merchant"), cell=lambda row: name_over(row[0].name, row[0].external_id), sort="name", indexed=True
        ),
        ListColumn(label=_("Partner"), cell=lambda row: str(row[0].partner)),
        ListColumn(label=_("Category"), cell=lambda row: row[0].category),
        ListColumn(label=_("Region"), cell=lambda row: row[0].region),
        ListColumn(label=_("Grade"), cell=lambda row: grade_chip(score.grade) if (score := _score(row)) else NOTHING),
        ListColumn(
            label=_("Score"),
            cell=lambda row: score.score if (score := _score(row)) else None,
            number=True,
            sort="live_score",
            sort_nulls=True,
        ),
        ListColumn(label=_("Sales basis a month"), cell=_basis, number=True),
        ListColumn(label=_("Currency"), cell=lambda row: row[0].currency),
        ListColumn(label=_("Not scored because"), cell=_why_not),
    )
    filters = (
        Filter(
            name="partner",
            label=_("partner"),
            choices=lambda: [(str(partner.pk), str(partner)) for partner in Partner.objects.order_by("name")],
            keep=lambda rows, value: rows.filter(partner=int(value)),
            comes_and_goes=True,
        ),
        Filter(
            name="grade",
            label=_("grade"),
            choices=_grades,
            keep=lambda rows, value: with_grade(rows, GradeFilter(value)),
        ),
        Filter(
            name="outcome",
            label=_("score"),
            choices=member(Outcome, OUTCOMES),
            keep=lambda rows, value: with_outcome(rows, Outcome(value)),
        ),
        Filter(
            name="offer",
            label=_("offer"),
            choices=lambda: list(WITH_OFFER.items()),
            keep=lambda rows, value: with_offer(rows, has_offer=value == "yes"),
        ),
        value_filter("category", _("category"), categories),
        value_filter("region", _("region"), regions),
    )
    search = Search(help=_("Name or id"), keep=lambda rows, term: rows.filter(pk__in=search_merchants(term)))
    list_related = ("partner",)
    related = ("partner", "owner")
    verbs = (ADD_DETAIL,)
    notes = NOTES
    empty = _("No merchant yet. They appear once a marketplace is imported, or a partner sends them.")

    def listed(self) -> QuerySet[Merchant]:
        return with_live_score(super().listed())

    def prepare(self, rows: list[Merchant]) -> Sequence[Any]:
        scores = live_scores(merchant.pk for merchant in rows)
        return [(merchant, scores.get(merchant.pk)) for merchant in rows]

    def further_urls(self, wrap: Callable[..., Any]) -> list[URLPattern]:
        return [
            path("<int:row_id>/transactions/", wrap(self.transactions_view), name="merchants_merchant_transactions"),
            path(
                "<int:row_id>/scores/<int:score_id>/replay/", wrap(self.replay_view), name="merchants_merchant_replay"
            ),
        ]

    def page_of(self, row: Merchant, request: HttpRequest) -> Page:
        return merchant_page(row, request)

    def transactions_view(self, request: HttpRequest, row_id: int) -> HttpResponse:
        self.require_view(request)
        return self.show(request, transactions_page(self.found(row_id), request.GET))

    def replay_view(self, request: HttpRequest, row_id: int, score_id: int) -> HttpResponse:
        self.require_view(request)
        if not request.user.has_perm("scoring.replay_score"):
            raise PermissionDenied
        merchant = self.found(row_id)
        try:
            score = get_score(merchant_id=merchant.pk, score_id=score_id)
        except Score.DoesNotExist as error:
            raise Http404 from error
        return self.show(request, replay_page(merchant, score))


def find_merchants(request: HttpRequest, term: str) -> list[SearchResult]:
    """Find merchants for the command palette."""
    if not request.user.has_perm("merchants.view_merchant"):
        return []
    found = search_merchants(term).select_related("partner").order_by("pk")[:FOUND_AT_ONCE]
    return [
        SearchResult(
            title=merchant.name,
            description=f"{merchant.partner.name} {merchant.external_id}",
            link=change_url(merchant),
            icon="storefront",
        )
        for merchant in found
    ]


def find_lending(request: HttpRequest, term: str) -> list[SearchResult]:
    """Find loans, lines, arrears cases and applications for the command palette."""
    found: list[SearchResult] = []
    if request.user.has_perm("lending.view_loan"):
        loans = search_loans(term).select_related("merchant").order_by("-pk")[:FOUND_AT_ONCE]
        found += [SearchResult(str(loan), loan.merchant.name, change_url(loan), "payments") for loan in loans]
    if request.user.has_perm("lending.view_line"):
        lines = search_lines(term, Line.objects.all()).select_related("merchant").order_by("-pk")[:FOUND_AT_ONCE]
        found += [SearchResult(str(line), line.merchant.name, change_url(line), "credit_score") for line in lines]
    if request.user.has_perm("lending.view_arrearscase"):
        cases = (
            search_cases(term, ArrearsCase.objects.open()).select_related("merchant").order_by("-pk")[:FOUND_AT_ONCE]
        )
        found += [SearchResult(str(case), case.merchant.name, change_url(case), "support_agent") for case in cases]
    if request.user.has_perm("lending.view_application"):
        rows = search_applications(term).select_related("merchant").order_by("-pk")[:FOUND_AT_ONCE]
        found += [SearchResult(row.external_ref, row.merchant.name, change_url(row), "rule") for row in rows]
    return found
