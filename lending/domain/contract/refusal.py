"""Refusals of invalid terms and events."""

from enum import StrEnum


class LoanRefusal(StrEnum):
    """Why terms and events are refused; of several faults of one event, the first of these counts."""

    BAD_TERMS = "BAD_TERMS"
    BAD_EVENT = "BAD_EVENT"
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    UNKNOWN_EVENT = "UNKNOWN_EVENT"
    ALREADY_REVERSED = "ALREADY_REVERSED"
    NOT_REVERSIBLE = "NOT_REVERSIBLE"
    BEFORE_DISBURSEMENT = "BEFORE_DISBURSEMENT"
    ALREADY_DISBURSED = "ALREADY_DISBURSED"
    AMOUNT_NOT_PRINCIPAL = "AMOUNT_NOT_PRINCIPAL"
    CREDIT_TOO_SMALL = "CREDIT_TOO_SMALL"


class LoanRefused(Exception):
    """The terms and events make no loan, for the reason given; the message says what and where."""

    def __init__(self, reason: LoanRefusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason
