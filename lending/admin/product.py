"""Show the versions of the products: what is lent, at what price, to whom."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from config.office.admin import ReadOnlyAdmin, Words, found_by, named
from config.office.words import HUNDREDTH, MINUS, money, percent
from lending.admin.lists import chip, name_over
from lending.admin.words import BANDS, METHODS, PERIODS, PREPAYMENTS
from lending.domain.origination.product import BASIS_POINTS, Product, margin_at
from lending.models import ProductVersion
from lending.queries.offers import open_offers_of
from lending.queries.products import product_of, with_sold
from scoring.domain.calibration import MILLION
from scoring.domain.features.declarations import Unit
from scoring.queries.labels import value_in_unit

SOLD, REPLACED = (_("Sold"), "tl-ok"), (_("Replaced by a later one"), "")
Fact = tuple[Words, Words]


@admin.register(ProductVersion)
class ProductVersionAdmin(ReadOnlyAdmin):
    """List the versions, and show each as what it says."""

    list_display = ("what", "state_chip", "currency", "version", "created_at")
    list_display_links = ("what",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProductVersion]:
        """Say of each whether it is sold."""
        return with_sold(super().get_queryset(request))

    @display(description=_("Product"))
    def what(self, version: ProductVersion) -> str:
        """Show the name, with the code below."""
        return name_over(product_of(version).name, version.code)

    @display(description=_("State"))
    def state_chip(self, version: Any) -> str:  # noqa: ANN401 - with_sold
        """Say whether the version is sold."""
        return chip(*(SOLD if version.is_sold else REPLACED))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show prices, what bounds a loan, whom it is for, and how offers and loans are treated."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        version = found_by(self.get_queryset(request), object_id)
        product = product_of(version)
        offers, offered_minor = open_offers_of(version)
        context = self.admin_site.each_context(request) | {
            "title": product.name,
            "opts": self.opts,
            "version": version,
            "product": product,
            "state": self.state_chip(version),
            "who": named([version.created_by])[version.created_by],
            "offers": offers,
            "offered": money(offered_minor, product.currency),
            "smallest": money(product.minimum_minor, product.currency),
            "largest": money(product.maximum_minor, product.currency),
            "prices": list(_prices(product)),
            "cards": [
                (_("What bounds a limit, beside the grade"), list(_bounds(product))),
                (_("Whom it is for"), list(_eligibility(product))),
                (_("Offers and applications"), list(_origination(product))),
                (_("The contract"), list(_contract(product))),
            ],
        }
        return TemplateResponse(request, "lending/product.html", context)


def _prices(product: Product) -> Iterator[dict[str, Any]]:
    for grade, terms in product.grades.items():
        margin = margin_at(product, grade)
        yield {
            "grade": grade.value,
            "daily": f"{terms.daily_rate.scaleb(2):f} %",
            "income": _share(margin.income),
            "cost": _share(margin.cost),
            "left": _share(margin.income - margin.cost),
            "months": terms.months,
            "multiple": terms.multiple,
            "first_step": terms.first_step,
            "sales": percent(terms.sales_share_bps, BASIS_POINTS, HUNDREDTH),
        }


def _bounds(product: Product) -> Iterator[Fact]:
    rules = product.limits
    months = ngettext("from %(n)s month on", "from %(n)s months on", rules.seasoned_months) % {
        "n": rules.seasoned_months
    }
    yield _("Share of yearly sales"), f"{percent(rules.yearly_sales_bps, BASIS_POINTS, HUNDREDTH)}, {months}"
    yield _("Multiple of the worst month"), f"{rules.worst_month_multiple}, {months}"
    yield _("Multiple of the largest loan repaid on time"), str(rules.ladder_factor)
    yield _("Instalments stay below, of a month's sales"), percent(rules.debt_service_bps, BASIS_POINTS, HUNDREDTH)
    raised = ngettext("%(by)s or more, for %(n)s night", "%(by)s or more, for %(n)s nights", rules.raise_nights)
    yield (
        _("A limit is raised if higher by"),
        raised % {"by": percent(rules.raise_bps, BASIS_POINTS, HUNDREDTH), "n": rules.raise_nights},
    )
    room = rules.portfolio_room_minor
    yield _("Room of the portfolio"), _("no bound") if room is None else _amount(room, product)
    for category, bound in rules.category_rooms_minor.items():
        yield _t("Room of the category %(name)s") % {"name": category}, _amount(bound, product)


def _eligibility(product: Product) -> Iterator[Fact]:
    rules = product.eligibility
    yield _("Partners"), _named(rules.partners)
    yield _("Regions"), _named(rules.regions)
    yield _("Categories"), _named(rules.categories)
    yield _("Memberships"), _named(rules.memberships)
    yield _("Tenure, months"), _t("any") if rules.tenure_months is None else _least(rules.tenure_months)
    yield _("Score"), _t("any") if rules.score is None else _least(rules.score)


def _origination(product: Product) -> Iterator[Fact]:
    rules = product.origination
    yield _("An offer stands"), _days(rules.offer_days)
    yield _("A score is good enough for"), _days(rules.score_days)
    yield _("The merchant may step back for"), _days(rules.cooling_off_days)
    yield (
        _("A person decides from this share of suspect sales on"),
        percent(rules.refer_flagged_bps, BASIS_POINTS, HUNDREDTH),
    )
    yield _("A person decides above"), _amount(rules.refer_above_minor, product)
    for band, most in rules.bands.items():
        yield (
            BANDS[band],
            _("any amount") if most is None else _t("up to %(amount)s") % {"amount": _amount(most, product)},
        )


def _contract(product: Product) -> Iterator[Fact]:
    terms = product.contract
    yield METHODS[terms.method], _t("every %(period)s") % {"period": PERIODS[terms.unit] % {"n": terms.every}}
    yield _("Days are counted by"), terms.day_count.value
    yield _("What is paid in advance reduces"), PREPAYMENTS[terms.prepayment]
    yield _("Penalty on overdue principal, times the rate"), str(terms.penalty_multiple_extra)
    yield _("It begins after"), _days(terms.grace_days)
    yield _("Nobody is late who owes at most"), _amount(terms.tolerance_minor, product)


def _share(part: Fraction) -> str:
    return percent(round(part * MILLION), MILLION, HUNDREDTH).replace("-", MINUS)


def _named(names: Iterable[str] | None) -> str:
    return _t("all") if names is None else ", ".join(sorted(names))


def _least(number: int) -> str:
    return _t("%(n)s or more") % {"n": f"{number:,}"}


def _days(days: int) -> str:
    return value_in_unit(days, Unit.DAY)


def _amount(minor: int, product: Product) -> str:
    return value_in_unit(minor, Unit.MINOR, product.currency)
