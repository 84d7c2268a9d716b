"""The verbs of a loan's payout."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from config.office.approvals import Act
from config.office.display import Facts, linked
from config.office.pages import named
from config.office.verbs import TO_BE_GIVEN, Asked, Effects, ReasonForm, Verb, choice_field, reason_field, refused_by
from config.office.words import Words, money_with_currency
from lending.admin.booking_effects import planned_effects
from lending.admin.loan_forms import DatedForm
from lending.admin.transfer_words import RETRY_REFUSALS, RETURN_REFUSALS, TRANSFER_KINDS, WORD_REFUSALS
from lending.admin.words import GROUNDS, LOAN_REFUSALS, SINGLE_REFUSALS
from lending.domain.books.transfer import ReturnRefusal, TransferKind, WordRefusal
from lending.models import Loan
from lending.operations.bank_word import WordNotTaken, enter_word, word_act
from lending.operations.payouts import (
    LoanNotCancelled,
    PayoutNotReturned,
    cancel_loan,
    return_act,
    return_payout,
)
from lending.operations.repeated_payouts import PayoutNotRepeated, pay_out_again, repeat_act
from lending.queries.bookings import preview_return
from lending.queries.transfers import (
    get_cancel_refusal,
    get_retry_refusal,
    get_return_refusal,
    get_word_refusal,
    last_payout,
    payouts_back,
    pending_order,
)
from merchants.queries.payout_accounts import verified_account_of
from scoring.operations.single import MerchantNotScored

PAYOUT: Final = _("Payout")
MOVED: Final = "all"
REPEAT_WORDS: Final[dict[Any, Words]] = {**RETRY_REFUSALS, **GROUNDS}
RETURN_WORDS: Final[dict[Any, Words]] = {**RETURN_REFUSALS, **LOAN_REFUSALS}


def events_seen(loan: Loan) -> int:
    """Count the loan's events: what the effects of a booking depend on."""
    return loan.events.count()


def seen_events(asked: Asked) -> int | None:
    """Return how many events the loan had when the effects were shown; None if they were not."""
    return int(asked.seen) if asked.seen and asked.seen.isdecimal() else None


def _return_effects(loan: Loan, asked: Asked) -> Effects:
    preview = preview_return(loan, on=asked.data["on"], reason=asked.data["reason"], seen=seen_events(asked))
    if preview.plan is None:
        return Effects(refusal=RETURN_WORDS[preview.refusal])
    return Effects(parts=list(planned_effects(preview.plan, loan)))


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
        seen=seen_events(asked),
        approval=asked.approval,
    )


def _return_act(loan: Loan, asked: Asked) -> Act | None:
    payout = last_payout(loan)
    if payout is None:
        return None
    return return_act(loan, payout=payout, on=asked.data["on"], reason=asked.data["reason"])


def _account_seen(loan: Loan) -> int:
    account = verified_account_of(merchant_id=loan.merchant_id)
    return 0 if account is None else account.pk


def _pay_out_effects(loan: Loan, _asked: Asked) -> Effects:
    """Show how much would leave, and to which account, verified by whom."""
    account = verified_account_of(merchant_id=loan.merchant_id)
    facts: list[tuple[Words, object]] = [
        (_("Amount"), money_with_currency(loan.amount_minor, loan.currency)),
        (_("Payouts so far that came back"), payouts_back(loan)),
    ]
    if account is None:
        return Effects(parts=[Facts([*facts, (_("Payout account"), _("none is verified: the payout waits"))])])
    names = named([account.verified_by, account.approved_by])
    before = loan.payout_account_id not in {None, account.pk}
    facts += [
        (_("Payout account"), linked(account)),
        (_("Holder"), account.holder),
        (_("Verified by"), names[account.verified_by]),
        (_("Approved by"), names[account.approved_by]),
    ]
    warning = _("This is another account than the one that the money was sent to before.") if before else None
    return Effects(parts=[Facts(facts)], warning=warning)


def _pay_out(loan: Loan, asked: Asked) -> None:
    reason = asked.data["reason"]
    pay_out_again(loan_id=loan.pk, reason=reason, actor=asked.actor, now=asked.now, approval=asked.approval)


def _cancel(loan: Loan, asked: Asked) -> None:
    cancel_loan(loan_id=loan.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now)


