"""Apply for a merchant: ask for amount, term and the evidence, show the quote, and apply when it is confirmed."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from config.db.transactions import Contended
from config.kernel.money import BadAmount, parse_typed
from config.office.actors import actor_of
from config.office.admin import Words
from config.office.business_date import get_business_date
from config.office.words import money
from lending.admin.words import ACCEPTANCE_REFUSALS, APPLICATION_REFUSALS, SINGLE_REFUSALS
from lending.domain.origination.application import ApplicationRefusal
from lending.domain.origination.offer import AcceptanceRefusal, SignedTerms
from lending.models import Application, Offer
from lending.operations.applications import OfferNotAccepted, accept_offer
from lending.queries.offers import quote_offer
from scoring.operations.single import MerchantNotScored

REFUSALS: dict[Any, Words] = {**ACCEPTANCE_REFUSALS, **APPLICATION_REFUSALS}
TEXT = UnfoldAdminTextInputWidget


class ApplyForm(forms.Form):
    """Ask for what a loan under an offer needs."""

    amount = forms.CharField(label=_("Amount"), max_length=24, widget=TEXT({"inputmode": "decimal"}))
    months = forms.TypedChoiceField(label=_("Months"), coerce=int, widget=UnfoldAdminSelectWidget)
    external_ref = forms.CharField(label=_("Number of the contract"), max_length=100, widget=TEXT)
    signatory = forms.CharField(label=_("Signed by"), max_length=200, widget=TEXT)
    signed_at = forms.DateTimeField(label=_("Signed at, UTC"), widget=TEXT({"type": "datetime-local"}))
    document_sha256 = forms.RegexField(
        label=_("SHA-256 of the signed document"), regex=r"^[0-9a-f]{64}$", max_length=64, widget=TEXT
    )
    address = forms.GenericIPAddressField(label=_("Address it was signed from"), widget=TEXT)

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.currency = offer.currency
        terms = sorted(int(months) for months, most in offer.most_by_months.items() if most)
        self.fields["months"].choices = [  # type: ignore[attr-defined] # of a choice field
            (months, f"{months} ({money(offer.most_by_months[str(months)], offer.currency)})")
            for months in reversed(terms)
        ]

    def clean_amount(self) -> int:
        """Read the amount in minor units."""
        try:
            return parse_typed(self.cleaned_data["amount"], self.currency)
        except BadAmount as error:
            raise forms.ValidationError(str(error)) from error


def quote_context(offer: Offer, data: dict[str, Any]) -> dict[str, Any]:
    """Say what the loan would cost, instalment by instalment, or why it is not to be had."""
    on = get_business_date()
    if on is None:
        return {"refusal": REFUSALS[ApplicationRefusal.NO_BUSINESS_DATE]}
    found = quote_offer(offer, on=on, amount_minor=data["amount"], months=data["months"])
    if isinstance(found, AcceptanceRefusal):
        return {"refusal": REFUSALS[found]}

    def amount(minor: int) -> str:
        return money(minor, offer.currency)

    return {
        "refusal": None,
        "schedule": [
            (row.no, row.due, amount(row.principal_minor), amount(row.interest_minor), amount(row.total_minor))
            for row in found.schedule
        ],
        "interest": amount(found.total_interest_minor),
        "apr": found.apr,
        "amount": amount(data["amount"]),
    }


def apply_for(request: HttpRequest, offer: Offer, data: dict[str, Any]) -> Application | None:
    """Apply, and tell what came of it."""
    try:
        application = accept_offer(
            offer_id=offer.pk,
            amount_minor=data["amount"],
            months=data["months"],
            evidence=_evidence(data),
            external_ref=data["external_ref"],
            actor=actor_of(request.user),
            now=timezone.now(),
        )
    except OfferNotAccepted as refused:
        messages.error(request, str(REFUSALS[refused.reason]))
    except MerchantNotScored as refused:
        messages.error(request, str(SINGLE_REFUSALS[refused.reason]))
    except Contended:
        messages.error(request, _("Someone else is working on this merchant. Please try again."))
    else:
        messages.success(request, _("The application is made and decided."))
        return application
    return None


def _evidence(data: dict[str, Any]) -> SignedTerms:
    return SignedTerms(
        signatory=data["signatory"],
        signed_at=data["signed_at"],
        document_sha256=data["document_sha256"],
        address=data["address"],
    )
