"""What staff do with a case of arrears: take it, record contacts and promises, close it."""

from collections.abc import Callable, Sequence
from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from config.office.display import Facts, Part, linked
from config.office.verbs import (
    TO_BE_GIVEN,
    AmountField,
    Asked,
    ReasonForm,
    Refusals,
    Verb,
    VerbForm,
    choice_field,
    date_field,
    reason_field,
    refused_by,
    text_field,
)
from config.office.words import Words, money_with_currency
from lending.admin.arrears_words import CASE_REFUSALS, CHANNELS, HANDOVER_REFUSALS, PROMISE_REFUSALS, RESULTS
from lending.domain.arrears.case import CaseState, Channel, ContactResult, judge_closing, judge_taking
from lending.domain.arrears.handover import judge_handing_over, judge_taking_back
from lending.domain.arrears.promise import PromiseRefusal, judge_withdrawal
from lending.models import ArrearsCase
from lending.operations.arrears import (
    CaseNotMoved,
    PromiseNotMoved,
    close_case,
    record_contact,
    record_promise,
    take_case,
    withdraw_promise,
)
from lending.operations.handovers import CaseNotHandedOver, hand_over_case, handover_act, take_back_case
from lending.queries.arrears import debt_of, open_promise
from lending.queries.handovers import handover_of

CASE: Final = _("Case")
MOVED: Final[Refusals] = {
    CaseNotMoved: CASE_REFUSALS,
    PromiseNotMoved: PROMISE_REFUSALS,
    CaseNotHandedOver: HANDOVER_REFUSALS,
}


class ContactForm(VerbForm):
    field_order = ("result", "channel", "words", "next_on")
    result = choice_field(
        _("What came of it"), coerce=ContactResult, choices=[(one.value, said) for one, said in RESULTS.items()]
    )
    channel = choice_field(
        _("How"),
        coerce=Channel,
        choices=[(one.value, said) for one, said in CHANNELS.items() if one is not Channel.NONE],
    )
    words = forms.CharField(
        label=_("What was said"), max_length=2_000, required=False, widget=UnfoldAdminTextareaWidget({"rows": 4})
    )
    next_on = date_field(
        _("Next action on"), required=False, help_text=_("Without a day, the result says when somebody looks again.")
    )


class PromiseForm(VerbForm):
    amount = AmountField()
    due_on = date_field(_("By"))

    def prepare(self) -> None:
        self.fields["amount"].use(self.row.currency)  # type: ignore[attr-defined] # of the field above


class HandoverForm(VerbForm):
    agency = text_field(_("Agency"), longest=100)
    reason = reason_field()


def _case(operation: Callable[..., ArrearsCase], *names: str) -> Callable[[ArrearsCase, Asked], ArrearsCase]:
    def call(case: ArrearsCase, asked: Asked) -> ArrearsCase:
        return operation(
            case_id=case.pk, actor=asked.actor, now=asked.now, **{name: asked.data[name] for name in names}
        )

    return call


def _promised(case: ArrearsCase, asked: Asked) -> ArrearsCase:
    data = asked.data
    return record_promise(
        case_id=case.pk, amount_minor=data["amount"], due_on=data["due_on"], actor=asked.actor, now=asked.now
    )


def _about(case: ArrearsCase, _asked: Asked) -> Sequence[Part]:
    debt = debt_of(case.merchant_id)
    shown = ((_("Due and unpaid"), debt.due_minor), (_("Owed in all"), debt.owed_minor))
    return [
        Facts(
            [
                (_("Merchant"), linked(case.merchant, case.merchant.name)),
                *((words, money_with_currency(minor, case.currency)) for words, minor in shown),
            ]
        )
    ]


def is_open(case: ArrearsCase) -> bool:
    """Whether anything is done with a case."""
    return case.state == CaseState.OPEN


def _no_promise_yet(case: ArrearsCase, _asked: Asked) -> Words | None:
    return None if open_promise(case) is None else PROMISE_REFUSALS[PromiseRefusal.OPEN_ALREADY]


def _closing_refusal(case: ArrearsCase, _asked: Asked) -> object:
    debt = debt_of(case.merchant_id)
    return judge_closing(CaseState(case.state), dpd=debt.dpd, reason=TO_BE_GIVEN)


