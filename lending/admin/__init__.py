"""The pages of lending, and those that show a merchant with everything about it."""

from lending.admin import application, calendar, day_close, line, loan, merchant, offer, product, transfer

__all__ = ["application", "calendar", "day_close", "line", "loan", "merchant", "offer", "product", "transfer"]
