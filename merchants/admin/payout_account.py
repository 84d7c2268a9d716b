"""Office pages of payout accounts, and what staff do with them."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import BASIS_POINTS
from config.office.display import Card, Cell, Facts, Page, Part, chip, linked
from config.office.lists import ListColumn, Search, choice_filter
from config.office.pages import OfficeAdmin, named, subject_url, subject_words
from config.office.verbs import (
    TO_BE_GIVEN,
    Asked,
    Effects,
    Refusals,
    Verb,
    VerbForm,
    reason_field,
    refused_by,
    text_field,
)
from config.office.words import HUNDREDTH, percent
from merchants.domain.payout_account import (
    HOLDER_MATCH_BPS,
    ClosingRefusal,
    PayoutAccountState,
    in_fours,
    judge_rejection,
    payment_reference,
)
from merchants.models import PayoutAccount
from merchants.operations.payout_accounts import (
    PayoutAccountNotClosed,
    PayoutAccountNotVerified,
    reject_payout_account,
    reveal_number,
    verification_act,
    verify_payout_account,
    withdraw_payout_account,
)
from merchants.queries.labels import ACCOUNT_STATES, NUMBER_FORMS, VERIFICATION_REFUSALS
from merchants.queries.merchants import search_merchants
from merchants.queries.payout_accounts import get_verification_verdict, get_withdrawal_refusal, names_of, replaced_by

CLOSING_REFUSALS: Final = {
    ClosingRefusal.NOT_PENDING: _("This account no longer waits for verification."),
    ClosingRefusal.CLOSED: _("This account is rejected or withdrawn already."),
    ClosingRefusal.REASON_MISSING: _("Please give a reason."),
}
CLOSED: Final[Refusals] = {PayoutAccountNotClosed: CLOSING_REFUSALS}


class VerifyForm(VerbForm):
    """What the verification rests on, which only a person can check."""

    evidence = text_field(
        _("SHA-256 of the bank's document"),
        longest=64,
        help_text=_("Of the file that you have seen and keep: sha256sum FILE. Whoever approves compares it."),
    )


def _about(account: PayoutAccount, asked: Asked) -> Sequence[Part]:
    verdict = get_verification_verdict(account=account, verifier=asked.actor, now=asked.now)
    match = _t("%(found)s; at least %(needed)s is required") % {
        "found": percent(verdict.holder_score_bps, BASIS_POINTS, HUNDREDTH),
        "needed": percent(HOLDER_MATCH_BPS, BASIS_POINTS, HUNDREDTH),
    }
    facts = [
        (_("Account"), account.masked_number),
        (_("Account type"), NUMBER_FORMS[account.form]),
        (_("Holder"), account.holder),
        (_("Merchant name at entry"), account.merchant_name),
        (_("Merchant name now"), linked(account.merchant)),
        (_("Names in the last 90 days"), ", ".join(sorted(names_of(account, now=asked.now)))),
        (_("Name match"), match),
    ]
    return [Facts(facts)]


def _effects(account: PayoutAccount, asked: Asked) -> Effects:
    verdict = get_verification_verdict(
        account=account, verifier=asked.actor, now=asked.now, evidence=asked.data["evidence"]
    )
    if verdict.refusal is not None:
        return Effects(refusal=VERIFICATION_REFUSALS[verdict.refusal])
    replaced = replaced_by(account)
    warnings = []
    if account.merchant_name != account.merchant.name:
        names = {"then": account.merchant_name, "now": account.merchant.name}
        warnings.append(
            _t("The merchant was called “%(then)s” when the account was entered, and is called “%(now)s” now.") % names
        )
    if replaced is not None:
        warnings.append(
            _t("The verified account %(account)s is withdrawn: payouts that wait for it are held.")
            % {"account": replaced.masked_number}
        )
    return Effects(warning=" ".join(warnings) or None)


class ClosingForm(VerbForm):
    reason = reason_field(help_text=_("The partner can read it. It is kept in the audit trail too, with your name."))


VERIFY: Final = Verb(
    name="verify",
    label=_("Verify"),
    right="merchants.verify_payoutaccount",
    form=VerifyForm,
    about=_about,
    note=_(
        "Once verified, loans of this merchant are paid out to this account. Without a document: the merchant pays a "
        "small sum from it, with the reference that its page shows, and you verify it on that line of the statement."
    ),
    why_not=refused_by(
        lambda account, asked: get_verification_verdict(account=account, verifier=asked.actor, now=asked.now).refusal,
        VERIFICATION_REFUSALS,
    ),
    effects=_effects,
    act=lambda account, asked: verification_act(account, evidence=asked.data["evidence"]),
    call=lambda account, asked: verify_payout_account(
        payout_account_id=account.pk,
        evidence=asked.data["evidence"],
        actor=asked.actor,
        now=asked.now,
        approval=asked.approval,
    ),
    done=_("The payout account is verified."),
    refusals={PayoutAccountNotVerified: VERIFICATION_REFUSALS},
    is_primary=True,
)
REJECT: Final = Verb(
    name="reject",
    label=_("Reject"),
    right="merchants.verify_payoutaccount",
    form=ClosingForm,
    note=_("Nothing is paid to this account. The partner may enter another, or the same number anew."),
    why_not=refused_by(
        lambda account, _: judge_rejection(PayoutAccountState(account.state), reason=TO_BE_GIVEN), CLOSING_REFUSALS
    ),
    call=lambda account, asked: reject_payout_account(
        payout_account_id=account.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now
    ),
    done=_("The payout account is rejected."),
    refusals=CLOSED,
)
WITHDRAW: Final = Verb(
    name="withdraw",
    label=_("Withdraw"),
    right="merchants.withdraw_payoutaccount",
    form=ClosingForm,
    note=_(
        "Nothing more is paid to this account, and payouts that wait for it are held. What its loans owe is still "
        "collected from it."
    ),
    why_not=refused_by(
        lambda account, asked: get_withdrawal_refusal(account, actor=asked.actor, reason=TO_BE_GIVEN), CLOSING_REFUSALS
    ),
    call=lambda account, asked: withdraw_payout_account(
        payout_account_id=account.pk, reason=asked.data["reason"], actor=asked.actor, now=asked.now
    ),
    done=_("The payout account is withdrawn."),
    refusals=CLOSED,
)
REVEAL: Final = Verb(
    name="reveal",
    label=_("Show full number"),
    right="merchants.reveal_payoutaccount",
    note=_("To compare it with the bank's own document. That you saw it is kept in the audit trail, with your name."),
    call=lambda account, asked: reveal_number(payout_account_id=account.pk, actor=asked.actor, now=asked.now),
    done=_("It is kept in the audit trail that you saw the number."),
    shown=lambda number: [Facts([(_("Account number"), in_fours(number))])],
    refusals={},
)


@admin.register(PayoutAccount)
class PayoutAccountAdmin(OfficeAdmin[PayoutAccount]):
    """Payout accounts, entered by the partner's system and verified by staff."""

    columns = (
        ListColumn(
            label=_("Account"),
            cell=lambda account: Cell(text=account.masked_number, note=NUMBER_FORMS[account.form]),
            style="tl-nowrap",
        ),
        ListColumn(label=_("Merchant"), cell=lambda account: linked(account.merchant)),
        ListColumn(label=_("Holder"), cell=lambda account: account.holder),
        ListColumn(label=_("State"), cell=lambda account: chip(*ACCOUNT_STATES[PayoutAccountState(account.state)])),
        ListColumn(label=_("Entered"), cell=lambda account: account.entered_at, style="tl-nowrap"),
    )
    filters = (choice_filter("state", _("state"), ACCOUNT_STATES),)
    search = Search(
        help=_("Merchant: name or id"), keep=lambda rows, term: rows.filter(merchant__in=search_merchants(term))
    )
    list_related = ("merchant",)
    related = ("merchant", "follows")
    verbs = (VERIFY, REVEAL, REJECT, WITHDRAW)
    empty = _("No payout account yet. The partner's system enters them.")

    def page_of(self, row: PayoutAccount, request: HttpRequest) -> Page:
        """Show who entered, verified and closed the account; never its whole number."""
        names: dict[Any, Any] = named([row.entered_by, row.verified_by, row.approved_by, row.closed_by])
        entered = [
            (_("Account type"), NUMBER_FORMS[row.form]),
            (_("Encrypted with key"), row.number_key),
            (_("Holder"), row.holder),
            (_("Merchant name at entry"), row.merchant_name),
            (_("Merchant name now"), linked(row.merchant)),
            (_("Entered"), row.entered_at),
            (_("Entered by"), names[row.entered_by]),
            (_("Reference of a test payment"), payment_reference(row.pk)),
        ]
        later = [
            (_("Verified"), row.verified_at),
            (_("Verified by"), names[row.verified_by]),
            (_("SHA-256 of the bank's document"), row.evidence_sha256 or None),
            (_("Test payment from it"), _row_cell(row.evidence_payment)),
            (_("Approved by"), names[row.approved_by]),
            (_("Previous verified account"), None if row.follows is None else linked(row.follows)),
            (_("Rejected or withdrawn"), row.closed_at),
            (_("Rejected or withdrawn by"), names[row.closed_by]),
            (_("Reason"), row.reason or None),
        ]
        facts = [*entered, *((name, value) for name, value in later if value is not None)]
        return Page(
            title=row.masked_number,
            chips=[chip(*ACCOUNT_STATES[PayoutAccountState(row.state)])],
            cards=[Card(title=_("Account"), parts=[Facts(facts)])],
        )


def _row_cell(subject: str) -> Cell | None:
    return Cell(text=subject_words(subject), link=subject_url(subject)) if subject else None
