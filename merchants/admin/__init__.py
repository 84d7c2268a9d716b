"""The pages of the registry and of what arrived."""

from merchants.admin import batch, partner, payout_account

__all__ = ["batch", "partner", "payout_account"]
