"""Do what may be done to a loan: ask, show every effect, and do it when it is confirmed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from config.db.transactions import Contended
from config.kernel.money import BadAmount, parse_typed
from config.office.actors import Actor, actor_of
from config.office.admin import Words
from config.office.business_date import get_business_date
from config.office.words import money
from lending.admin.words import ACCOUNTS, AGAIN_REFUSALS, BOOKING_REFUSALS, LOAN_REFUSALS, RETURN_REFUSALS
from lending.domain.books.booking import Booking, BookingRefusal
from lending.domain.books.ledger import Movement, Position
from lending.domain.books.transfer import ReturnRefusal
from lending.domain.contract.events import EventType
from lending.models import Loan, LoanEvent
from lending.operations.loans import (
    EventNotBooked,
    apply_credit,
    book_repayment,
    change_rate,
    charge_fee,
    refund_credit,
    reverse_event,
)
from lending.operations.transfers import (
    LoanNotCancelled,
    PayoutNotRepeated,
    PayoutNotReturned,
    cancel_loan,
    pay_out_again,
    return_payout,
)
from lending.queries.bookings import preview_booking
from lending.queries.transfers import last_payout

REFUSALS: Mapping[Any, Words] = {**BOOKING_REFUSALS, **LOAN_REFUSALS, **AGAIN_REFUSALS, **RETURN_REFUSALS}
POSITIONS = (
    ("principal_minor", _("Principal outstanding")),
    ("interest_minor", _("Interest to date")),
    ("interest_paid_minor", _("Interest paid")),
    ("penalty_minor", _("Penalty to date")),
    ("penalty_paid_minor", _("Penalty paid")),
    ("fees_minor", _("Fees charged")),
    ("fees_paid_minor", _("Fees paid")),
    ("credit_minor", _("Credit")),
)


class LoanVerbForm(forms.Form):
    """Ask for what a verb needs; which of the fields, the verb says."""

    amount = forms.CharField(
        label=_("Amount"), max_length=24, widget=UnfoldAdminTextInputWidget({"inputmode": "decimal"})
    )
    percent = forms.DecimalField(
        label=_("Yearly rate, %"),
        min_value=0,
        max_value=1_000,
        decimal_places=8,
        widget=UnfoldAdminTextInputWidget,
    )
    on = forms.DateField(label=_("As of"), widget=UnfoldAdminTextInputWidget({"type": "date"}))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=UnfoldAdminTextareaWidget({"rows": 2}))
    sure = forms.BooleanField(
        label=_("The amount is right, even if it is far above what the loan owes"), required=False
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, fields: tuple[str, ...], currency: str, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.currency = currency
        for name in set(self.fields) - {*fields, "seen"}:
            del self.fields[name]
        if "amount" in self.fields:
            self.fields["amount"].label = _t("Amount, %(currency)s") % {"currency": currency}

    def clean_amount(self) -> int:
        """Read the amount in minor units."""
        try:
            return parse_typed(self.cleaned_data["amount"], self.currency)
        except BadAmount as error:
            raise forms.ValidationError(str(error)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanVerb:
    """Hold a verb: its fields, the event it would book (None: it books none), and the operation."""

    title: Words
    right: str
    done: Words
    fields: tuple[str, ...]
    event: EventType | None
    note: Words | None = None
    call: Callable[[Loan, Mapping[str, Any], Actor], object]


def _by_amount(operation: Callable[..., object]) -> Callable[[Loan, Mapping[str, Any], Actor], object]:
    return lambda loan, data, actor: operation(
        loan_id=loan.pk,
        amount_minor=data["amount"],
        on=data["on"],
        reason=data["reason"],
        actor=actor,
        now=timezone.now(),
        seen=data["seen"],
    )


def _repay(loan: Loan, data: Mapping[str, Any], actor: Actor) -> object:
    return book_repayment(
        loan_id=loan.pk,
        amount_minor=data["amount"],
        on=data["on"],
        external_ref="",
        reason=data["reason"],
        actor=actor,
        now=timezone.now(),
        seen=data["seen"],
        sure=data["sure"],
    )


def _change_rate(loan: Loan, data: Mapping[str, Any], actor: Actor) -> object:
    rate = data["percent"] / Decimal(100)
    return change_rate(
        loan_id=loan.pk,
        rate=rate,
        on=data["on"],
        reason=data["reason"],
        actor=actor,
        now=timezone.now(),
        seen=data["seen"],
    )


def _return(loan: Loan, data: Mapping[str, Any], actor: Actor) -> object:
    payout = last_payout(loan)
    if payout is None:
        raise PayoutNotReturned(ReturnRefusal.NOT_PAID_OUT)
    return return_payout(
        transfer_id=payout.pk,
        on=data["on"],
        reason=data["reason"],
        actor=actor,
        now=timezone.now(),
        seen=data["seen"],
    )


def _by_reason(operation: Callable[..., object]) -> Callable[[Loan, Mapping[str, Any], Actor], object]:
    return lambda loan, data, actor: operation(loan_id=loan.pk, reason=data["reason"], actor=actor, now=timezone.now())


CONFIRM = "confirm"
MONEY = ("amount", "on", "reason")
VERBS: Mapping[str, LoanVerb] = {
    "repay": LoanVerb(
        title=_("Book a repayment"),
        right="lending.repay_loan",
        done=_("The repayment is booked."),
        fields=(*MONEY, "sure"),
        event=EventType.REPAYMENT,
        call=_repay,
    ),
    "charge": LoanVerb(
        title=_("Charge a fee"),
        right="lending.charge_loan",
        done=_("The fee is charged."),
        fields=MONEY,
        event=EventType.CHARGE,
        call=_by_amount(charge_fee),
    ),
    "rate": LoanVerb(
        title=_("Change the rate"),
        right="lending.change_rate_loan",
        done=_("The rate is changed."),
        fields=("percent", "on", "reason"),
        event=EventType.RATE_CHANGE,
        call=_change_rate,
    ),
    "credit": LoanVerb(
        title=_("Pay from credit"),
        right="lending.repay_loan",
        done=_("The credit is applied."),
        fields=MONEY,
        event=EventType.APPLY_CREDIT,
        call=_by_amount(apply_credit),
    ),
    "refund": LoanVerb(
        title=_("Pay credit back"),
        right="lending.refund_loan",
        done=_("The refund is booked."),
        fields=MONEY,
        event=EventType.REFUND_CREDIT,
        note=_("This books money that was paid back by hand: it sends none."),
        call=_by_amount(refund_credit),
    ),
    "return": LoanVerb(
        title=_("Take the payout back"),
        right="lending.return_loan",
        done=_("The payout is taken back; the loan waits for its money again."),
        fields=("on", "reason"),
        event=None,
        note=_("For money that the bank sent back: the loan is as if it had never been paid out."),
        call=_return,
    ),
    "pay_out": LoanVerb(
        title=_("Pay out again"),
        right="lending.pay_out_loan",
        done=_("The money is sent for."),
        fields=("reason",),
        event=None,
        note=_("The whole amount is sent once more, to the merchant's verified account."),
        call=_by_reason(pay_out_again),
    ),
    "cancel": LoanVerb(
        title=_("Give the loan up"),
        right="lending.cancel_loan",
        done=_("The loan is given up."),
        fields=("reason",),
        event=None,
        note=_("No money leaves any more; the merchant may be made another offer."),
        call=_by_reason(cancel_loan),
    ),
}


def reversal_of(event: LoanEvent) -> LoanVerb:
    """Make the verb that reverses one event."""

    def call(loan: Loan, data: Mapping[str, Any], actor: Actor) -> object:
        return reverse_event(
            loan_id=loan.pk,
            seq=event.seq,
            on=data["on"],
            reason=data["reason"],
            actor=actor,
            now=timezone.now(),
            seen=data["seen"],
        )

    return LoanVerb(
        title=_("Reverse an event"),
        right="lending.reverse_loan",
        done=_("The event is reversed."),
        fields=("on", "reason"),
        event=EventType.REVERSAL,
        note=_("As if it had never been: every later payment is allocated anew."),
        call=call,
    )


def form_of(verb: LoanVerb, loan: Loan, request: HttpRequest) -> LoanVerbForm:
    """Make the form, with the business date or what was sent; what is shown now is what the next step confirms."""
    sent = request.POST.copy() if request.POST else None
    if sent is not None and sent.get("step") != CONFIRM:
        sent["seen"] = str(loan.events.count())
    initial = {"on": get_business_date()}
    return LoanVerbForm(sent, fields=verb.fields, currency=loan.currency, initial=initial)


def preview_context(verb: LoanVerb, loan: Loan, data: Mapping[str, Any], *, of: int | None) -> dict[str, Any]:
    """Say every effect of a verb: the postings, and the loan before and after."""
    if verb.event is None:
        return {"refusal": None}
    percent = data.get("percent")
    booking = Booking(
        type=verb.event,
        on=data["on"],
        amount_minor=data.get("amount"),
        rate=None if percent is None else percent / Decimal(100),
        of=of,
        by_hand=True,
        reason=data["reason"],
        seen=data["seen"],
    )
    preview = preview_booking(loan, booking)
    if preview.plan is None:
        return {"refusal": REFUSALS[preview.refusal]}
    if preview.is_implausible and not data["sure"]:
        return {"refusal": REFUSALS[BookingRefusal.AMOUNT_IMPLAUSIBLE]}
    plan = preview.plan
    return {
        "refusal": None,
        "earned": [_movement(part, loan) for part in plan.earned],
        "moved": [_movement(part, loan) for part in plan.moved],
        "effects": _effects(plan.before.position, plan.after.position, loan),
        "due": (money(plan.before.due_minor, loan.currency), money(plan.after.due_minor, loan.currency)),
        "dpd": (plan.before.dpd, plan.after.dpd),
        "to": plan.to,
    }


def do(request: HttpRequest, verb: LoanVerb, loan: Loan, data: Mapping[str, Any]) -> bool:
    """Call the operation, and tell what came of it."""
    try:
        verb.call(loan, data, actor_of(request.user))
    except (EventNotBooked, LoanNotCancelled, PayoutNotReturned, PayoutNotRepeated) as refused:
        messages.error(request, str(REFUSALS[refused.reason]))
    except Contended:
        messages.error(request, _("Someone else is working on this loan. Please try again."))
    else:
        messages.success(request, str(verb.done))
        return True
    return False


def _effects(before: Position, after: Position, loan: Loan) -> list[tuple[Words, str, str]]:
    return [
        (words, money(getattr(before, name), loan.currency), money(getattr(after, name), loan.currency))
        for name, words in POSITIONS
        if getattr(before, name) != getattr(after, name)
    ]


def _movement(part: Movement, loan: Loan) -> tuple[Words, Words, str]:
    return ACCOUNTS[part.debit], ACCOUNTS[part.credit], money(part.amount_minor, loan.currency)


def as_text(value: object, loan: Loan) -> str:
    """Write what was entered as it is shown before it is confirmed."""
    if isinstance(value, bool):
        return _t("yes") if value else _t("no")
    if isinstance(value, date):
        return value.isoformat()
    return money(value, loan.currency) if isinstance(value, int) else str(value)
