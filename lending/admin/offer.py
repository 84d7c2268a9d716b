"""Office pages of offers, and applying for a loan under one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.business_date import get_business_date
from config.office.display import Facts, Part, Text, change_url, chip, grade_chip, linked
from config.office.lists import Filter, ListColumn, ListOf, Search, choice_filter
from config.office.pages import OfficeAdmin, name_over
from config.office.verbs import Asked, Effects, Verb
from config.office.words import Words, money, money_with_currency
from lending.admin.calendar import CALENDAR_REFUSALS
from lending.admin.evidence import EVIDENCE, EvidenceForm, applied, months_asked, quoted
from lending.admin.offer_outcomes import outcome_filters
from lending.admin.words import (
    ACCEPTANCE_REFUSALS,
    APPLICATION_REFUSALS,
    APPLIED,
    OFFER_STATES,
    OPENS,
    PRODUCT_KINDS,
    SINGLE_REFUSALS,
)
from lending.domain.origination.application import ApplicationRefusal, ApplicationState
from lending.domain.origination.calendars import CalendarRefusal
from lending.domain.origination.kinds.registry import KINDS
from lending.domain.origination.offer import AcceptanceRefusal, OfferState, read_choices
from lending.domain.origination.product import Months, ProductKind
from lending.models import Application, Offer, ProductVersion
from lending.operations.applications import OfferNotAccepted, accept_offer
from lending.queries.offers import quote_offer
from lending.queries.search import search_offers
from merchants.queries.payout_accounts import verified_account_of, verifiers_of
from scoring.domain.calibration import GRADES
from scoring.operations.single import MerchantNotScored

OPEN: Final = "open"


class ApplyForm(EvidenceForm):
    """Amount and term first; once they were quoted, the evidence that they were signed."""

    def prepare(self) -> None:
        offer: Offer = self.row
        self.use(offer.currency, since=offer.made_at, choices=list(_choices(offer)))


def _choices(offer: Offer) -> Iterator[tuple[Months, Words]]:
    """Yield the terms that the offer lets choose, the longest first, with the most that is lent over each."""
    for months, most in reversed(read_choices(offer.most_by_months).items()):
        if months is None:
            yield months, _("as the line is drawn on")
        elif most:
            yield months, _t("%(months)s (up to %(most)s)") % {"months": months, "most": money(most, offer.currency)}


def _about(offer: Offer, _asked: Asked) -> Sequence[Part]:
    said = _t("%(minimum)s to %(limit)s %(currency)s, until %(until)s") % {
        "minimum": money(offer.minimum_minor, offer.currency),
        "limit": money(offer.limit_minor, offer.currency),
        "currency": offer.currency,
        "until": offer.expires_on,
    }
    return [Facts([(_("Merchant"), linked(offer.merchant, offer.merchant.name)), (_("Offer"), said)])]


def _effects(offer: Offer, asked: Asked) -> Effects:
    on = get_business_date()
    if on is None:
        return Effects(refusal=APPLICATION_REFUSALS[ApplicationRefusal.NO_BUSINESS_DATE])
    found = quote_offer(offer, on=on, amount_minor=asked.data["amount"], months=months_asked(asked))
    if isinstance(found, CalendarRefusal):
        return Effects(refusal=CALENDAR_REFUSALS[found])
    if isinstance(found, AcceptanceRefusal):
        return Effects(refusal=_refused(offer, found))
    kind = KINDS[ProductKind(offer.kind)]
    after = _t("The merchant is scored afresh and the rules decide at once. %(then)s") % {"then": OPENS[kind.opens]}
    return Effects(parts=[*quoted(found, asked.data["amount"], offer.currency, offer.daily_rate), Text(after)])


def _refused(offer: Offer, refusal: AcceptanceRefusal) -> Words:
    if refusal is AcceptanceRefusal.AMOUNT_BELOW_MINIMUM:
        minimum = money_with_currency(offer.minimum_minor, offer.currency)
        return _t("The amount is below the product minimum of %(minimum)s.") % {"minimum": minimum}
    return ACCEPTANCE_REFUSALS[refusal]


def _apply(offer: Offer, asked: Asked) -> Application:
    return accept_offer(offer_id=offer.pk, **applied(asked), actor=asked.actor, now=asked.now)


def _why_not(offer: Offer, asked: Asked) -> Words | None:
    refused = str(asked.actor) in verifiers_of(verified_account_of(merchant_id=offer.merchant_id))
    return ACCEPTANCE_REFUSALS[AcceptanceRefusal.VERIFIED_THE_ACCOUNT] if refused else None


APPLY: Final = Verb(
    name="apply",
    label=_("Apply"),
    right="lending.enter_application",
    form=ApplyForm,
    asked_last=EVIDENCE,
    about=_about,
    why_not=_why_not,
    effects=_effects,
    preview_label=_("Show what it costs"),
    call=_apply,
    done=lambda application: APPLIED[ApplicationState(application.state)],
    refusals={
        OfferNotAccepted: {**ACCEPTANCE_REFUSALS, **APPLICATION_REFUSALS},
        MerchantNotScored: SINGLE_REFUSALS,
    },
    is_primary=True,
)


def _order(months: Months) -> int:
    return months or 0


@admin.register(Offer)
class OfferAdmin(OfficeAdmin[Offer]):
    columns = (
        ListColumn(
            label=_("Merchant"),
            cell=lambda offer: name_over(offer.merchant.name, f"offer_{offer.pk}"),
            sort="merchant__name",
            indexed=True,
        ),
        ListColumn(label=_("Kind"), cell=lambda offer: PRODUCT_KINDS[ProductKind(offer.kind)]),
        ListColumn(label=_("Grade"), cell=lambda offer: grade_chip(offer.grade), sort="grade"),
        ListColumn(label=_("Score"), cell=lambda offer: offer.score.score, number=True, sort="score__score"),
        ListColumn(label=_("State"), cell=lambda offer: chip(*OFFER_STATES[OfferState(offer.state)])),
        ListColumn(
            label=_("Up to"),
            cell=lambda offer: money(offer.limit_minor, offer.currency),
            number=True,
            sort="limit_minor",
        ),
        ListColumn(label=_("Currency"), cell=lambda offer: offer.currency),
        ListColumn(
            label=_("Months"), cell=lambda offer: max(read_choices(offer.most_by_months), key=_order), number=True
        ),
        ListColumn(label=_("Rate a day"), cell=lambda offer: f"{offer.daily_rate * 100:.3f} %", number=True),
        ListColumn(label=_("Made"), cell=lambda offer: offer.made_on, style="tl-nowrap", sort="made_on"),
        ListColumn(label=_("Expires"), cell=lambda offer: offer.expires_on, style="tl-nowrap", sort="expires_on"),
    )
    filters = (
        Filter(
            name="state",
            label=_("state"),
            choices=lambda: [
                (OPEN, _("Open, seen or not")),
                *((state, words) for state, (words, _) in OFFER_STATES.items()),
            ],
            keep=lambda rows, value: (
                rows.filter(pk__in=Offer.objects.open().values("pk")) if value == OPEN else rows.filter(state=value)
            ),
        ),
        choice_filter("kind", _("kind"), PRODUCT_KINDS),
        choice_filter("grade", _("grade"), {grade.value: grade.value for grade in GRADES}),
        Filter(
            name="product",
            label=_("product"),
            choices=lambda: [(str(version.pk), str(version)) for version in ProductVersion.objects.order_by("-pk")],
            keep=lambda rows, value: rows.filter(product=int(value)),
            comes_and_goes=True,
        ),
    )
    search = Search(help=_("Offer number or merchant"), keep=lambda rows, term: search_offers(term, rows))
    list_related = ("merchant", "score")
    related = ("merchant", "product")
    verbs = (APPLY,)
    empty = _("No offer yet. Offers are made after each published run, once a product is sold.")

    def described(self, asked: QueryDict) -> ListOf:
        found = super().described(asked)
        return replace(found, filters=[*found.filters, *outcome_filters(asked)])

    def page_of(self, row: Offer, request: HttpRequest) -> HttpResponse:
        """Redirect to the merchant: an offer has no page of its own."""
        return redirect(change_url(row.merchant))
