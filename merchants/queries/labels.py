"""Words and colours for what pages of several apps show of merchants."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from merchants.domain.payout_account import PayoutAccountState

ACCOUNT_STATES: Final = {
    PayoutAccountState.PENDING: (_("Waits for verification"), "tl-warn"),
    PayoutAccountState.VERIFIED: (_("Verified"), "tl-ok"),
}
