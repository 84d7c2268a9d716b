"""Office pages of partners, payout accounts, batches and uploads."""

from merchants.admin import batch, contact_detail, partner, payout_account, upload

__all__ = ["batch", "contact_detail", "partner", "payout_account", "upload"]
