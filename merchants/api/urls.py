"""Routes of the merchants API."""

from django.urls import path

from config.api.ids import register_ids
from merchants.api.contact_details import ContactDetailsView, RetirementView
from merchants.api.merchants import MerchantsView, MerchantView
from merchants.api.payout_accounts import PayoutAccountView, WithdrawalView
from merchants.api.transactions import BatchView, TransactionsView

register_ids("batch", "contact_detail", "payout_account")

# A partner's ids may have slashes, so the longer addresses come first.
urlpatterns = [
    path("merchants", MerchantsView.as_view(), name="merchants"),
    path("merchants/<path:external_id>/payout-account", PayoutAccountView.as_view(), name="payout-account"),
    path(
        "payout-accounts/<payout_account:payout_account_id>/withdraw",
        WithdrawalView.as_view(),
        name="payout-account-withdraw",
    ),
    path("merchants/<path:external_id>/contact-details", ContactDetailsView.as_view(), name="contact-details"),
    path(
        "contact-details/<contact_detail:contact_detail_id>/retire",
        RetirementView.as_view(),
        name="contact-detail-retire",
    ),
    path("merchants/<path:external_id>", MerchantView.as_view(), name="merchant"),
    path("transactions", TransactionsView.as_view(), name="transactions"),
    path("batches/<batch:number>", BatchView.as_view(), name="batch"),
]
