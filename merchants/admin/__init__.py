"""Office pages of partners, payout accounts and batches."""

from merchants.admin import batch, partner, payout_account

__all__ = ["batch", "partner", "payout_account"]
