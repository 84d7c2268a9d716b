"""Office pages of partners, payout accounts, batches and uploads."""

from merchants.admin import batch, partner, payout_account, upload

__all__ = ["batch", "partner", "payout_account", "upload"]