def _handing_over_refusal(case: ArrearsCase, _asked: Asked) -> object:
    return judge_handing_over(
        CaseState(case.state),
        is_handed_over=handover_of(case) is not None,
        debt=debt_of(case.merchant_id),
        agency=TO_BE_GIVEN,
        reason=TO_BE_GIVEN,
    )


VERBS: Final[Sequence[Verb]] = (
    Verb(
        name="take",
        label=_("Take the case"),
        right="lending.work_arrearscase",
        group=CASE,
        offered=is_open,
        note=_("You work on it from now on; whoever did so before sees that you do."),
        about=_about,
        why_not=refused_by(
            lambda case, asked: judge_taking(CaseState(case.state), is_owner=case.owner == str(asked.actor)),
            CASE_REFUSALS,
        ),
        call=_case(take_case),
        done=_("The case is yours."),
        refusals=MOVED,
    ),
    Verb(
        name="contact",
        label=_("Record a contact"),
        right="lending.work_arrearscase",
        group=CASE,
        offered=is_open,
        form=ContactForm,
        about=_about,
        call=_case(record_contact, "channel", "result", "words", "next_on"),
        done=_("The contact is recorded."),
        refusals=MOVED,
        is_primary=True,
    ),
    Verb(
        name="promise",
        label=_("Record a promise"),
        right="lending.work_arrearscase",
        group=CASE,
        offered=is_open,
        form=PromiseForm,
        note=_("What the borrower pays from now on counts. The close judges it two days after its day."),
        about=_about,
        why_not=_no_promise_yet,
        call=_promised,
        done=_("The promise is recorded."),
        refusals=MOVED,
    ),
    Verb(
        name="withdraw_promise",
        label=_("Withdraw the promise"),
        right="lending.work_arrearscase",
        group=CASE,
        offered=lambda case: is_open(case) and open_promise(case) is not None,
        form=ReasonForm,
        note=_("For a promise that was recorded wrongly."),
        about=_about,
        why_not=refused_by(
            lambda case, _asked: judge_withdrawal(has_open=open_promise(case) is not None, reason=TO_BE_GIVEN),
            PROMISE_REFUSALS,
        ),
        call=_case(withdraw_promise, "reason"),
        done=_("The promise is withdrawn."),
        refusals=MOVED,
    ),
    Verb(
        name="hand_over",
        label=_("Hand over to an agency"),
        right="lending.hand_over_arrearscase",
        group=CASE,
        offered=lambda case: is_open(case) and handover_of(case) is None,
        form=HandoverForm,
        note=_(
            "A file with the borrower, how it is reached, its loans and what was tried is kept for the agency. No "
            "letter is sent, and an open promise is withdrawn. The case is looked at again in 31 days."
        ),
        about=_about,
        why_not=refused_by(_handing_over_refusal, HANDOVER_REFUSALS),
        act=lambda case, asked: handover_act(case, agency=asked.data["agency"], reason=asked.data["reason"]),
        call=lambda case, asked: hand_over_case(
            case_id=case.pk,
            agency=asked.data["agency"],
            reason=asked.data["reason"],
            actor=asked.actor,
            now=asked.now,
            approval=asked.approval,
        ),
        done=_("The case is handed over: download the file for the agency."),
        refusals=MOVED,
    ),
    Verb(
        name="take_back",
        label=_("Take back from the agency"),
        right="lending.hand_over_arrearscase",
        group=CASE,
        offered=lambda case: is_open(case) and handover_of(case) is not None,
        form=ReasonForm,
        note=_("Tell the agency, too. Letters go on with the next step that is due."),
        about=_about,
        why_not=refused_by(
            lambda case, _asked: judge_taking_back(is_handed_over=handover_of(case) is not None, reason=TO_BE_GIVEN),
            HANDOVER_REFUSALS,
        ),
        call=_case(take_back_case, "reason"),
        done=_("The case is taken back."),
        refusals=MOVED,
    ),
    Verb(
        name="close",
        label=_("Close the case"),
        right="lending.close_arrearscase",
        group=CASE,
        offered=is_open,
        form=ReasonForm,
        note=_("For what is left of written-off loans, if nobody is to ask for it any more. It stays owed."),
        about=_about,
        why_not=refused_by(_closing_refusal, CASE_REFUSALS),
        call=_case(close_case, "reason"),
        done=_("The case is closed."),
        refusals=MOVED,
    ),
)
