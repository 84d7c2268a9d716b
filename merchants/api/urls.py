"""Routes of the merchants API."""

from django.urls import path, register_converter

from merchants.api.merchants import MerchantsView, MerchantView
from merchants.api.payout_accounts import PayoutAccountView
from merchants.api.transactions import BatchView, TransactionsView


class BatchIdConverter:
    """URL converter between a batch's public id, `batch_17`, and its number."""

    regex = "batch_[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value.removeprefix("batch_"))

    def to_url(self, value: int) -> str:
        return f"batch_{value}"


register_converter(BatchIdConverter, "batch")

# A partner's ids may have slashes, so the longer addresses come first.
urlpatterns = [
    path("merchants", MerchantsView.as_view(), name="merchants"),
    path("merchants/<path:external_id>/payout-account", PayoutAccountView.as_view(), name="payout-account"),
    path("merchants/<path:external_id>", MerchantView.as_view(), name="merchant"),
    path("transactions", TransactionsView.as_view(), name="transactions"),
    path("batches/<batch:number>", BatchView.as_view(), name="batch"),
]
