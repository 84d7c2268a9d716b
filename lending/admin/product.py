"""Office pages of product versions: what is lent, at what price, to whom."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from config.kernel.exact import BASIS_POINTS, MILLION
from config.office.display import (
    Card,
    Cell,
    Column,
    Facts,
    Figure,
    Page,
    Table,
    Text,
    chip,
    grade_chip,
    linked,
    version_card,
)
from config.office.lists import ListColumn
from config.office.pages import OfficeAdmin, name_of, name_over
from config.office.verbs import Asked, Effects, Verb, VerbForm, choice_field
from config.office.words import HUNDREDTH, MINUS, Words, money, percent
from lending.admin.booking_effects import rate_words
from lending.admin.calendar import BUSINESS_DAYS, MONTH_ENDS
from lending.admin.words import BANDS, ENTRY_REFUSALS, METHODS, PERIODS, PREPAYMENTS, PRODUCT_KINDS, months_words
from lending.domain.contract.fees import FeeDue
from lending.domain.contract.terms import MonthEnd
from lending.domain.origination.product import Product, ProductKind, margin_at
from lending.domain.origination.product_document import DAY_ONE_PRODUCTS, canonical_product, in_currency, parse_product
from lending.models import ProductVersion
from lending.operations.products import ProductNotEntered, enter_product, product_act
from lending.queries.calendars import latest_version
from lending.queries.offers import open_offers_of
from lending.queries.products import product_of, unsold_products, with_sold
from scoring.domain.features.declarations import Unit
from scoring.queries.labels import value_in_unit

SOLD: Final = (_("Sold"), "tl-ok")
REPLACED: Final = (_("Replaced by a later version"), "")
Fact = tuple[Words, object]
FEES_DUE: Final = {
    FeeDue.DISBURSEMENT: _("Fee on the day of the payout"),
    FeeDue.FIRST_DUE: _("Fee with the first instalment"),
    FeeDue.EVERY_DUE: _("Fee with each instalment"),
}


class EnterForm(VerbForm):
    product = choice_field(_("Product"), coerce=str)

    def prepare(self) -> None:
        self.fields["product"].choices = [  # type: ignore[attr-defined] # of a choice field
            (f"{kind}:{currency}", f"{PRODUCT_KINDS[kind]}, {currency}") for kind, currency in unsold_products()
        ]


def _first_product(asked: Asked) -> str:
    kind, _colon, currency = asked.data["product"].partition(":")
    return in_currency(DAY_ONE_PRODUCTS[ProductKind(kind)].read_text(encoding="utf-8"), currency)


def _enter_effects(_row: None, asked: Asked) -> Effects:
    product = parse_product(*canonical_product(_first_product(asked)))
    facts = [
        (_("Product"), product.name),
        (_("Loan amount"), f"{_amount(product.minimum_minor, product)} – {_amount(product.maximum_minor, product)}"),  # noqa: RUF001
        (_("Referred above"), _amount(product.origination.refer_above_minor, product)),
    ]
    return Effects(parts=[Facts(facts), *_prices(product).parts])


def _enter_refusal(_row: None, _asked: Asked) -> Words | None:
    return None if unsold_products() else _("Every product that comes with Tradeline is sold.")


ENTER: Final = Verb(
    name="enter",
    label=_("Enter a first product"),
    right="lending.add_productversion",
    form=EnterForm,
    note=_(
        "Amounts are the same figures in every currency: compare them with what your merchants sell. Another product "
        "is entered from a file, with manage.py enter_product."
    ),
    effects=_enter_effects,
    preview_label=_("Show the product"),
    why_not=_enter_refusal,
    offered=lambda _row: bool(unsold_products()),
    act=lambda _row, asked: product_act(_first_product(asked)),
    call=lambda _row, asked: enter_product(
        text=_first_product(asked), actor=asked.actor, now=asked.now, approval=asked.approval
    ),
    done=_("The product is sold: offers follow the next published run, or the live one."),
    refusals={ProductNotEntered: ENTRY_REFUSALS},
    is_primary=True,
)


@admin.register(ProductVersion)
class ProductVersionAdmin(OfficeAdmin[ProductVersion]):
    columns = (
        ListColumn(label=_("Product"), cell=lambda version: name_over(product_of(version).name, version.code)),
        ListColumn(label=_("Kind"), cell=lambda version: PRODUCT_KINDS[ProductKind(version.kind)]),
        ListColumn(label=_("State"), cell=lambda version: chip(*(SOLD if version.is_sold else REPLACED))),
        ListColumn(label=_("Currency"), cell=lambda version: version.currency),
        ListColumn(label=_("Version"), cell=lambda version: version.version, number=True),
        ListColumn(label=_("Entered, UTC"), cell=lambda version: version.created_at, style="tl-nowrap"),
    )
    list_verbs = (ENTER,)
    empty = _("No product is sold yet. One comes with Tradeline, to begin with.")

    def rows(self) -> QuerySet[ProductVersion]:
        return with_sold(ProductVersion.objects.all())

    def page_of(self, row: ProductVersion, request: HttpRequest) -> Page:
        product = product_of(row)
        offers, offered_minor = open_offers_of(row)
        listed = f"{reverse('admin:lending_offer_changelist')}?state=open&product={row.pk}"
        currency = {"currency": product.currency}
        entered = {"at": f"{row.created_at:%Y-%m-%d %H:%M}", "who": name_of(row.created_by)}
        largest = _t("up to %(largest)s") % {"largest": money(product.maximum_minor, product.currency)}
        cards = {
            _("What bounds a limit, beside the grade"): _bounds(product),
            _("Whom it is for"): _eligibility(product),
            _("Offers and applications"): _origination(product),
            _("The contract"): _contract(product),
            _("The line"): _line(product),
        }
        shown = [(title, facts) for title, found in cards.items() if (facts := list(found))]
        return Page(
            title=product.name,
            chips=[chip(*(SOLD if row.is_sold else REPLACED))],  # type: ignore[attr-defined] # with_sold
            sub=[
                product.code,
                PRODUCT_KINDS[product.kind],
                _t("version %(number)s") % {"number": product.version},
                _t("entered %(at)s UTC by %(who)s") % entered,
            ],
            figures=[
                Figure(label=_("Open offers"), value=Cell(text=f"{offers:,}", link=listed)),
                Figure(
                    label=_t("Total of open offers, %(currency)s") % currency,
                    value=money(offered_minor, product.currency),
                ),
                Figure(
                    label=_t("Loan amount from, %(currency)s") % currency,
                    value=money(product.minimum_minor, product.currency),
                    note=largest,
                ),
                Figure(label=_("Term, months"), value=f"{product.shortest_months} – {product.longest_months}"),  # noqa: RUF001
            ],
            cards=[
                _prices(product),
                *(Card(title=title, parts=[Facts(facts, halves=True)], span=6) for title, facts in shown),
                version_card(_("Version"), row.sha256),
            ],
        )


def _prices(product: Product) -> Card:
    labels = (
        _("Rate a day"),
        _("Income a year"),
        _("Cost a year"),
        _("Margin"),
        _("Longest term, months"),
        _("Limit, months' sales"),
        _("First loan, months' sales"),
        _("Share of sales for repayment"),
    )
    columns = [Column(label=_("Grade")), *(Column(label=label, number=True) for label in labels)]
    note = _(
        "Income and cost are shares of the average outstanding. Cost: losses at the grade's highest probability of "
        "default, funding and operation. A version that loses money at a grade is refused at entry."
    )
    table = Table(columns=columns, rows=list(_price_rows(product)))
    return Card(title=_("Price and limit by grade"), parts=[table, Text(note, "tl-note")])


def _price_rows(product: Product) -> Iterator[list[object]]:
    for grade, terms in product.grades.items():
        margin = margin_at(product, grade)
        yield [
            grade_chip(grade.value),
            f"{terms.daily_rate.scaleb(2):f} %",
            _share(margin.income),
            _share(margin.cost),
            _share(margin.income - margin.cost),
            terms.months,
            str(terms.multiple),
            str(terms.first_step),
            percent(terms.sales_share_bps, BASIS_POINTS, HUNDREDTH),
        ]


def _bounds(product: Product) -> Iterator[Fact]:
    rules = product.limits
    months = ngettext("from %(n)s month on", "from %(n)s months on", rules.seasoned_months) % {
        "n": rules.seasoned_months
    }
    yield _("Share of yearly sales"), f"{percent(rules.yearly_sales_bps, BASIS_POINTS, HUNDREDTH)}, {months}"
    yield _("Multiple of the worst month"), f"{rules.worst_month_multiple}, {months}"
    yield _("Multiple of the largest loan repaid on time"), str(rules.ladder_factor)
    yield _("Instalments at most, of a month's sales"), percent(rules.debt_service_bps, BASIS_POINTS, HUNDREDTH)
    raised = ngettext("%(by)s or more, for %(n)s night", "%(by)s or more, for %(n)s nights", rules.raise_nights)
    yield (
        _("What is granted is raised when the limit is higher by"),
        raised % {"by": percent(rules.raise_bps, BASIS_POINTS, HUNDREDTH), "n": rules.raise_nights},
    )
    room = rules.portfolio_room_minor
    yield _("Bound of the whole portfolio"), _("none") if room is None else _amount(room, product)
    for category, bound in rules.category_rooms_minor.items():
        yield _t("Bound of the category %(name)s") % {"name": category}, _amount(bound, product)


def _eligibility(product: Product) -> Iterator[Fact]:
    rules = product.eligibility
    yield _("Partners"), _listed(rules.partners)
    yield _("Regions"), _listed(rules.regions)
    yield _("Categories"), _listed(rules.categories)
    yield _("Memberships"), _listed(rules.memberships)
    yield _("Tenure, months"), _t("any") if rules.tenure_months is None else _least(rules.tenure_months)
    yield _("Score"), _t("any") if rules.score is None else _least(rules.score)


def _origination(product: Product) -> Iterator[Fact]:
    rules = product.origination
    yield _("An offer is valid for"), _days(rules.offer_days)
    yield _("A score is valid for"), _days(rules.score_days)
    yield _("The merchant may withdraw for"), _days(rules.cooling_off_days)
    yield _("A changed payout account waits for"), _days(rules.account_wait_days)
    yield (
        _("Referred from this share of suspect sales"),
        percent(rules.refer_flagged_bps, BASIS_POINTS, HUNDREDTH),
    )
    yield _("Referred above"), _amount(rules.refer_above_minor, product)
    for band, most in rules.bands.items():
        yield (
            BANDS[band],
            _("any amount") if most is None else _t("up to %(amount)s") % {"amount": _amount(most, product)},
        )


def _contract(product: Product) -> Iterator[Fact]:
    terms = product.contract
    yield METHODS[terms.method], _t("every %(period)s") % {"period": PERIODS[terms.unit] % {"n": terms.every}}
    yield _("Day count"), terms.day_count.value
    if terms.month_end is not MonthEnd.LAST_DAY:
        yield _("In shorter months it falls due on"), MONTH_ENDS[terms.month_end]
    if terms.principal_grace:
        yield _("Instalments of interest alone"), terms.principal_grace
    if terms.calendar is not None:
        version = latest_version(terms.calendar)
        yield _("Calendar"), terms.calendar if version is None else linked(version, str(version))
        yield _("What is due on no business day moves to"), BUSINESS_DAYS[terms.business_days]
    for fee in terms.fees:
        parts = [f"{fee.share.scaleb(2):f} %"] * bool(fee.share)
        parts += [_amount(fee.amount_minor, product)] * bool(fee.amount_minor)
        yield FEES_DUE[fee.due], " + ".join(parts)
    yield _("A prepayment reduces"), PREPAYMENTS[terms.prepayment]
    yield _("Penalty on overdue principal, times the rate"), str(terms.penalty_multiple_extra)
    yield _("Grace period"), _days(terms.grace_days)
    yield _("Not past due up to"), _amount(terms.tolerance_minor, product)
    after = product.servicing.write_off_dpd
    yield _("Written off"), _t("by hand") if after is None else _t("%(days)s past due") % {"days": _days(after)}
    bounds = map(rate_words, (product.servicing.lowest_rate, product.servicing.highest_rate))
    yield _("Its rate may be changed to"), " – ".join(bounds)  # noqa: RUF001


def _line(product: Product) -> Iterator[Fact]:
    if product.line is None:
        return
    figures = product.line
    yield _("Minimum draw"), _amount(figures.minimum_draw_minor, product)
    yield _("Terms of a draw"), ", ".join(str(months_words(months)) for months in figures.tenors) or _("none")
    if figures.open_ended is None:
        yield _("Open-ended draws"), _("none")
        return
    share = percent(figures.open_ended.share_bps, BASIS_POINTS, HUNDREDTH)
    least = _amount(figures.open_ended.least_minor, product)
    yield (
        _("Minimum payment of an open-ended draw"),
        _t("%(share)s, at least %(least)s") % {"share": share, "least": least},
    )


def _share(part: Fraction) -> str:
    return percent(round(part * MILLION), MILLION, HUNDREDTH).replace("-", MINUS)


def _listed(names: Iterable[str] | None) -> str:
    return _t("all") if names is None else ", ".join(sorted(names))


def _least(number: int) -> str:
    return _t("%(n)s or more") % {"n": f"{number:,}"}


def _days(days: int) -> str:
    return value_in_unit(days, Unit.DAY)


def _amount(minor: int, product: Product) -> str:
    return value_in_unit(minor, Unit.MINOR, product.currency)
