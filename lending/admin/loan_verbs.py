"""The verbs of a loan."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.office.display import Facts, Part
from config.office.verbs import (
    Asked,
    Effects,
    Refusals,
    Verb,
    refused_by,
)
from config.office.words import Words, money
from lending.admin.booking_effects import planned_effects, rate_words
from lending.admin.loan_forms import (
    AmountForm,
    BounceForm,
    DatedForm,
    ExtendForm,
    PauseForm,
    RateForm,
    RedrawForm,
    ReversalForm,
    UndoForm,
    WaiverForm,
)
from lending.admin.payout_verbs import PAYOUT_VERBS, events_seen, seen_events
from lending.admin.words import BOOKING_REFUSALS, LOAN_REFUSALS
from lending.domain.books.booking import Booking, BookingRefusal
from lending.domain.books.loan import LoanStatus
from lending.domain.contract.effective_events import PAYMENTS as PAYMENT_TYPES
from lending.domain.contract.events import REVERSIBLE, EventType
from lending.models import Loan
from lending.operations.loans import EventNotBooked, book_by_hand, booking_act
from lending.queries.bookings import get_verb_refusal, preview_booking, rate_bounds_of
from lending.queries.loans import has_reversible, instalments_ahead, projection_of, rate_of
from lending.queries.servicing import current_date_of

PAYMENTS, TERMS, LOSSES = _("Payments"), _("Terms"), _("Losses")
EVENT_WORDS: Final[dict[Any, Words]] = {**BOOKING_REFUSALS, **LOAN_REFUSALS}
EVENT_REFUSALS: Final[Refusals] = {EventNotBooked: EVENT_WORDS}


def _booking(kind: EventType, asked: Asked) -> Booking:
    data = asked.data
    percent = data.get("percent")
    return Booking(
        type=data.get("part", kind),
        on=data["on"],
        amount_minor=data.get("amount"),
        rate=None if percent is None else percent / Decimal(100),
        of=data.get("event"),
        periods=data.get("periods"),
        by_hand=True,
        reason=data["reason"],
        seen=seen_events(asked),
        sure=asked.sure,
    )


def _effects(kind: EventType) -> Callable[[Loan, Asked], Effects]:
    def effects(loan: Loan, asked: Asked) -> Effects:
        preview = preview_booking(loan, _booking(kind, asked))
        if preview.plan is None:
            return Effects(refusal=EVENT_WORDS[preview.refusal])
        warning = BOOKING_REFUSALS[BookingRefusal.AMOUNT_IMPLAUSIBLE] if preview.is_implausible else None
        if preview.is_premature:
            warning = _("The loan is not past due: nothing says yet that the merchant will not pay.")
        return Effects(parts=list(planned_effects(preview.plan, loan)), warning=warning)

    return effects


def _nothing_to_reverse(loan: Loan, _asked: Asked) -> Words | None:
    return None if has_reversible(loan, REVERSIBLE) else _("There is nothing to reverse.")


def _nothing_to_bounce(loan: Loan, _asked: Asked) -> Words | None:
    return None if has_reversible(loan, PAYMENT_TYPES) else _("No payment stands that could bounce.")


def _book(kind: EventType) -> Callable[[Loan, Asked], object]:
    def call(loan: Loan, asked: Asked) -> None:
        booking = _booking(kind, asked)
        book_by_hand(loan_id=loan.pk, booking=booking, actor=asked.actor, now=asked.now, approval=asked.approval)

    return call


def _open_about(loan: Loan, _asked: Asked) -> Sequence[Part]:
    """Show what is open on the date as of which the loan is shown."""
    on = current_date_of(loan)
    projection = projection_of(loan, as_of=on)
    position = projection.position
    minors: list[tuple[Words, int]] = [
        (_("Principal"), position.principal_minor),
        (_("Interest"), position.interest_open_minor),
        (_("Penalty"), position.penalty_open_minor),
        (_("Fees"), position.fees_open_minor),
        (_t("Payoff on %(date)s") % {"date": on}, projection.payoff_minor),
    ]
    facts: list[tuple[Words, object]] = [(words, money(minor, loan.currency)) for words, minor in minors]
    return [Facts(facts)]


def _rate_about(loan: Loan, _asked: Asked) -> Sequence[Part]:
    lowest, highest = map(rate_words, rate_bounds_of(loan))
    bounds = _t("from %(lowest)s to %(highest)s") % {"lowest": lowest, "highest": highest}
    return [Facts([(_("Yearly rate now"), rate_words(rate_of(loan))), (_("Its product allows"), bounds)])]


def _ahead_about(loan: Loan, _asked: Asked) -> Sequence[Part]:
    return [Facts([(_("Instalments that are not yet due"), instalments_ahead(loan))])]


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
        act=lambda loan, asked: booking_act(loan, _booking(kind, asked)),
        call=_book(kind),
        refusals=EVENT_REFUSALS,
        **options,
    )


VERBS: Final[Sequence[Verb]] = (
    _booking_verb(
        EventType.REPAYMENT,
        "repay",
        _("Book a repayment"),
        "lending.repay_loan",
        _("The repayment is booked."),
        is_primary=True,
        group=PAYMENTS,
    ),
    _booking_verb(
        EventType.APPLY_CREDIT,
        "credit",
        _("Pay from credit"),
        "lending.repay_loan",
        _("The credit is applied."),
        group=PAYMENTS,
    ),
    _booking_verb(
        EventType.REFUND_CREDIT,
        "refund",
        _("Pay credit back"),
        "lending.refund_loan",
        _("The refund is booked."),
        note=_("This books money that was paid back by hand. It does not send any."),
        group=PAYMENTS,
    ),
    _booking_verb(
        EventType.BOUNCE,
        "bounce",
        _("Book a bounced payment"),
        "lending.reverse_loan",
        _("The payment has bounced: it counts no more."),
        form=BounceForm,
        note=_(
            "For a payment that the bank took back: as if it had never come. What of it was paid back as credit is "
            "owed by the merchant from now on."
        ),
        why_not=_nothing_to_bounce,
        group=PAYMENTS,
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
        group=PAYMENTS,
    ),
    _booking_verb(
        EventType.CHARGE, "charge", _("Charge a fee"), "lending.charge_loan", _("The fee is charged."), group=TERMS
    ),
    _booking_verb(
        EventType.RATE_CHANGE,
        "rate",
        _("Change the rate"),
        "lending.change_rate_loan",
        _("The rate is changed."),
        form=RateForm,
        about=_rate_about,
        group=TERMS,
    ),
    _booking_verb(
        EventType.PAUSE,
        "pause",
        _("Pause payments"),
        "lending.restructure_loan",
        _("Payments are paused."),
        form=PauseForm,
        about=_ahead_about,
        note=_("Every instalment that is not yet due moves so many due dates later. Interest goes on."),
        group=TERMS,
    ),
    _booking_verb(
        EventType.EXTEND,
        "extend",
        _("Extend the term"),
        "lending.restructure_loan",
        _("The term is extended."),
        form=ExtendForm,
        about=_ahead_about,
        note=_("What is not yet due is spread over more instalments, at the rate in force."),
        group=TERMS,
    ),
    _booking_verb(
        EventType.RE_AMORTISE,
        "re_amortise",
        _("Re-amortise"),
        "lending.restructure_loan",
        _("The loan is re-amortised."),
        form=RedrawForm,
        about=_ahead_about,
        note=_(
            "What is not yet due is spread anew, at the rate in force: over as many instalments, each is smaller after "
            "a prepayment; over fewer, the term is shorter. What is past due stays so."
        ),
        group=TERMS,
    ),
    _booking_verb(
        EventType.RE_AGE,
        "re_age",
        _("Re-age"),
        "lending.restructure_loan",
        _("The loan is re-aged."),
        form=RedrawForm,
        about=_ahead_about,
        note=_(
            "What is past due counts as not yet due, and all principal is spread anew: the loan is current. Penalties "
            "and fees stay due; how late it was is kept."
        ),
        group=TERMS,
    ),
    _booking_verb(
        EventType.WAIVE_INTEREST,
        "waive",
        _("Waive"),
        "lending.waive_loan",
        _("It is waived."),
        form=WaiverForm,
        about=_open_about,
        group=LOSSES,
    ),
    _booking_verb(
        EventType.SETTLEMENT,
        "settle",
        _("Settle for less"),
        "lending.settle_loan",
        _("The debt is settled."),
        form=AmountForm,
        about=_open_about,
        note=_("Books a payment that was agreed to settle the whole debt: the rest is waived for good."),
        group=LOSSES,
    ),
    _booking_verb(
        EventType.WRITE_OFF,
        "write_off",
        _("Write off"),
        "lending.write_off_loan",
        _("The loan is written off."),
        form=DatedForm,
        about=_open_about,
        note=_(
            "All that is owed becomes a loss and earns nothing more. The merchant still owes it: later payments are "
            "recoveries."
        ),
        group=LOSSES,
    ),
    _booking_verb(
        EventType.REVERSAL,
        "undo_write_off",
        _("Undo the write-off"),
        "lending.write_off_loan",
        _("The write-off is undone."),
        form=UndoForm,
        note=_("As if it had never been: what was paid since is allocated anew. The rule does not write it off again."),
        offered=lambda loan: loan.status == LoanStatus.WRITTEN_OFF,
        group=LOSSES,
    ),
    *PAYOUT_VERBS,
)
