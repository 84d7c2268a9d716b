"""The pages of lending, and those that show a merchant with everything about it."""

from lending.admin import application, day_close, line, loan, merchant, offer, product, transfer

__all__ = ["application", "day_close", "line", "loan", "merchant", "offer", "product", "transfer"]
