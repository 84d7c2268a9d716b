"""What is asked of whoever applies for a merchant, what it would cost, and the evidence that it was signed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from config.office.display import Column, Facts, Part, Table
from config.office.verbs import AmountField, Asked, VerbForm, choice_field, text_field
from config.office.words import Words, money
from lending.domain.contract.quote import Quote
from lending.domain.origination.offer import SignedTerms, is_signed_in_time
from lending.domain.origination.product import Months

EVIDENCE: Final = ("external_ref", "signatory", "signed_at", "document_sha256", "address")
NO_TERM: Final = "none"


class EvidenceForm(VerbForm):
    """Amount and term first; once they were quoted, the evidence that they were signed."""

    amount = AmountField()
    months = choice_field(_("Term, months"), coerce=str)
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

    def use(self, currency: str, *, since: datetime, choices: Sequence[tuple[Months, Words]]) -> None:
        """Set the currency, the moment before which nothing was signed, and the terms to choose from."""
        self._since = since
        self.fields["amount"].use(currency)  # type: ignore[attr-defined] # of the field above
        named = [(NO_TERM if months is None else str(months), words) for months, words in choices]
        self.fields["months"].choices = named  # type: ignore[attr-defined] # of a choice field

    def clean_signed_at(self) -> Any:  # noqa: ANN401 - a moment
        signed = self.cleaned_data["signed_at"]
        if signed and not is_signed_in_time(signed, made_at=self._since, now=timezone.now()):
            raise forms.ValidationError(_("The terms are signed once they were offered, and not in the future."))
        return signed

    def clean_document_sha256(self) -> str:
        return str(self.cleaned_data["document_sha256"]).lower()


def applied(asked: Asked) -> dict[str, Any]:
    """Return what was applied for, as the operations take it."""
    data = asked.data
    return {
        "amount_minor": data["amount"],
        "months": months_asked(asked),
        "evidence": SignedTerms(
            signatory=data["signatory"],
            signed_at=data["signed_at"],
            document_sha256=data["document_sha256"],
            address=data["address"],
        ),
        "external_ref": data["external_ref"],
    }


def months_asked(asked: Asked) -> Months:
    """Return the term that was chosen."""
    return None if asked.data["months"] == NO_TERM else int(asked.data["months"])


def quoted(quote: Quote, amount_minor: int, currency: str, daily_rate: Decimal) -> Iterator[Part]:
    """Show what a loan would cost, and its schedule."""

    def amount(minor: int) -> str:
        return money(minor, currency)

    yield Facts(
        [
            (_("Interest in all"), f"{amount(quote.total_interest_minor)} {currency}"),
            *([(_("Fees in all"), f"{amount(quote.total_fees_minor)} {currency}")] if quote.total_fees_minor else []),
            (_("To repay in all"), f"{amount(amount_minor + quote.total_cost_minor)} {currency}"),
            (_("Rate a day"), f"{daily_rate * 100:.3f} %"),
            (_("Effective yearly rate"), f"{quote.apr} %"),
        ]
    )
    parts = {_("Principal"): "principal_minor", _("Interest"): "interest_minor"}
    parts |= {_("Fee"): "fee_minor"} if quote.total_fees_minor else {}
    parts |= {_("Total"): "total_minor"}
    columns = [
        Column(label=_("No"), number=True),
        Column(label=_("Due"), style="tl-nowrap"),
        *(Column(label=words, number=True) for words in parts),
    ]
    rows = [[row.no, row.due, *(amount(getattr(row, name)) for name in parts.values())] for row in quote.schedule]
    yield Table(columns=columns, rows=rows)