def _payout_verb(name: str, label: Words, right: str, done: Words, **more: Any) -> Verb:  # noqa: ANN401
    """Do something about the payout, for a reason; what it does, its note says."""
    options: dict[str, Any] = {
        "form": ReasonForm,
        "group": PAYOUT,
        "effects": lambda _loan, _asked: Effects(),
        **more,
    }
    return Verb(name=name, label=label, right=right, done=done, **options)


class WordForm(DatedForm):
    moved = choice_field(_("What became of it"), coerce=str)
    reason = reason_field(_("How you know"))

    def prepare(self) -> None:
        super().prepare()
        part: Any = self.fields["moved"]
        part.choices = [(MOVED, _("All of it moved")), ("nothing", _("Nothing moved, and nothing will"))]


def _word_effects(loan: Loan, asked: Asked) -> Effects:
    order = pending_order(loan)
    refusal = get_word_refusal(order, on=asked.data["on"], reason=asked.data["reason"])
    if refusal is not None or order is None:
        return Effects(refusal=WORD_REFUSALS[refusal or WordRefusal.NOT_PENDING])
    facts: list[tuple[Words, object]] = [
        (_("Order"), TRANSFER_KINDS[TransferKind(order.kind)]),
        (_("Reference"), order.key.hex),
        (_("Amount"), money_with_currency(order.amount_minor, loan.currency)),
        (_("Ordered for"), order.on),
    ]
    return Effects(parts=[Facts(facts)])


def _word_act(loan: Loan, asked: Asked) -> Act | None:
    order = pending_order(loan)
    if order is None:
        return None
    return word_act(order, moved=asked.data["moved"] == MOVED, on=asked.data["on"], reason=asked.data["reason"])


def _enter_word(loan: Loan, asked: Asked) -> None:
    order = pending_order(loan)
    if order is None:
        raise WordNotTaken(WordRefusal.NOT_PENDING)
    enter_word(
        transfer_id=order.pk,
        moved=asked.data["moved"] == MOVED,
        on=asked.data["on"],
        reason=asked.data["reason"],
        actor=asked.actor,
        now=asked.now,
        approval=asked.approval,
    )


PAYOUT_VERBS: Final = (
    Verb(
        name="word",
        label=_("Enter what the bank says"),
        right="lending.settle_bankanswer",
        done=_("What became of the order is recorded."),
        group=PAYOUT,
        note=_(
            "For an order of which the bank, or the platform, has said nothing in its files: it told you by letter or "
            "telephone."
        ),
        form=WordForm,
        effects=_word_effects,
        why_not=refused_by(lambda loan, _: get_word_refusal(pending_order(loan), reason=TO_BE_GIVEN), WORD_REFUSALS),
        act=_word_act,
        call=_enter_word,
        refusals={WordNotTaken: WORD_REFUSALS},
    ),
    _payout_verb(
        "return",
        _("Take the payout back"),
        "lending.return_loan",
        _("The payout is taken back; the loan waits for its payout again."),
        form=DatedForm,
        note=_("For money that the bank sent back: the loan is as if it had never been paid out."),
        effects=_return_effects,
        seen=events_seen,
        why_not=refused_by(lambda loan, _: get_return_refusal(loan), RETURN_REFUSALS),
        act=_return_act,
        call=_return,
        refusals={PayoutNotReturned: RETURN_WORDS},
    ),
    _payout_verb(
        "pay_out",
        _("Pay out again"),
        "lending.pay_out_loan",
        _("The payout is ordered."),
        note=_(
            "The whole amount is sent once more, to the merchant's verified account. The merchant is scored afresh, "
            "and gets nothing if it would be declined today."
        ),
        effects=_pay_out_effects,
        seen=_account_seen,
        why_not=refused_by(
            lambda loan, asked: get_retry_refusal(loan, reason=TO_BE_GIVEN, by=[str(asked.actor)]), RETRY_REFUSALS
        ),
        act=lambda loan, asked: repeat_act(loan, reason=asked.data["reason"]),
        call=_pay_out,
        refusals={PayoutNotRepeated: REPEAT_WORDS, MerchantNotScored: SINGLE_REFUSALS},
    ),
    _payout_verb(
        "cancel",
        _("Cancel the loan"),
        "lending.cancel_loan",
        _("The loan is cancelled."),
        note=_("No money will leave; the merchant may be made another offer."),
        why_not=refused_by(lambda loan, _: get_cancel_refusal(loan, reason=TO_BE_GIVEN), RETRY_REFUSALS),
        call=_cancel,
        refusals={LoanNotCancelled: RETRY_REFUSALS},
    ),
)
