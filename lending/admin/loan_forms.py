"""What the verbs of a loan ask for."""

from typing import Final

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from config.office.business_date import get_business_date
from config.office.verbs import AmountField, ReasonForm, choice_field, date_field, number_field
from config.office.words import money
from lending.admin.words import EVENT_TYPES
from lending.domain.books.booking import MOST_PERIODS
from lending.domain.contract.events import EventType
from lending.models import LoanEvent
from lending.queries.loans import payments_of, reversible_events, write_offs_of

WAIVABLE: Final = (
    (EventType.WAIVE_INTEREST.value, _("Interest")),
    (EventType.WAIVE_PENALTY.value, _("Penalty")),
    (EventType.WAIVE_FEE.value, _("Fees")),
)


class DatedForm(ReasonForm):
    field_order = ("event", "part", "amount", "percent", "periods", "on", "reason")
    on = date_field(_("As of"))

    def prepare(self) -> None:
        self.fields["on"].initial = get_business_date()


class AmountForm(DatedForm):
    amount = AmountField()

    def prepare(self) -> None:
        super().prepare()
        self.fields["amount"].use(self.row.currency)  # type: ignore[attr-defined] # of the field above


class RateForm(DatedForm):
    percent = forms.DecimalField(
        label=_("Yearly rate, %"), min_value=0, max_value=1_000, decimal_places=8, widget=UnfoldAdminTextInputWidget
    )


class PauseForm(DatedForm):
    periods = number_field(_("Instalments to pause"), most=MOST_PERIODS)


class ExtendForm(DatedForm):
    periods = number_field(_("More instalments"), most=MOST_PERIODS)


class RedrawForm(DatedForm):
    periods = number_field(_("Instalments from then on"), most=MOST_PERIODS)


class WaiverForm(AmountForm):
    part = choice_field(_("What is waived"), coerce=EventType, choices=WAIVABLE)


class ReversalForm(DatedForm):
    event = choice_field(_("Event"))
    events = staticmethod(reversible_events)

    def prepare(self) -> None:
        super().prepare()
        self.fields["event"].choices = [(event.seq, _named(event)) for event in self.events(self.row)]  # type: ignore[attr-defined]


class UndoForm(ReversalForm):
    events = staticmethod(write_offs_of)


class BounceForm(ReversalForm):
    events = staticmethod(payments_of)


def _named(event: LoanEvent) -> str:
    amount = "" if event.amount_minor is None else f" {money(event.amount_minor, event.loan.currency)}"
    return _t("no %(no)s, %(date)s: %(what)s") % {
        "no": event.seq,
        "date": event.on,
        "what": f"{EVENT_TYPES[EventType(event.type)]}{amount}",
    }
