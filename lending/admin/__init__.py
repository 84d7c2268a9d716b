"""The pages of lending, and those that show a merchant with everything about it."""

from lending.admin import (
    application,
    bank_files,
    bank_statements,
    books,
    calendar,
    day_close,
    journal,
    line,
    loan,
    merchant,
    month_close,
    offer,
    product,
    provision,
    statement_lines,
    transfer,
)

__all__ = [
    "application",
    "bank_files",
    "bank_statements",
    "books",
    "calendar",
    "day_close",
    "journal",
    "line",
    "loan",
    "merchant",
    "month_close",
    "offer",
    "product",
    "provision",
    "statement_lines",
    "transfer",
]
