"""The verbs of a loan."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from config.office.business_date import get_business_date
from config.office.display import Cell, Column, Facts, Heading, Part, Table
from config.office.verbs import (
    TO_BE_GIVEN,
    AmountField,
    Asked,
    Effects,
    Refusals,
    Verb,
    VerbForm,
    choice_field,
    date_field,
    reason_field,
    refused_by,
)
from config.office.words import Words, money
from lending.admin.words import ACCOUNTS, BOOKING_REFUSALS, EVENT_TYPES, LOAN_REFUSALS, RETRY_REFUSALS, RETURN_REFUSALS
from lending.domain.books.booking import Booking, BookingRefusal
from lending.domain.books.ledger import Movement
from lending.domain.books.plan import Plan
from lending.domain.books.transfer import ReturnRefusal
from lending.domain.contract.events import EventType
from lending.models import Loan, LoanEvent
from lending.operations.loans import EventNotBooked, book_by_hand
from lending.operations.payouts import (
    LoanNotCancelled,
    PayoutNotRepeated,
    PayoutNotReturned,
    cancel_loan,
    pay_out_again,
    return_payout,
)
from lending.queries.bookings import get_verb_refusal, preview_booking
from lending.queries.loans import rate_of, reversible_events
from lending.queries.transfers import get_cancel_refusal, get_retry_refusal, get_return_refusal, last_payout

EVENT_WORDS: Final[dict[Any, Words]] = {**BOOKING_REFUSALS, **LOAN_REFUSALS}
EVENT_REFUSALS: Final[Refusals] = {EventNotBooked: EVENT_WORDS}
POSITIONS: Final = (
    ("principal_minor", _("Principal outstanding")),
    ("interest_minor", _("Interest charged to date")),
    ("interest_paid_minor", _("Interest paid")),
    ("penalty_minor", _("Penalty charged to date")),
    ("penalty_paid_minor", _("Penalty paid")),
    ("fees_minor", _("Fees charged")),
    ("fees_paid_minor", _("Fees paid")),
    ("credit_minor", _("Credit held")),
)


class ReasonForm(VerbForm):
    reason = reason_field()


class DatedForm(ReasonForm):
    field_order = ("event", "amount", "percent", "on", "reason")
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


class ReversalForm(DatedForm):
    event = choice_field(_("Event"))

    def prepare(self) -> None:
        super().prepare()
        self.fields["event"].choices = [(event.seq, _named(event)) for event in reversible_events(self.row)]  # type: ignore[attr-defined]


def _named(event: LoanEvent) -> str:
    amount = "" if event.amount_minor is None else f" {money(event.amount_minor, event.loan.currency)}"
    return _t("no %(no)s, %(date)s: %(what)s") % {
        "no": event.seq,
        "date": event.on,
        "what": f"{EVENT_TYPES[EventType(event.type)]}{amount}",
    }


def _booking(kind: EventType, asked: Asked) -> Booking:
    data = asked.data
    percent = data.get("percent")
    return Booking(
        type=kind,
        on=data["on"],
        amount_minor=data.get("amount"),
        rate=None if percent is None else percent / Decimal(100),
        of=data.get("event"),
        by_hand=True,
        reason=data["reason"],
        seen=_seen(asked),
        sure=asked.sure,
    )


def _seen(asked: Asked) -> int | None:
    return int(asked.seen) if asked.seen and asked.seen.isdecimal() else None


def _effects(kind: EventType) -> Callable[[Loan, Asked], Effects]:
    def effects(loan: Loan, asked: Asked) -> Effects:
        preview = preview_booking(loan, _booking(kind, asked))
        if preview.plan is None:
            return Effects(refusal=EVENT_WORDS[preview.refusal])
        warning = BOOKING_REFUSALS[BookingRefusal.AMOUNT_IMPLAUSIBLE] if preview.is_implausible else None
        return Effects(parts=list(_planned(preview.plan, loan)), warning=warning)

    return effects


def _planned(plan: Plan, loan: Loan) -> Iterator[Part]:
    """Show the loan before and after, and every posting."""

    def amount(minor: int) -> str:
        return money(minor, loan.currency)

    before, after = plan.before, plan.after
    changed = [
        [words, amount(getattr(before.position, name)), amount(getattr(after.position, name))]
        for name, words in POSITIONS
        if getattr(before.position, name) != getattr(after.position, name)
    ]
    yield Heading(_t("The loan as of %(date)s") % {"date": plan.to})
    yield Table(
        columns=[
            Column(label=loan.currency),
            Column(label=_("Before"), number=True),
            Column(label=_("After"), number=True),
        ],
        rows=[
            *changed,
            [_("Due now"), amount(before.due_minor), amount(after.due_minor)],
            [_("Days past due"), before.dpd, after.dpd],
        ],
    )
    yield Heading(_("Postings"))
    earned = [_movement(part, loan, _t("earned ahead of the close")) for part in plan.earned]
    yield Table(
        columns=[Column(label=_("Debit")), Column(label=_("Credit")), Column(label=loan.currency, number=True)],
        rows=[*earned, *(_movement(part, loan) for part in plan.moved)],
        empty=_("Nothing is posted."),
    )


def _movement(part: Movement, loan: Loan, note: str = "") -> list[object]:
    debit = Cell(text=ACCOUNTS[part.debit], note=note)
    return [debit, ACCOUNTS[part.credit], money(part.amount_minor, loan.currency)]


def _nothing_to_reverse(loan: Loan, _asked: Asked) -> Words | None:
    return None if reversible_events(loan).exists() else _("There is nothing to reverse.")


def _book(kind: EventType) -> Callable[[Loan, Asked], object]:
    def call(loan: Loan, asked: Asked) -> None:
        book_by_hand(loan_id=loan.pk, booking=_booking(kind, asked), actor=asked.actor, now=asked.now)

    return call


def _return(loan: Loan, asked: Asked) -> None:
    payout = last_payout(loan)
    if payout is None:
        raise PayoutNotReturned(ReturnRefusal.NOT_PAID_OUT)
    return_payout(
        transfer_id=payout.pk,
        on=asked.data["on"],
        reason=asked.data["reason"],
        actor=asked.actor,
        now=asked.now,
        seen=_seen(asked),
    )


def _by_reason(operation: Callable[..., object]) -> Callable[[Loan, Asked], object]:
    def call(loan: Loan, asked: Asked) -> None:
        operation(loan_id=loan.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now)

    return call


def _rate_about(loan: Loan, _asked: Asked) -> Sequence[Part]:
    return [Facts([(_("Yearly rate now"), rate_words(rate_of(loan)))])]


def rate_words(rate: Decimal) -> str:
    """Format a yearly rate with all its decimals."""
    return f"{(rate * 100).normalize():f} %"


def events_seen(loan: Loan) -> int:
    """Count the loan's events: what the effects of a booking depend on."""
    return loan.events.count()


