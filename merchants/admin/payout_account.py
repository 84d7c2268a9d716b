"""Office pages of payout accounts, and their verification by staff."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from config.kernel.exact import BASIS_POINTS
from config.office.display import Card, Cell, Facts, Page, Part, chip, linked
from config.office.lists import ListColumn, Search, choice_filter
from config.office.pages import OfficeAdmin, named
from config.office.verbs import Asked, Effects, Verb, VerbForm, refused_by, tick_field
from config.office.words import HUNDREDTH, percent
from merchants.domain.payout_account import HOLDER_MATCH_BPS, PayoutAccountState, VerificationRefusal
from merchants.models import PayoutAccount
from merchants.operations.payout_accounts import PayoutAccountNotVerified, verification_act, verify_payout_account
from merchants.queries.labels import ACCOUNT_STATES, NUMBER_FORMS
from merchants.queries.merchants import search_merchants
from merchants.queries.payout_accounts import get_verification_verdict

REFUSALS: Final = {
    VerificationRefusal.NOT_PENDING: _("This account no longer waits for verification."),
    VerificationRefusal.NUMBER_MALFORMED: _(
        "The number does not pass the checks of its form: it has to be entered again."
    ),
    VerificationRefusal.SAME_PERSON: _("You entered this account: someone else has to verify it."),
    VerificationRefusal.OTHER_ACCOUNT_VERIFIED: _("The merchant has a verified account already."),
    VerificationRefusal.HOLDER_MISMATCH: _("The holder's name does not match the merchant's."),
}


class VerifyForm(VerbForm):
    """Confirmation of the one thing that only a person can check."""

    document_seen = tick_field(_("I have seen the bank's own document"))


def _about(account: PayoutAccount, asked: Asked) -> Sequence[Part]:
    verdict = get_verification_verdict(account=account, verifier=asked.actor)
    match = _t("%(found)s; at least %(needed)s is required") % {
        "found": percent(verdict.holder_score_bps, BASIS_POINTS, HUNDREDTH),
        "needed": percent(HOLDER_MATCH_BPS, BASIS_POINTS, HUNDREDTH),
    }
    facts = [
        (_("Account"), account.masked_number),
        (_("Form of the number"), NUMBER_FORMS[account.form]),
        (_("Holder"), account.holder),
        (_("Merchant"), linked(account.merchant)),
        (_("Match of the names"), match),
    ]
    return [Facts(facts)]


VERIFY: Final = Verb(
    name="verify",
    label=_("Verify"),
    right="merchants.verify_payoutaccount",
    form=VerifyForm,
    about=_about,
    note=_("Once verified, loans of this merchant are paid out to this account."),
    why_not=refused_by(
        lambda account, asked: get_verification_verdict(account=account, verifier=asked.actor).refusal, REFUSALS
    ),
    effects=lambda _account, _asked: Effects(),
    act=lambda account, _asked: verification_act(account),
    call=lambda account, asked: verify_payout_account(
        payout_account_id=account.pk, actor=asked.actor, now=asked.now, approval=asked.approval
    ),
    done=_("The payout account is verified."),
    refusals={PayoutAccountNotVerified: REFUSALS},
    is_primary=True,
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
    list_related = related = ("merchant",)
    verbs = (VERIFY,)
    empty = _("No payout account yet. The partner's system enters them.")

    def page_of(self, row: PayoutAccount, request: HttpRequest) -> Page:
        """Show who entered and who verified the account; never its whole number."""
        names: dict[Any, Any] = named([row.entered_by, row.verified_by, row.approved_by])
        facts = [
            (_("Form of the number"), NUMBER_FORMS[row.form]),
            (_("Holder"), row.holder),
            (_("Merchant"), linked(row.merchant)),
            (_("Entered"), row.entered_at),
            (_("Entered by"), names[row.entered_by]),
            (_("Verified"), row.verified_at),
            (_("Verified by"), names[row.verified_by]),
            (_("Approved by"), names[row.approved_by]),
        ]
        return Page(
            title=row.masked_number,
            chips=[chip(*ACCOUNT_STATES[PayoutAccountState(row.state)])],
            cards=[Card(title=_("Account"), parts=[Facts(facts)])],
        )
