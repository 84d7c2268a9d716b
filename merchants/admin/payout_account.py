"""Show payout accounts and let staff verify them."""

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldBooleanWidget

from config.db.transactions import Contended
from config.office.actors import actor_of
from config.office.admin import ReadOnlyAdmin, named
from merchants.domain.payout_account import PayoutAccountState, VerificationRefusal
from merchants.models import PayoutAccount
from merchants.operations.payout_accounts import PayoutAccountNotVerified, verify_payout_account
from merchants.queries.payout_accounts import get_payout_account, get_verification_verdict

REFUSALS = {
    VerificationRefusal.NOT_PENDING: _("This account no longer waits for verification."),
    VerificationRefusal.SAME_PERSON: _("You entered this account: someone else has to verify it."),
    VerificationRefusal.OTHER_ACCOUNT_VERIFIED: _("The merchant has a verified account already."),
    VerificationRefusal.HOLDER_MISMATCH: _("The holder's name does not fit the merchant's."),
}
STATES = {
    PayoutAccountState.PENDING: _("Waits for verification"),
    PayoutAccountState.VERIFIED: _("Verified"),
    PayoutAccountState.REJECTED: _("Rejected"),
}
LABELS = {
    PayoutAccountState.PENDING: "warning",
    PayoutAccountState.VERIFIED: "success",
    PayoutAccountState.REJECTED: "danger",
}


class VerifyForm(forms.Form):
    """Ask for the one thing that only a person can say."""

    seen = forms.BooleanField(label=_("I have seen the bank's own document"), widget=UnfoldBooleanWidget)


@admin.register(PayoutAccount)
class PayoutAccountAdmin(ReadOnlyAdmin):
    """List and show; every change is a verb with a URL of its own."""

    list_display = ("masked_number", "merchant", "state_label", "entered_at")
    list_select_related = ("merchant",)
    search_fields = ("merchant__external_id__startswith",)
    search_help_text = _("The beginning of the merchant's external id.")
    fields = ("masked_number", "holder", "merchant", "state_label", "entered", "entered_at", "verified", "verified_at")
    readonly_fields = ("masked_number", "state_label", "entered", "verified")
    actions_detail = ("verify",)

    @display(description=_("State"), label=LABELS)
    def state_label(self, account: PayoutAccount) -> tuple[str, str]:
        """Say the state."""
        return account.state, str(STATES[PayoutAccountState(account.state)])

    @display(description=_("Entered by"))
    def entered(self, account: PayoutAccount) -> str:
        """Say who entered it."""
        return named([account.entered_by])[account.entered_by]

    @display(description=_("Verified by"))
    def verified(self, account: PayoutAccount) -> str | None:
        """Say who verified it."""
        return None if account.verified_by is None else named([account.verified_by])[account.verified_by]

    def has_verify_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Ask for the right to verify: it is another one than to view or change."""
        return request.user.has_perm("merchants.verify_payoutaccount")

    @action(description=_("Verify"), url_path="verify", permissions=["verify"])
    def verify(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the verdict (GET), then verify (POST)."""
        try:
            account = get_payout_account(payout_account_id=int(object_id))
        except (ValueError, PayoutAccount.DoesNotExist) as error:
            raise Http404 from error
        actor = actor_of(request.user)
        form = VerifyForm(request.POST or None)
        if form.is_valid():
            try:
                verify_payout_account(payout_account_id=account.pk, actor=actor, now=timezone.now())
            except PayoutAccountNotVerified as refused:
                messages.error(request, REFUSALS[refused.reason])
            except Contended:
                messages.error(request, _("Someone else is working on this merchant. Please try again."))
            else:
                messages.success(request, _("The payout account is verified."))
            return redirect("admin:merchants_payoutaccount_change", account.pk)
        verdict = get_verification_verdict(account=account, verifier=actor)
        context = self.admin_site.each_context(request) | {
            "title": _("Verify payout account"),
            "opts": self.opts,
            "original": account,
            "account": account,
            "likeness": f"{verdict.holder_score_bps / 100:.0f} %",
            "refusal": REFUSALS[verdict.refusal] if verdict.refusal else None,
            "form": form,
        }
        return TemplateResponse(request, "merchants/verify_payout_account.html", context)