def _booking_verb(kind: EventType, name: str, label: Words, right: str, done: Words, **more: Any) -> Verb:  # noqa: ANN401
    """Book an event of a kind: its effects are planned by the engine, as of the events that were seen."""
    options: dict[str, Any] = {
        "form": AmountForm,
        "why_not": refused_by(lambda loan, _: get_verb_refusal(loan, kind), EVENT_WORDS),
        **more,
    }
    return Verb(
        name=name,
        label=label,
        right=right,
        done=done,
        effects=_effects(kind),
        seen=events_seen,
        call=_book(kind),
        refusals=EVENT_REFUSALS,
        **options,
    )


def _payout_verb(name: str, label: Words, right: str, done: Words, **more: Any) -> Verb:  # noqa: ANN401
    """Do something about the payout, for a reason; what it does, its note says."""
    options: dict[str, Any] = {"form": ReasonForm, **more}
    return Verb(name=name, label=label, right=right, done=done, effects=lambda _loan, _asked: Effects(), **options)


VERBS: Final[Sequence[Verb]] = (
    _booking_verb(
        EventType.REPAYMENT,
        "repay",
        _("Book a repayment"),
        "lending.repay_loan",
        _("The repayment is booked."),
        is_primary=True,
    ),
    _booking_verb(EventType.CHARGE, "charge", _("Charge a fee"), "lending.charge_loan", _("The fee is charged.")),
    _booking_verb(
        EventType.RATE_CHANGE,
        "rate",
        _("Change the rate"),
        "lending.change_rate_loan",
        _("The rate is changed."),
        form=RateForm,
        about=_rate_about,
    ),
    _booking_verb(
        EventType.APPLY_CREDIT, "credit", _("Pay from credit"), "lending.repay_loan", _("The credit is applied.")
    ),
    _booking_verb(
        EventType.REFUND_CREDIT,
        "refund",
        _("Pay credit back"),
        "lending.refund_loan",
        _("The refund is booked."),
        note=_("This books money that was paid back by hand. It does not send any."),
    ),
    _booking_verb(
        EventType.REVERSAL,
        "reverse",
        _("Reverse an event"),
        "lending.reverse_loan",
        _("The event is reversed."),
        form=ReversalForm,
        note=_("As if the event had never been: every later payment is allocated anew."),
        why_not=_nothing_to_reverse,
    ),
    _payout_verb(
        "return",
        _("Take the payout back"),
        "lending.return_loan",
        _("The payout is taken back; the loan waits for its payout again."),
        form=DatedForm,
        note=_("For money that the bank sent back: the loan is as if it had never been paid out."),
        seen=events_seen,
        why_not=refused_by(lambda loan, _: get_return_refusal(loan), RETURN_REFUSALS),
        call=_return,
        refusals={PayoutNotReturned: RETURN_REFUSALS},
    ),
    _payout_verb(
        "pay_out",
        _("Pay out again"),
        "lending.pay_out_loan",
        _("The payout is ordered."),
        note=_("The whole amount is sent once more, to the merchant's verified account."),
        why_not=refused_by(lambda loan, _: get_retry_refusal(loan, reason=TO_BE_GIVEN), RETRY_REFUSALS),
        call=_by_reason(pay_out_again),
        refusals={PayoutNotRepeated: RETRY_REFUSALS},
    ),
    _payout_verb(
        "cancel",
        _("Cancel the loan"),
        "lending.cancel_loan",
        _("The loan is cancelled."),
        note=_("No money will leave; the merchant may be made another offer."),
        why_not=refused_by(lambda loan, _: get_cancel_refusal(loan, reason=TO_BE_GIVEN), RETRY_REFUSALS),
        call=_by_reason(cancel_loan),
        refusals={LoanNotCancelled: RETRY_REFUSALS},
    ),
)
