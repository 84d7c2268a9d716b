"""Decide whether a payment on a bank's statement shows that its account is the one that a merchant entered."""

from datetime import date
from enum import StrEnum

from config.kernel.refusals import first_of
from merchants.domain.payout_account import account_named_by, canonical_number, is_named


class PaymentRefusal(StrEnum):
    """Why a line of a statement does not verify an account; the first that applies counts.

    Where the bank does not say from which account or from whom the money came, that differs, too.
    """

    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    NOT_RECEIVED = "NOT_RECEIVED"
    BEFORE_ENTRY = "BEFORE_ENTRY"
    NUMBER_DIFFERS = "NUMBER_DIFFERS"
    NAME_DIFFERS = "NAME_DIFFERS"


def named_account(words: str, reference: str) -> int | None:
    """Return the payout account that a payment says it is a test of, in its words or in its reference."""
    return account_named_by(f"{words}\n{reference}")


def judge_payment(
    *,
    is_booked: bool,
    amount_minor: int,
    booked_on: date,
    number: str,
    name: str,
    entered_on: date,
    entered_number: str,
    holder: str,
) -> PaymentRefusal | None:
    """Decide whether a line is money received from an account since it was entered, from whom it was entered for."""
    return first_of(
        {
            PaymentRefusal.NOT_RECEIVED: not is_booked or amount_minor <= 0,
            PaymentRefusal.BEFORE_ENTRY: booked_on < entered_on,
            PaymentRefusal.NUMBER_DIFFERS: canonical_number(number) != entered_number,
            PaymentRefusal.NAME_DIFFERS: not is_named(name, holder),
        }
    )
