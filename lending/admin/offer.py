"""Office pages of offers, and applying for a loan under one."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from config.office.business_date import get_business_date
from config.office.display import Column, Facts, Part, Table, Text, change_url, chip, grade_chip, linked
from config.office.lists import Filter, ListColumn, Search, choice_filter
from config.office.pages import OfficeAdmin, name_over
from config.office.verbs import AmountField, Asked, Effects, Verb, VerbForm, choice_field, text_field
from config.office.words import Words, money
from lending.admin.words import ACCEPTANCE_REFUSALS, APPLICATION_REFUSALS, APPLIED, OFFER_STATES, SINGLE_REFUSALS
from lending.domain.contract.quote import Quote
from lending.domain.origination.application import ApplicationRefusal, ApplicationState
from lending.domain.origination.offer import AcceptanceRefusal, OfferState, SignedTerms, is_signed_in_time
from lending.models import Application, Offer, ProductVersion
from lending.operations.applications import OfferNotAccepted, accept_offer
from lending.queries.offers import quote_offer
from lending.queries.search import search_offers
from scoring.domain.calibration import GRADES
from scoring.operations.single import MerchantNotScored

OPEN: Final = "open"
EVIDENCE: Final = ("external_ref", "signatory", "signed_at", "document_sha256", "address")


class ApplyForm(VerbForm):
    """Amount and term first; once they were quoted, the evidence that they were signed."""

    amount = AmountField()
    months = choice_field(_("Term, months"))
    external_ref = text_field(_("Contract number"), longest=100)
    signatory = text_field(_("Signed by"), longest=200)
    signed_at = forms.DateTimeField(
        label=_("Signed at, UTC"), widget=UnfoldAdminTextInputWidget({"type": "datetime-local"})
    )
    document_sha256 = forms.RegexField(
        label=_("SHA-256 of the signed document"),
        regex=r"^[0-9a-fA-F]{64}$",
        max_length=64,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("64 hexadecimal digits, as “sha256sum FILE” prints them."),
    )
    address = forms.GenericIPAddressField(label=_("IP address it was signed from"), widget=UnfoldAdminTextInputWidget)

    def prepare(self) -> None:
        offer: Offer = self.row
        self.fields["amount"].use(offer.currency)  # type: ignore[attr-defined] # of the field above
        terms = sorted((int(months) for months, most in offer.most_by_months.items() if most), reverse=True)
        self.fields["months"].choices = [  # type: ignore[attr-defined] # of a choice field
            (months, _t("%(months)s (up to %(most)s)") % {"months": months, "most": _most(offer, months)})
            for months in terms
        ]

    def clean_signed_at(self) -> Any:  # noqa: ANN401 - a moment
        signed = self.cleaned_data["signed_at"]
        if signed and not is_signed_in_time(signed, made_at=self.row.made_at, now=timezone.now()):
            raise forms.ValidationError(_("The terms were signed after the offer was made, and not in the future."))
        return signed

    def clean_document_sha256(self) -> str:
        return str(self.cleaned_data["document_sha256"]).lower()


def _most(offer: Offer, months: int) -> str:
    return money(offer.most_by_months[str(months)], offer.currency)


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
    found = quote_offer(offer, on=on, amount_minor=asked.data["amount"], months=asked.data["months"])
    if isinstance(found, AcceptanceRefusal):
        return Effects(refusal=_refused(offer, found))
    return Effects(parts=list(_quoted(found, asked.data["amount"], offer)))


def _refused(offer: Offer, refusal: AcceptanceRefusal) -> Words:
    if refusal is AcceptanceRefusal.AMOUNT_BELOW_MINIMUM:
        minimum = f"{money(offer.minimum_minor, offer.currency)} {offer.currency}"
        return _t("The amount is below the product minimum of %(minimum)s.") % {"minimum": minimum}
    return ACCEPTANCE_REFUSALS[refusal]


def _quoted(quote: Quote, amount_minor: int, offer: Offer) -> Iterator[Part]:
    def amount(minor: int) -> str:
        return money(minor, offer.currency)

    yield Facts(
        [
            (_("Interest in all"), f"{amount(quote.total_interest_minor)} {offer.currency}"),
            (_("To repay in all"), f"{amount(amount_minor + quote.total_interest_minor)} {offer.currency}"),
            (_("Rate a day"), f"{offer.daily_rate * 100:.3f} %"),
            (_("Effective yearly rate"), f"{quote.apr} %"),
        ]
    )
    columns = [
        Column(label=_("No"), number=True),
        Column(label=_("Due"), style="tl-nowrap"),
        *(Column(label=words, number=True) for words in (_("Principal"), _("Interest"), _("Total"))),
    ]
    rows = [
        [row.no, row.due, amount(row.principal_minor), amount(row.interest_minor), amount(row.total_minor)]
        for row in quote.schedule
    ]
    yield Table(columns=columns, rows=rows)
    yield Text(_("The merchant is scored afresh and the rules decide at once. If they approve, the payout is ordered."))


def _apply(offer: Offer, asked: Asked) -> Application:
    data = asked.data
    return accept_offer(
        offer_id=offer.pk,
        amount_minor=data["amount"],
        months=data["months"],
        evidence=SignedTerms(
            signatory=data["signatory"],
            signed_at=data["signed_at"],
            document_sha256=data["document_sha256"],
            address=data["address"],
        ),
        external_ref=data["external_ref"],
        actor=asked.actor,
        now=asked.now,
    )


APPLY: Final = Verb(
    name="apply",
    label=_("Apply for a loan"),
    right="lending.enter_application",
    form=ApplyForm,
    asked_last=EVIDENCE,
    about=_about,
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


@admin.register(Offer)
class OfferAdmin(OfficeAdmin[Offer]):
    columns = (
        ListColumn(
            label=_("Merchant"),
            cell=lambda offer: name_over(offer.merchant.name, f"offer_{offer.pk}"),
            sort="merchant__name",
            indexed=True,
        ),
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
        ListColumn(label=_("Months"), cell=lambda offer: max(map(int, offer.most_by_months)), number=True),
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
        choice_filter("grade", _("grade"), {grade.value: grade.value for grade in GRADES}),
        Filter(
            name="product",
            label=_("product"),
            choices=lambda: [(str(version.pk), str(version)) for version in ProductVersion.objects.order_by("-pk")],
            keep=lambda rows, value: rows.filter(product=int(value)),
        ),
    )
    search = Search(help=_("Offer number or merchant"), keep=lambda rows, term: search_offers(term, rows))
    list_related = ("merchant", "score")
    related = ("merchant", "product")
    verbs = (APPLY,)
    empty = _("No offer yet. Offers are made after each published run, once a product is sold.")

    def page_of(self, row: Offer, request: HttpRequest) -> HttpResponse:
        """Redirect to the merchant: an offer has no page of its own."""
        return redirect(change_url(row.merchant))
